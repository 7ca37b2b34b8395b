"""What to do about the answers of hosts: the rules that have a reaction."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field, frozen

from empath.mail.diagnosis import Diagnosis
from empath.policy.replies.reaction import Reaction
from empath.policy.replies.rule import Decide, ReplyRule, first_of


@frozen
class Reactions:
    """Rules that have a reaction, in the order in which they are asked."""

    rules: tuple[ReplyRule, ...]
    _decide: Decide = field(init=False, eq=False, repr=False)

    @_decide.default
    def _remembering(self) -> Decide:
        return first_of(self.rules)

    def to(self, diagnosis: Diagnosis) -> Reaction | None:
        """What to do about a failure; None: nothing, or nobody answered."""
        if diagnosis.reply is None:
            return None
        rule = self._decide(diagnosis.reply, diagnosis.phase, diagnosis.host)
        return None if rule is None else rule.reaction


def with_reaction(rules: Iterable[ReplyRule]) -> Reactions:
    """Those of the rules that have one."""
    return Reactions(tuple(rule for rule in rules if rule.reaction is not None))
