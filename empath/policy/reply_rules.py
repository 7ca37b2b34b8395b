"""What a failure is about: the class, by rules over what hosts answer.

Rules are read from TOML. The first rule that fits decides; a rule fits if everything that it names does::

    [[rules]]
    class = "mailbox_full"
    codes = ["452", "55"]          # beginnings of the reply code
    status = ["4.2.2", "5.2.2"]    # the enhanced code, "*" for any number
    phases = ["rcpt", "end"]       # how far the attempt had come
    text = "over quota|box (is )?full"
    examples = ["552 5.2.2 Mailbox full"]
    counterexamples = ["550 5.1.1 User unknown"]

``text`` is a regular expression of Python, looked for anywhere in the words of the reply without regard to case. Every
rule has examples: replies for which it decides, and replies that it must not fit. They are tried whenever a file is
read, so a rule that does something else than its author meant is refused, and not found out in a year.

Where no host answered there is nothing to read, and the kind of the trouble decides.
"""

from __future__ import annotations

import pkgutil
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Final

from attrs import field, frozen

from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.failure_class import FailureClass
from empath.smtp import EnhancedCode, Reply

_SHIPPED: Final = "reply_rules.toml"
_MAX_TEXT: Final = 1000
"""So many characters of an answer are looked at: a host may write whole pages."""
_REMEMBERED: Final = 256
_CODE: Final = re.compile(r"[45][0-9]{0,2}")
_STATUS: Final = re.compile(r"([45*])\.([0-9]{1,3}|\*)\.([0-9]{1,3}|\*)")
_EXAMPLE: Final = re.compile(r"([45][0-5][0-9]) (?:([45])\.([0-9]{1,3})\.([0-9]{1,3})(?: |$))?(.*)")
_PHASES: Final = {phase.value: phase for phase in Phase}
_CLASSES: Final = {one.value: one for one in FailureClass}
_BY_KIND: Final = {
    Kind.DNS: FailureClass.DNS,
    Kind.DNS_INSECURE: FailureClass.DNS,
    Kind.CONNECT: FailureClass.CONNECTION,
    Kind.TIMEOUT: FailureClass.CONNECTION,
    Kind.CONNECTION_LOST: FailureClass.CONNECTION,
    Kind.PROTOCOL: FailureClass.PROTOCOL,
    Kind.BUSY: FailureClass.BUSY,
    Kind.HOST_REFUSED: FailureClass.POLICY,
    Kind.TLS_UNAVAILABLE: FailureClass.TLS,
    Kind.TLS_FAILED: FailureClass.TLS,
    Kind.TLS_UNTRUSTED: FailureClass.TLS,
    Kind.LOGIN_REFUSED: FailureClass.RELAYING,
    Kind.NEEDS_TLS: FailureClass.TLS,
    Kind.TOO_MANY_RECIPIENTS: FailureClass.RATE_LIMITED,
    Kind.TOO_LARGE: FailureClass.TOO_LARGE,
    Kind.NO_SUCH_DOMAIN: FailureClass.BAD_DOMAIN,
    Kind.NO_HOST: FailureClass.BAD_DOMAIN,
    Kind.NULL_MX: FailureClass.BAD_DOMAIN,
    Kind.LOOP: FailureClass.LOOP,
    Kind.NEEDS_8BITMIME: FailureClass.UNSUPPORTED,
    Kind.NEEDS_SMTPUTF8: FailureClass.UNSUPPORTED,
    Kind.NEEDS_REQUIRETLS: FailureClass.UNSUPPORTED,
    Kind.NEEDS_DELIVERBY: FailureClass.UNSUPPORTED,
}


class RulesFault(Exception):
    """A text holds no usable rules. Each line of the message is one thing that is wrong."""


@frozen(kw_only=True)
class ReplyRule:
    """One rule. What is empty or None fits everything."""

    failure_class: FailureClass
    codes: tuple[str, ...] = ()
    """Beginnings of the reply code."""
    status: tuple[tuple[int | None, int | None, int | None], ...] = ()
    """Enhanced codes; None: any number."""
    phases: frozenset[Phase] = frozenset()
    text: re.Pattern[str] | None = None
    examples: tuple[str, ...] = ()
    counterexamples: tuple[str, ...] = ()

    def fits(self, reply: Reply, phase: Phase) -> bool:
        """Whether all that the rule names is so."""
        return (
            (not self.codes or str(reply.code).startswith(self.codes))
            and (not self.status or any(_same(wanted, reply.enhanced) for wanted in self.status))
            and (not self.phases or phase in self.phases)
            and (self.text is None or self.text.search(" ".join(reply.lines)[:_MAX_TEXT]) is not None)
        )


def _same(wanted: tuple[int | None, ...], found: EnhancedCode | None) -> bool:
    return found is not None and all(want in (None, number) for want, number in zip(wanted, found, strict=True))


