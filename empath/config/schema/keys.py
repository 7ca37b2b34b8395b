"""How a key is declared: an attribute of a frozen class, whose metadata says what the key means and how it is read.

::

    grace_s: float = duration("30s", "how long ...")

declares the key ``grace`` with a default of thirty seconds. Files name keys without the unit that an attribute's name
carries, since there the value says it. Whatever is told about a key anywhere (a fault, a page of documentation, an
editor's schema) comes from here.
"""

from collections.abc import Iterator, Mapping
from enum import Enum, auto
from functools import cache
from typing import Any, Final, TypeVar

import attrs
from attrs import frozen

from empath.config.faults import Code
from empath.config.kinds import DURATION, FLAG, NUMBER, SIZE, WHOLE, Kind, many, one_of
from empath.config.places import KeyPath
from empath.config.refusal import Refusal
from empath.smtp.address import Domain

T = TypeVar("T")
Member = TypeVar("Member", bound=Enum)

_METADATA: Final = "empath"


@frozen(kw_only=True)
class Key:
    """What is known about one key."""

    meaning: str
    """One line that completes "it says ...": "how long a drain may take"."""
    kind: Kind[Any]
    """Any: keys of all kinds are handled alike, and the attribute beside it has the type."""
    at_least: float | None = None
    at_most: float | None = None
    needs_restart: bool = False
    """A running daemon cannot take a new value."""

    def read(self, raw: object) -> Any:
        """Return the value in its limits, or raise Refusal."""
        value = self.kind.read(raw)
        for limit, side, outside in (
            (self.at_least, "at least", self.at_least is not None and value < self.at_least),
            (self.at_most, "at most", self.at_most is not None and value > self.at_most),
        ):
            if outside:
                shown = self.kind.show(limit)
                what = f"{self.kind.show(value)} is out of range"
                raise Refusal(Code.OUT_OF_RANGE, what, why=f"it says {self.meaning}", remedy=f"{side} {shown}")
        return value


class Shape(Enum):
    """How often a table may stand in the file."""

    ONCE = auto()
    ARRAY = auto()
    """``[[smtp.listeners]]``: any number, by position."""
    BY_DOMAIN = auto()
    """``[delivery.domains."gmail.com"]``: any number, by domain name."""


@frozen
class Table:
    """A table of further keys: the class that holds them."""

    of: type
    shape: Shape = Shape.ONCE


def describe(attribute: "attrs.Attribute[Any]") -> Key | Table:
    """Return what an attribute of a settings class declares."""
    declared: Key | Table = attribute.metadata[_METADATA]
    return declared


def key_name(attribute: "attrs.Attribute[Any]") -> str:
    """Return the name in the file."""
    declared = describe(attribute)
    return attribute.name.removesuffix(declared.kind.suffix) if isinstance(declared, Key) else attribute.name


@cache
def keys_of(settings: type) -> Mapping[str, Key | Table]:
    """Return the keys of a settings class by their names in the file, in order of declaration."""
    return {key_name(attribute): describe(attribute) for attribute in attrs.fields(settings)}


def walk(settings: type, above: str = "") -> Iterator[tuple[str, Key]]:
    """Yield every key below a settings class by its pattern: ``smtp.listeners[].tls``, ``delivery.domains.*.ip``."""
    for name, declared in keys_of(settings).items():
        if isinstance(declared, Key):
            yield above + name, declared
        else:
            mark = {Shape.ONCE: "", Shape.ARRAY: "[]", Shape.BY_DOMAIN: ".*"}[declared.shape]
            yield from walk(declared.of, f"{above}{name}{mark}.")


def find(settings: type, path: KeyPath) -> tuple[str, Key | Table | None]:
    """Return the pattern of a concrete path, and what is declared there.

    None for a key that does not exist; the pattern then ends with the first step that leads nowhere. What lies inside
    the value of a key counts as that key.
    """
    pattern = ""
    here: Key | Table | None = Table(settings)
    for step in path:
        match here:
            case Table(of=inner, shape=Shape.ONCE):
                here = keys_of(inner).get(str(step))
                pattern += f".{step}" if pattern else str(step)
            case Table(of=inner, shape=Shape.ARRAY):
                here, pattern = Table(inner) if isinstance(step, int) else None, f"{pattern}[]"
            case Table(of=inner, shape=Shape.BY_DOMAIN):
                here, pattern = Table(inner), f"{pattern}.*"
            case _:
                break
    return pattern, here


