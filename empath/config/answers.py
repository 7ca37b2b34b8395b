"""The kind of ``delivery.reply_rules``: what to make of the answers of hosts."""

from collections.abc import Mapping, Sequence
from typing import Final

from empath.config.faults import Code
from empath.config.kinds import FOREIGN, Kind
from empath.config.refusal import Refusal
from empath.config.units import UnitError
from empath.policy.replies import ReplyRule, RulesFault, read_tables


def _rules(raw: Sequence[object]) -> tuple[ReplyRule, ...]:
    tables = [table for table in raw if isinstance(table, Mapping)]
    if len(tables) < len(raw):
        raise UnitError("a rule is a table")
    try:
        return read_tables(tables)
    except RulesFault as problem:
        what = str(problem).replace("\n", "; ")
        why, remedy = (
            "answers would be taken for something else than you meant",
            "docs/lanes.rst says how rules are written",
        )
        raise Refusal(Code.BAD_VALUE, what, why=why, remedy=remedy) from None


REPLY_RULES: Final[Kind[tuple[ReplyRule, ...]]] = Kind(
    noun="rules about answers",
    grammar="each is a table of its own, [[delivery.reply_rules]]",
    example='[{ text = "slow down", slow = 0.5, examples = ["450 slow down"], counterexamples = ["450 no"] }]',
    types=(list,),
    convert=_rules,
    show=lambda rules: f"[{', '.join('{ ... }' for _ in rules)}]",
    from_text=FOREIGN.from_text,
)