@frozen
class ReplyRules:
    """Rules in the order in which they are asked."""

    rules: tuple[ReplyRule, ...]
    decisive: Callable[[Reply, Phase], ReplyRule | None] = field(init=False, eq=False, repr=False)
    """The first rule that fits; None: none does. It remembers, since a host says the same of most messages."""

    @decisive.default
    def _remembering(self) -> Callable[[Reply, Phase], ReplyRule | None]:
        return lru_cache(_REMEMBERED)(self._first)

    def _first(self, reply: Reply, phase: Phase) -> ReplyRule | None:
        return next((rule for rule in self.rules if rule.fits(reply, phase)), None)

    def classify(self, diagnosis: Diagnosis) -> FailureClass:
        """What a failure is about."""
        if diagnosis.uncertain:
            return FailureClass.UNCERTAIN
        if diagnosis.reply is not None:
            if (rule := self.decisive(diagnosis.reply, diagnosis.phase)) is not None:
                return rule.failure_class
            if diagnosis.phase is Phase.STARTTLS:
                return FailureClass.TLS
        return _BY_KIND.get(diagnosis.kind, FailureClass.OTHER)


@cache
def shipped() -> ReplyRules:
    """The rules that come with Empath."""
    return ReplyRules(parse((pkgutil.get_data(__package__, _SHIPPED) or b"").decode()))


def before_shipped(own: Iterable[ReplyRule]) -> ReplyRules:
    """Rules of an operator, which are asked first, and then those that come with Empath."""
    return ReplyRules((*own, *shipped().rules))


def parse(text: str) -> tuple[ReplyRule, ...]:
    """Read rules, and try their examples. Raises RulesFault with everything that is wrong."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise RulesFault(f"it is not TOML: {problem}") from None
    tables = tree.pop("rules", [])
    faults = [f"{name} is none of its keys, which is: rules" for name in tree]
    rules: list[ReplyRule] = []
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        faults, tables = [*faults, "rules are written as [[rules]]"], []
    for number, table in enumerate(tables, start=1):
        try:
            rules.append(_rule(table))
        except ValueError as problem:
            faults.append(f"rule {number}: {problem}")
    faults = faults or list(_broken_examples(rules))
    if faults:
        raise RulesFault("\n".join(faults))
    return tuple(rules)


def example(text: str) -> Reply:
    """The reply that an example writes as one line. A ValueError: it is no refusal."""
    match = _EXAMPLE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no reply like '550 5.1.1 No such user'")
    enhanced = None if match[2] is None else EnhancedCode(int(match[2]), int(match[3]), int(match[4]))
    return Reply(int(match[1]), match[5], enhanced)


def _broken_examples(rules: Sequence[ReplyRule]) -> Iterator[str]:
    """Yield what examples come to that should come to something else. A rule with phases is tried in the first."""
    together = ReplyRules(tuple(rules))
    for number, rule in enumerate(rules, start=1):
        phase = min(rule.phases, key=list(Phase).index) if rule.phases else Phase.RCPT
        for text in rule.examples:
            decisive = together.decisive(example(text), phase)
            if decisive is None:
                yield f"rule {number}: it does not fit its example {text!r}"
            elif decisive is not rule:
                yield f"rule {number}: rule {rules.index(decisive) + 1} decides of its example {text!r}"
        for text in rule.counterexamples:
            if rule.fits(example(text), phase):
                yield f"rule {number}: it fits its counterexample {text!r}"


def _rule(table: dict[str, object]) -> ReplyRule:
    names = ("class", "codes", "status", "phases", "text", "examples", "counterexamples")
    if unknown := [name for name in table if name not in names]:
        raise ValueError(f"{unknown[0]} is none of its keys, which are: {', '.join(names)}")
    if table.get("class") not in _CLASSES:
        raise ValueError(f"class is {table.get('class')!r} and should be one of: {', '.join(_CLASSES)}")
    phases = _texts(table, "phases")
    if strange := [phase for phase in phases if phase not in _PHASES]:
        raise ValueError(f"{strange[0]!r} is no phase, of which there are: {', '.join(_PHASES)}")
    rule = ReplyRule(
        failure_class=_CLASSES[str(table["class"])],
        codes=tuple(map(_code, _texts(table, "codes"))),
        status=tuple(map(_status, _texts(table, "status"))),
        phases=frozenset(_PHASES[phase] for phase in phases),
        text=_pattern(table.get("text")),
        examples=_texts(table, "examples"),
        counterexamples=_texts(table, "counterexamples"),
    )
    if not rule.examples or not rule.counterexamples:
        raise ValueError("it needs examples and counterexamples, at least one of each")
    for text in (*rule.examples, *rule.counterexamples):
        example(text)
    return rule


def _texts(table: dict[str, object], name: str) -> tuple[str, ...]:
    value = table.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"{name} is a list of texts")
    return tuple(value)


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


def _pattern(text: object) -> re.Pattern[str] | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise ValueError("text is a regular expression in quotes")
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as problem:
        raise ValueError(f"text is no regular expression: {problem}") from None
