"""Rules from TOML, each tried on its examples.

::

    [[rules]]
    class = "mailbox_full"         # what such a failure is about, or
    slow = 0.5                     # by which factor the lane goes slower,
    suspend = "15m"                # for how long it sends nothing,
    connections = 2                # how many connections it has at most,
    lasts = "1h"                   # and for how long slow and connections hold
    hosts = [".example.net"]       # who says it; a name that begins with a dot means all names below it
    codes = ["452", "55"]          # beginnings of the reply code
    status = ["4.2.2", "5.2.2"]    # the enhanced code, "*" for any number
    phases = ["rcpt", "end"]       # how far the attempt had come
    text = "over quota|box (is )?full"
    examples = ["552 5.2.2 Mailbox full"]
    counterexamples = ["550 5.1.1 User unknown"]

A rule fits if everything that it names does. ``text`` is a regular expression of Python, looked for anywhere in the
words of the reply without regard to case.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Final

from empath.mail.diagnosis import Phase
from empath.mail.failure_class import FailureClass
from empath.policy.replies.reaction import LASTS_S, Reaction
from empath.policy.replies.rule import ReplyRule, RulesFault, broken_examples, example

_NAMES: Final = (
    *("class", "slow", "suspend", "connections", "lasts", "hosts", "codes", "status", "phases", "text"),
    *("examples", "counterexamples"),
)
_CODE: Final = re.compile(r"[45][0-9]{0,2}")
_STATUS: Final = re.compile(r"([45*])\.([0-9]{1,3}|\*)\.([0-9]{1,3}|\*)")
_HOST: Final = re.compile(r"\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_SPAN: Final = re.compile(r"([1-9][0-9]{0,5})(s|m|h|d)")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_PHASES: Final = {phase.value: phase for phase in Phase}
_CLASSES: Final = {one.value: one for one in FailureClass}


def parse(text: str) -> tuple[ReplyRule, ...]:
    """Read rules, and try their examples. Raises RulesFault with everything that is wrong."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise RulesFault(f"it is not TOML: {problem}") from None
    tables = tree.pop("rules", [])
    faults = [f"{name} is none of its keys, which is: rules" for name in tree]
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        faults, tables = [*faults, "rules are written as [[rules]]"], []
    rules: tuple[ReplyRule, ...] = ()
    try:
        rules = read_tables(tables)
    except RulesFault as problem:
        faults.append(str(problem))
    if faults:
        raise RulesFault("\n".join(faults))
    return rules


def read_tables(tables: Sequence[Mapping[str, object]]) -> tuple[ReplyRule, ...]:
    """Read rules that TOML has made tables of, and try their examples. Raises RulesFault."""
    rules: list[ReplyRule] = []
    faults: list[str] = []
    for number, table in enumerate(tables, start=1):
        try:
            rules.append(_rule(table))
        except ValueError as problem:
            faults.append(f"rule {number}: {problem}")
    faults = faults or broken_examples(rules)
    if faults:
        raise RulesFault("\n".join(faults))
    return tuple(rules)


def _rule(table: Mapping[str, object]) -> ReplyRule:
    if unknown := [name for name in table if name not in _NAMES]:
        raise ValueError(f"{unknown[0]} is none of its keys, which are: {', '.join(_NAMES)}")
    reaction = _reaction(table)
    if "class" not in table and reaction is None:
        raise ValueError("it says neither what a failure is about (class) nor what to do (slow, suspend, connections)")
    if "class" in table and table["class"] not in _CLASSES:
        raise ValueError(f"class is {table['class']!r} and should be one of: {', '.join(_CLASSES)}")
    rule = ReplyRule(
        failure_class=_CLASSES[str(table["class"])] if "class" in table else None,
        reaction=reaction,
        hosts=tuple(map(_host, _texts(table, "hosts"))),
        codes=tuple(map(_code, _texts(table, "codes"))),
        status=tuple(map(_status, _texts(table, "status"))),
        phases=frozenset(map(_phase, _texts(table, "phases"))),
        text=_pattern(table.get("text")),
        examples=_texts(table, "examples"),
        counterexamples=_texts(table, "counterexamples"),
    )
    if not rule.examples or not rule.counterexamples:
        raise ValueError("it needs examples and counterexamples, at least one of each")
    for text in (*rule.examples, *rule.counterexamples):
        example(text)
    return rule


def _reaction(table: Mapping[str, object]) -> Reaction | None:
    slow, connections = table.get("slow"), table.get("connections")
    if slow is not None and not (isinstance(slow, float) and 0 < slow < 1):
        raise ValueError(f"slow is a factor above 0 and below 1, not {slow!r}")
    if connections is not None and not (type(connections) is int and connections >= 1):
        raise ValueError(f"connections is a whole number from 1, not {connections!r}")
    suspend_s, lasts_s = _span_s(table, "suspend"), _span_s(table, "lasts")
    if slow is None and suspend_s is None and connections is None:
        if lasts_s is not None:
            raise ValueError("lasts means nothing without slow or connections")
        return None
    return Reaction(
        slow=slow if isinstance(slow, float) else None,
        suspend_s=suspend_s,
        connections=connections if isinstance(connections, int) else None,
        lasts_s=LASTS_S if lasts_s is None else lasts_s,
    )


def _span_s(table: Mapping[str, object], name: str) -> float | None:
    value = table.get(name)
    if value is None:
        return None
    match = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{name} is a time like '15m', not {value!r}")
    return float(int(match[1]) * _SECONDS[match[2]])


def _texts(table: Mapping[str, object], name: str) -> tuple[str, ...]:
    value = table.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"{name} is a list of texts")
    return tuple(value)


def _host(text: str) -> str:
    if _HOST.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no name of a host in lower case")
    return text


def _code(text: str) -> str:
    if _CODE.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no beginning of a code like '550'")
    return text


def _status(text: str) -> tuple[int | None, int | None, int | None]:
    match = _STATUS.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no status like '5.2.2' or '*.2.2'")
    first, second, third = (None if part == "*" else int(part) for part in match.groups())
    return first, second, third


def _phase(text: str) -> Phase:
    if text not in _PHASES:
        raise ValueError(f"{text!r} is no phase, of which there are: {', '.join(_PHASES)}")
    return _PHASES[text]


def _pattern(text: object) -> re.Pattern[str] | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise ValueError("text is a regular expression in quotes")
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as problem:
        raise ValueError(f"text is no regular expression: {problem}") from None
