"""The kinds of value that ``delivery.priorities`` has: classes of users, and names of header fields."""

import re
from collections.abc import Mapping
from typing import Final

from empath.config.faults import Code
from empath.config.kinds import FOREIGN, Kind, one_of
from empath.config.refusal import Refusal, quoted
from empath.config.units import UnitError
from empath.mail.priority import Priority
from empath.policy.reception.logins import parse_login

CLASS: Final = one_of(Priority)
_FIELD_NAME: Final = re.compile(r"[!-9;-~]{1,76}")


def _by_user(raw: Mapping[str, object]) -> Mapping[str, Priority]:
    found: dict[str, Priority] = {}
    refusals: list[Refusal] = []
    for login, name in raw.items():
        try:
            found[_login(login)] = CLASS.read(name)
        except Refusal as refusal:
            refusal.at = (login,)
            refusals.append(refusal)
    if refusals:
        raise ExceptionGroup("users", refusals)
    return found


def _login(text: str) -> str:
    try:
        return parse_login(text)
    except ValueError as problem:
        what, remedy = f"{quoted(text)} is no login", "write it as `empath user list` does"
        raise Refusal(Code.BAD_VALUE, what, why=str(problem), remedy=remedy) from None


def _field_name(raw: str) -> bytes:
    if _FIELD_NAME.fullmatch(raw) is None:
        raise UnitError(f"{quoted(raw)} is not the name of a header field")
    return raw.lower().encode()


CLASSES_BY_USER: Final[Kind[Mapping[str, Priority]]] = Kind(
    noun="a table of classes by user",
    grammar="each login has one class: critical, high, normal, low",
    example='{ "ann" = "critical" }',
    types=(dict,),
    convert=_by_user,
    show=lambda value: f"{{ {', '.join(f'{quoted(login)} = {quoted(one.value)}' for login, one in value.items())} }}",
    from_text=FOREIGN.from_text,
)
FIELD_NAME: Final[Kind[bytes]] = Kind(
    noun="the name of a header field",
    grammar="it is printable ASCII without blanks and colons (RFC 5322 3.6.8)",
    example='"Precedence"',
    types=(str,),
    convert=_field_name,
    show=lambda value: quoted(value.decode()),
)
