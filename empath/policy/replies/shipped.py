"""The rules that come with Empath, and where those of an operator stand among them: in front."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from functools import cache
from typing import Final

from empath.policy.replies.classes import ReplyClasses, with_class
from empath.policy.replies.reactions import Reactions, with_reaction
from empath.policy.replies.reading import parse
from empath.policy.replies.rule import ReplyRule

CLASSES: Final = "classes.toml"
PROVIDERS: Final = "providers.toml"


@cache
def shipped(name: str) -> tuple[ReplyRule, ...]:
    """The rules of a file of this package."""
    return parse((pkgutil.get_data(__package__, name) or b"").decode())


def classes_after(own: Iterable[ReplyRule] = ()) -> ReplyClasses:
    """What failures are about: rules of an operator are asked first, and then those that come with Empath."""
    return with_class((*own, *shipped(CLASSES)))


def reactions_after(own: Iterable[ReplyRule] = ()) -> Reactions:
    """What to do about answers: rules of an operator are asked first, and then those that come with Empath."""
    return with_reaction((*own, *shipped(PROVIDERS)))
