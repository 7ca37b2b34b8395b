"""One rule about what hosts answer: which replies it fits, and what follows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final

from attrs import frozen

from empath.mail.diagnosis import Phase
from empath.mail.failure_class import FailureClass
from empath.policy.replies.reaction import Reaction
from empath.smtp import EnhancedCode, Reply

_MAX_TEXT: Final = 1000
"""So many characters of an answer are looked at: a host may write whole pages."""
_REMEMBERED: Final = 256
_EXAMPLE: Final = re.compile(r"([45][0-5][0-9]) (?:([45])\.([0-9]{1,3})\.([0-9]{1,3})(?: |$))?(.*)")


class RulesFault(Exception):
    """A text holds no usable rules. Each line of the message is one thing that is wrong."""


@frozen(kw_only=True)
class ReplyRule:
    """One rule. What is empty or None fits everything."""

    failure_class: FailureClass | None = None
    """What such a failure is about; None: the rule does not say."""
    reaction: Reaction | None = None
    """What the lane is to do; None: nothing."""
    hosts: tuple[str, ...] = ()
    """Names of hosts in lower case; one that begins with a dot means all names below it."""
    codes: tuple[str, ...] = ()
    """Beginnings of the reply code."""
    status: tuple[tuple[int | None, int | None, int | None], ...] = ()
    """Enhanced codes; None: any number."""
    phases: frozenset[Phase] = frozenset()
    text: re.Pattern[str] | None = None
    examples: tuple[str, ...] = ()
    counterexamples: tuple[str, ...] = ()

    def fits(self, reply: Reply, phase: Phase, host: str | None = None) -> bool:
        """Whether all that the rule names is so."""
        return (
            (not self.codes or str(reply.code).startswith(self.codes))
            and (not self.status or any(_same(wanted, reply.enhanced) for wanted in self.status))
            and (not self.phases or phase in self.phases)
            and (not self.hosts or (host is not None and _is_one_of(host.lower().rstrip("."), self.hosts)))
            and (self.text is None or self.text.search(" ".join(reply.lines)[:_MAX_TEXT]) is not None)
        )


Decide = Callable[[Reply, Phase, str | None], ReplyRule | None]
"""Tells the first rule that fits a reply in a phase from a host; None: none does."""


def first_of(rules: Iterable[ReplyRule]) -> Decide:
    """A function that finds the first rule that fits. It remembers, since a host says the same of most messages."""
    asked = tuple(rules)
    knows_hosts = any(rule.hosts for rule in asked)

    @lru_cache(_REMEMBERED)
    def decide(reply: Reply, phase: Phase, host: str | None) -> ReplyRule | None:
        return next((rule for rule in asked if rule.fits(reply, phase, host)), None)

    # Where no rule asks which host it was, what all hosts of the world say alike is remembered once.
    return decide if knows_hosts else lambda reply, phase, _host: decide(reply, phase, None)


def example(text: str) -> Reply:
    """The reply that an example writes as one line. A ValueError: it is no refusal."""
    match = _EXAMPLE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no reply like '550 5.1.1 No such user'")
    enhanced = None if match[2] is None else EnhancedCode(int(match[2]), int(match[3]), int(match[4]))
    return Reply(int(match[1]), match[5], enhanced)


def broken_examples(rules: Sequence[ReplyRule]) -> list[str]:
    """What examples come to that should come to something else. A rule with phases is tried in the first of them."""
    faults = []
    for number, rule in enumerate(rules, start=1):
        phase = min(rule.phases, key=list(Phase).index) if rule.phases else Phase.RCPT
        host = f"mx{rule.hosts[0]}" if rule.hosts and rule.hosts[0].startswith(".") else next(iter(rule.hosts), None)
        decide = first_of(other for other in rules if _are_asked_together(rule, other))
        for text in rule.examples:
            decisive = decide(example(text), phase, host)
            if decisive is None:
                faults.append(f"rule {number}: it does not fit its example {text!r}")
            elif decisive is not rule:
                faults.append(f"rule {number}: rule {rules.index(decisive) + 1} decides of its example {text!r}")
        faults.extend(
            f"rule {number}: it fits its counterexample {text!r}"
            for text in rule.counterexamples
            if rule.fits(example(text), phase, host)
        )
    return faults


def _are_asked_together(one: ReplyRule, other: ReplyRule) -> bool:
    return one is other or (
        other.reaction is not None if one.failure_class is None else other.failure_class is not None
    )


def _same(wanted: tuple[int | None, ...], found: EnhancedCode | None) -> bool:
    return found is not None and all(want in (None, number) for want, number in zip(wanted, found, strict=True))


def _is_one_of(host: str, names: tuple[str, ...]) -> bool:
    return any(host.endswith(name) if name.startswith(".") else host == name for name in names)
