"""Which records are looked for, and how they are found among lines without reading all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import translate
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from attrs import field, frozen

from empath.mail.ids import MessageId
from empath.ops.audit.packing import Entry, signature_of

Told = dict[str, Any]
"""A record that was read: what stands in it was written by a version of us that may be another one."""
_DAY_S = 86_400


class Hit(NamedTuple):
    """A record that was found."""

    record: Told
    line: bytes


@frozen(kw_only=True)
class Sought:
    """Which records. All that is set must be met; an empty set sets nothing."""

    names: tuple[frozenset[str], ...] = ()
    """A record must be about one of each of these sets: addresses, hashes of addresses and names of messages, in lower
    case.
    """
    since: float | None = None
    until: float | None = None
    """Seconds since 1970; at this moment or later, before this moment."""
    events: frozenset[str] = frozenset()
    outcomes: frozenset[str] = frozenset()
    lanes: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    """Of a recipient."""
    reply: str | None = None
    """A pattern with ``*`` and ``?`` for what the host has said."""
    _needles: tuple[tuple[bytes, ...], ...] = field(init=False)
    _signatures: tuple[tuple[bytes, ...], ...] = field(init=False)

    @_needles.default
    def _as_they_stand(self) -> tuple[tuple[bytes, ...], ...]:
        return tuple(tuple(msgspec.json.encode(name)[1:-1].lower() for name in group) for group in self.names)

    @_signatures.default
    def _as_the_index_has_them(self) -> tuple[tuple[bytes, ...], ...]:
        return tuple(tuple(map(signature_of, group)) for group in self.names)

    def may_be_in(self, entry: Entry) -> bool:
        """Whether such a record may be in a member of a packed file."""
        if self.since is not None and entry.last < int(self.since):
            return False
        if self.until is not None and entry.first > self.until:
            return False
        return all(any(map(entry.may_have, group)) for group in self._signatures)

    def hits(self, lines: bytes) -> list[Hit]:
        """Return those among some lines, in their order. What is no record is passed over. Pure, for any thread."""
        if not self._may_be_in(lines.lower()):
            return []
        found = []
        for line in lines.splitlines():
            if not line or not self._may_be_in(line.lower()):
                continue
            record = as_record(line)
            if record is not None and self.matches(record):
                found.append(Hit(record, line))
        return found

    def _may_be_in(self, lowered: bytes) -> bool:
        return all(any(needle in lowered for needle in group) for group in self._needles)

    def matches(self, record: Told) -> bool:
        """Whether a record is meant."""
        at = record.get("timestamp", 0)
        if (self.since is not None and at < int(self.since)) or (self.until is not None and at >= self.until):
            return False
        about = frozenset(names_of(record)) if self.names else frozenset[str]()
        return (
            all(not group.isdisjoint(about) for group in self.names)
            and (not self.events or record.get("event") in self.events)
            and (not self.outcomes or record.get("outcome") in self.outcomes)
            and (not self.lanes or record.get("lane") in self.lanes)
            and (not self.domains or not self.domains.isdisjoint(domains_of(record)))
            and (self.reply is None or bool(_pattern(self.reply).match(str(record.get("smtp_response", "")))))
        )


def as_record(line: bytes) -> Told | None:
    """Read a line; None: it is no record."""
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("timestamp"), int) else None


def names_of(record: Told) -> Iterator[str]:
    """What a record is about, in lower case."""
    for field_name in ("mid", "report", "sender", "selector", "login"):
        value = record.get(field_name)
        if isinstance(value, str) and value:
            yield value.lower()
    yield from (str(one).lower() for one in _list(record, "recipients"))
    yield from (str(one).partition(".")[0] for one in _list(record, "deliveries"))


def domains_of(record: Told) -> set[str]:
    """The domains of its recipients, in lower case."""
    return {str(one).rpartition("@")[2].lower() for one in _list(record, "recipients")}


def earliest(names: Iterable[str]) -> float:
    """Before when there can be no record of any of these names: that of a message says when it came."""
    moments = [_begins(name) for name in names]
    return max(0.0, min(moments, default=0.0))


def _begins(name: str) -> float:
    try:
        return MessageId.parse(name).seconds - _DAY_S  # whose clock may have been set back since
    except ValueError:
        return 0.0


def _list(record: Told, field_name: str) -> list[object]:
    value = record.get(field_name)
    return value if isinstance(value, list) else []


@lru_cache(maxsize=16)
def _pattern(glob: str) -> re.Pattern[str]:
    return re.compile(translate(glob), re.IGNORECASE)
