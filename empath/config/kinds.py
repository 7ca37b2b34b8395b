"""The kinds of value that a key can take, and how each is read, strictly, from TOML and from text.

Strictly: ``"25"`` is no number, ``1`` is not ``true``, and a bare number is no duration. What cannot be read is a
`Refusal`, or a group of them when a list has several bad elements.
"""

import difflib
import math
import re
import tomllib
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from attrs import frozen

from empath.config import units
from empath.config.faults import Code
from empath.config.refusal import Refusal, found, quoted
from empath.config.units import IPNetwork, Period, Rate, UnitError

T = TypeVar("T")
Member = TypeVar("Member", bound=Enum)


@frozen(kw_only=True)
class Kind(Generic[T]):
    """One kind of value."""

    noun: str
    """With its article: "a duration"."""
    grammar: str
    """What counts as one."""
    example: str
    """One that can be pasted into a file."""
    types: tuple[type, ...]
    """What it is in TOML, as the types that `tomllib` returns; subclasses do not count."""
    convert: Callable[[Any], T]
    """From a value of one of these types. Raises UnitError, or Refusal when it knows a better code."""
    show: Callable[[T], str]
    """To TOML."""
    from_text: Callable[[str], object] = str
    """From a variable or flag to what `tomllib` would have returned; a text that fits nothing stays as it is."""
    suffix: str = ""
    """What an attribute's name has and its key has not: the unit, which the file writes beside the number."""

    def read(self, raw: object) -> T:
        """Return the value, or raise Refusal (a group of them for a list)."""
        if type(raw) not in self.types:
            what = f"expected {self.noun}, found {found(raw)}"
            raise Refusal(Code.WRONG_TYPE, what, why=self.grammar, remedy=f"write it like {self.example}")
        try:
            return self.convert(raw)
        except UnitError as error:
            why, remedy = error.why or self.grammar, error.remedy or f"write it like {self.example}"
            raise Refusal(Code.BAD_VALUE, str(error), why=why, remedy=remedy) from None


def _number(text: str, pattern: str, convert: Callable[[str], object]) -> object:
    return convert(text) if re.fullmatch(pattern, text) else text


def _whole(text: str) -> object:
    return _number(text, "[+-]?[0-9]{1,18}", int)


