"""Which of the replies that are in a queue a pattern may mean."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import takewhile
from string import ascii_letters
from typing import Final

from empath.spool.contract import reply_matches, reply_of

MOST: Final = 500
"""Different replies that are compared with a pattern: they take some milliseconds."""
MOST_CHARACTERS: Final = 200
"""Of a reply in its row, by which it is looked up. What it says beyond that, the record of the attempt has."""
_FOLDED_OTHERWISE: Final = frozenset("ikIKsS")
"""They have relatives outside of ASCII, such as the sign for Kelvin."""
_LITERAL: Final = frozenset(map(chr, range(32, 127))) - frozenset("*?[") - frozenset(ascii_letters)
"""What stands for itself in a pattern; a letter stands for others, too."""


def kept(last: bytes) -> str:
    """What a row keeps of the reply in the record of an attempt."""
    # A text of a database may have no NUL, and one that has is none that a pattern could mean.
    return "" if not last else reply_of(last)[:MOST_CHARACTERS].replace("\0", "\N{REPLACEMENT CHARACTER}")


def literal(pattern: str) -> str:
    """How all begins that a pattern means."""
    return "".join(takewhile(_LITERAL.__contains__, pattern))


def like(pattern: str) -> str:
    """What all is like that a pattern means, as LIKE of SQL has it, with ``!`` as the escape.

    The longest part of the pattern that has no wildcard. A letter that the databases and we may not fold alike stands
    for any character there.
    """
    parts = re.split(r"\[[^]]+\]|[*?\[]", pattern)
    longest = max(parts, key=len)
    return "%" + "".join(_like(character) for character in longest) + "%"


def _like(character: str) -> str:
    if character in _FOLDED_OTHERWISE or not character.isascii():
        return "_"
    return f"!{character}" if character in "%_!" else character


def meant(pattern: str, replies: Iterable[str]) -> list[str]:
    """Those that a pattern means, or may mean if we had all of them."""
    return [text for text in replies if len(text) >= MOST_CHARACTERS or reply_matches(pattern, text)]