def value(kind: Kind[T], default: T, meaning: str, *, needs_restart: bool = False) -> T:
    """Declare a key of any kind."""
    return _declare(default, Key(meaning=meaning, kind=kind, needs_restart=needs_restart))


def optional(
    kind: Kind[T],
    meaning: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    needs_restart: bool = False,
) -> T | None:
    """Declare a key that is None unless set."""
    key = Key(meaning=meaning, kind=kind, at_least=at_least, at_most=at_most, needs_restart=needs_restart)
    return _declare(None, key)


def several(kind: Kind[T], meaning: str, *, default: tuple[T, ...] = (), needs_restart: bool = False) -> tuple[T, ...]:
    """Declare a key whose value is a list."""
    return _declare(default, Key(meaning=meaning, kind=many(kind), needs_restart=needs_restart))


def duration(default: str, meaning: str, *, at_least: str = "1ms", needs_restart: bool = False) -> float:
    """Declare a duration; the attribute holds seconds and its name ends with ``_s``."""
    least_s = DURATION.read(at_least)
    key = Key(meaning=meaning, kind=DURATION, at_least=least_s, needs_restart=needs_restart)
    return _declare(DURATION.read(default), key)


def size(
    default: str, meaning: str, *, at_least: str = "0", at_most: str | None = None, needs_restart: bool = False
) -> int:
    """Declare a size; the attribute holds octets and its name ends with ``_bytes``."""
    least, most = SIZE.read(at_least), None if at_most is None else SIZE.read(at_most)
    key = Key(meaning=meaning, kind=SIZE, at_least=least, at_most=most, needs_restart=needs_restart)
    return _declare(SIZE.read(default), key)


def count(
    default: int, meaning: str, *, at_least: int = 1, at_most: int | None = None, needs_restart: bool = False
) -> int:
    """Declare a whole number."""
    key = Key(meaning=meaning, kind=WHOLE, at_least=at_least, at_most=at_most, needs_restart=needs_restart)
    return _declare(default, key)


def factor(default: float, meaning: str, *, at_least: float, at_most: float) -> float:
    """Declare a number that may have a fraction."""
    return _declare(default, Key(meaning=meaning, kind=NUMBER, at_least=at_least, at_most=at_most))


def flag(default: bool, meaning: str, *, needs_restart: bool = False) -> bool:
    """Declare a key that is true or false."""
    return _declare(default, Key(meaning=meaning, kind=FLAG, needs_restart=needs_restart))


def choice(
    default: Member,
    meaning: str,
    *,
    also: Mapping[str, Member] | None = None,
    unsafe: Mapping[str, str] | None = None,
    needs_restart: bool = False,
) -> Member:
    """Declare a key with a closed list of values; see `one_of`."""
    kind = one_of(type(default), also=also, unsafe=unsafe)
    return _declare(default, Key(meaning=meaning, kind=kind, needs_restart=needs_restart))


def table(settings: type[T]) -> T:
    """Declare a table of further keys."""
    return attrs.field(factory=settings, metadata={_METADATA: Table(settings)})


def tables(settings: type[T], *, default: tuple[T, ...]) -> tuple[T, ...]:
    """Declare an array of tables."""
    return attrs.field(default=default, metadata={_METADATA: Table(settings, Shape.ARRAY)})


def tables_by_domain(settings: type[T]) -> Mapping[Domain, T]:
    """Declare tables that are named by a domain."""
    return attrs.field(factory=dict, metadata={_METADATA: Table(settings, Shape.BY_DOMAIN)})


def _declare(default: T, key: Key) -> T:
    return attrs.field(default=default, metadata={_METADATA: key})