def _toml_or_text(text: str) -> object:
    """Read a text as TOML would, if it can be: nobody here knows which kind of value is wanted."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _finite(raw: float) -> float:
    if not math.isfinite(raw):
        raise UnitError(f"{raw} is not a finite number")
    return float(raw)


def _absolute(raw: str) -> Path:
    if not raw.startswith("/") or "\0" in raw:
        raise UnitError(f"{quoted(raw)} is not an absolute path")
    return Path(raw)


def _client_network(raw: str) -> IPNetwork:
    network = units.parse_network(raw)
    if units.is_everybody(network):
        raise everybody(f"{network} is everybody")
    return network


def everybody(what: str) -> Refusal:
    """Refuse to take mail for anywhere from anywhere."""
    why = "anybody could send anything through this host, in its name"
    remedy = "name the networks of your own hosts; relay.domains lists what anybody may send to"
    return Refusal(Code.UNSAFE, what, why=why, remedy=remedy)


FLAG: Final = Kind(
    noun="true or false",
    grammar="both are written without quotes",
    example="true",
    types=(bool,),
    convert=bool,
    show=lambda value: "true" if value else "false",
    from_text=lambda text: {"true": True, "false": False}.get(text, text),
)
WHOLE: Final = Kind(
    noun="a whole number",
    grammar="a number is written without quotes",
    example="10",
    types=(int,),
    convert=int,
    show=str,
    from_text=_whole,
)
NUMBER: Final = Kind(
    noun="a number",
    grammar="a number is written without quotes",
    example="1.5",
    types=(int, float),
    convert=_finite,
    show=str,
    from_text=lambda text: _number(text, r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?", float),
)
TEXT: Final = Kind(
    noun="a text",
    grammar="a text stands in quotes",
    example='"text"',
    types=(str,),
    convert=str,
    show=quoted,
)
FOREIGN: Final[Kind[Mapping[str, object]]] = Kind(
    noun="a table of settings",
    grammar="which keys it has, the thing that it is for decides",
    example='{ key = "value" }',
    types=(dict,),
    convert=lambda raw: raw,
    show=lambda values: f"{{ {', '.join(values)} }}",
    from_text=_toml_or_text,
)
FILE: Final = Kind(
    noun="a path",
    grammar="a path is absolute, since a daemon has no directory of its own to start from",
    example='"/etc/empath/file"',
    types=(str,),
    convert=_absolute,
    show=quoted,
)
DURATION: Final = Kind(
    noun="a duration",
    grammar="a duration is whole numbers with units, largest first: w d h m s ms",
    example='"30s"',
    types=(str,),
    convert=units.parse_duration,
    show=lambda value: quoted(units.format_duration(value)),
    suffix="_s",
)
SIZE: Final = Kind(
    noun="a size",
    grammar="a size is a whole number with a unit: B, kB MB GB TB (1000), KiB MiB GiB TiB (1024)",
    example='"25MiB"',
    types=(str,),
    convert=units.parse_size,
    show=lambda value: quoted(units.format_size(value)),
    suffix="_bytes",
)
DATA_RATE: Final = Kind(
    noun="a data rate",
    grammar="a data rate is a size for each second",
    example='"100B/s"',
    types=(str,),
    convert=units.parse_data_rate,
    show=lambda value: quoted(units.format_data_rate(value)),
    suffix="_bytes_per_s",
)
CLIENT_NETWORK: Final = Kind(
    noun="a network",
    grammar="a network is an address with the length of its prefix, or one address",
    example='"192.0.2.0/24"',
    types=(str,),
    convert=_client_network,
    show=quoted,
)
ENDPOINT: Final = Kind(
    noun="an address with port",
    grammar="it is ip:port, and [ip]:port for IPv6",
    example='"127.0.0.1:1025"',
    types=(str,),
    convert=units.parse_endpoint,
    show=quoted,
)
NAME_SERVER: Final = Kind(
    noun="the address of a DNS server",
    grammar="it is ip or ip:port, and [ip]:port for IPv6",
    example='"127.0.0.1:53"',
    types=(str,),
    convert=lambda text: units.parse_endpoint(text, default_port=53),
    show=quoted,
)
HOST: Final = Kind(
    noun="a host",
    grammar="it is a name or address, with :port where it is not the usual one, and [ip]:port for IPv6",
    example='"mail.example.org:587"',
    types=(str,),
    convert=units.parse_host,
    show=quoted,
)
DOMAIN: Final = Kind(
    noun="a domain name",
    grammar="it is labels with dots between them, and none at the end",
    example='"example.org"',
    types=(str,),
    convert=units.parse_domain,
    show=quoted,
)


def rate(bare: Period) -> Kind[Rate]:
    """Make the kind of a rate whose bare number counts in this period."""

    def convert(raw: str | int) -> Rate:
        return units.parse_rate(raw) if isinstance(raw, str) else units.whole_rate(raw, bare)

    return Kind(
        noun="a rate",
        grammar=f"a rate is a whole number for each s, min, h or d, perhaps with a burst; a bare number counts per"
        f" {bare.value}",
        example='"200/min"',
        types=(str, int),
        convert=convert,
        show=lambda value: quoted(units.format_rate(value)),
        from_text=_whole,
    )


def one_of(
    members: type[Member],
    *,
    also: Mapping[str, Member] | None = None,
    unsafe: Mapping[str, str] | None = None,
) -> Kind[Member]:
    """Make the kind of an enumeration whose values are strings.

    ``also``: further names of values. ``unsafe``: values that are understood and never taken, each with the reason.
    """
    known = {str(member.value): member for member in members}
    listed = ", ".join(map(quoted, known))
    known |= also or {}
    choose = f"one of {listed}" if len(members) > 1 else f"write {listed}"

    def convert(raw: str) -> Member:
        if raw in known:
            return known[raw]
        if reason := (unsafe or {}).get(raw):
            raise Refusal(Code.UNSAFE, f"{quoted(raw)} is refused", why=reason, remedy=choose)
        close = difflib.get_close_matches(raw, known, n=1)
        remedy = quoted(close[0]) if close else choose
        raise Refusal(Code.BAD_VALUE, f"{quoted(raw)} is none of the choices", why=f"there are {listed}", remedy=remedy)

    return Kind(
        noun=f"one of {listed}",
        grammar="a choice stands in quotes",
        example=listed.partition(",")[0],
        types=(str,),
        convert=convert,
        show=lambda value: quoted(value.value),
    )


def many(element: Kind[T]) -> Kind[tuple[T, ...]]:
    """Make the kind of a list of such elements. Every bad element is refused, not only the first."""

    def convert(raw: list[object]) -> tuple[T, ...]:
        values: list[T] = []
        refusals: list[Refusal] = []
        for index, item in enumerate(raw):
            try:
                values.append(element.read(item))
            except Refusal as refusal:
                refusal.at = (index, *refusal.at)
                refusals.append(refusal)
        if refusals:
            raise ExceptionGroup("elements", refusals)
        return tuple(values)

    return Kind(
        noun="an array",
        grammar=f"each element is {element.noun}",
        example=f"[{element.example}]",
        types=(list,),
        convert=convert,
        show=lambda values: f"[{', '.join(map(element.show, values))}]",
        from_text=lambda text: [element.from_text(part.strip()) for part in text.split(",") if part.strip()],
    )
