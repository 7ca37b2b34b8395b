"""The kind of value that ``relay.sender_logins`` has: for each sender, the logins that may use it."""

from collections.abc import Mapping
from typing import Final

from empath.config.faults import Code
from empath.config.kinds import FOREIGN, Kind
from empath.config.refusal import Refusal, found, quoted
from empath.policy.reception.access import Pattern
from empath.policy.reception.logins import ANYBODY, SenderRule, parse_login


def _rules(raw: Mapping[str, object]) -> tuple[SenderRule, ...]:
    rules: list[SenderRule] = []
    refusals: list[Refusal] = []
    for sender, logins in raw.items():
        try:
            rules.append(SenderRule((_sender(sender),), frozenset(_logins(logins))))
        except Refusal as refusal:
            refusal.at = (sender,)
            refusals.append(refusal)
    if refusals:
        raise ExceptionGroup("rules", refusals)
    return tuple(rules)


def _sender(text: str) -> Pattern:
    try:
        return Pattern.parse(text)
    except ValueError as problem:
        why = f"a sender is an address, @ with a domain, or *: {problem}"
        raise Refusal(
            Code.BAD_VALUE, f"{quoted(text)} is no sender", why=why, remedy=f"write it like {_SENDER}"
        ) from None


def _logins(raw: object) -> list[str]:
    if not isinstance(raw, list) or not raw or not all(isinstance(login, str) for login in raw):
        what, why = f"expected an array of logins, found {found(raw)}", "only those may use this sender"
        raise Refusal(Code.WRONG_TYPE, what, why=why, remedy=f"write it like {_LOGINS}, or {_ALL_LOGINS} for everybody")
    return [_login(login) for login in raw]


def _login(text: str) -> str:
    try:
        return ANYBODY if text == ANYBODY else parse_login(text)
    except ValueError as problem:
        what, remedy = f"{quoted(text)} is no login", "write it as `empath user list` does"
        raise Refusal(Code.BAD_VALUE, what, why=str(problem), remedy=remedy) from None


def _show(rules: tuple[SenderRule, ...]) -> str:
    parts = [f"{quoted(rule.senders[0])} = [{', '.join(map(quoted, sorted(rule.logins)))}]" for rule in rules]
    return f"{{ {', '.join(parts)} }}" if parts else "{}"


_SENDER: Final = '"ann@example.org"'
_LOGINS: Final = '["ann"]'
_ALL_LOGINS: Final = '["*"]'

SENDER_LOGINS: Final[Kind[tuple[SenderRule, ...]]] = Kind(
    noun="a table of logins by sender",
    grammar="each sender, an address or @ with a domain, has an array of the logins that may use it",
    example=f"{{ {_SENDER} = {_LOGINS} }}",
    types=(dict,),
    convert=_rules,
    show=_show,
    from_text=FOREIGN.from_text,
)
