"""What DNS would say, as a table.

The simulated resolver reads it directly; the scripted DNS server of the tests puts the same table on the wire, so that
one contract suite can ask both sides the same questions.
"""

from __future__ import annotations

from typing import TypeAlias

from attrs import define, field, frozen

from empath.world import DnsTemporary, MxRecord, NoData, NoSuchDomain, Security, TlsaRecord

Record: TypeAlias = MxRecord | TlsaRecord | bytes | str
"""What a record set holds: MX, TLSA, TXT; and text for A, AAAA and CNAME."""

MAX_CHAIN = 16
"""CNAMEs in a row before a resolver gives up."""

DEFAULT_TTL_S = 300


@frozen
class RecordSet:
    """The records of one name and type."""

    records: tuple[Record, ...]
    ttl_s: int


@frozen
class Found:
    """The way to an answer: the CNAMEs that were passed, as pairs of a name and its set, and where they led."""

    chain: tuple[tuple[str, RecordSet], ...]
    name: str
    records: RecordSet

    @property
    def names(self) -> tuple[str, ...]:
        """All names that went into the answer."""
        return (*(name for name, _ in self.chain), self.name)

    @property
    def ttl_s(self) -> int:
        """The time to live of the whole, which is that of its shortest part."""
        return min(part.ttl_s for part in (*(step for _, step in self.chain), self.records))


@define(eq=False)
class Zones:
    """All names that exist, with their records; and the troubles that some of them have."""

    negative_ttl_s: int = 60
    """What the SOA record says of names and types that are not there."""
    failing: set[str] = field(init=False, factory=set)
    """Names for which servers answer SERVFAIL."""
    silent: set[str] = field(init=False, factory=set)
    """Names for which nobody answers."""
    signed: set[str] = field(init=False, factory=set)
    """Domains that are secure, with everything below them."""
    _sets: dict[str, dict[str, RecordSet]] = field(init=False, factory=dict)

    def add(self, name: str, kind: str, *records: Record, ttl_s: int = DEFAULT_TTL_S) -> None:
        """Set the records of a name and type. ``kind`` is MX, A, AAAA, TXT, TLSA or CNAME."""
        self._sets.setdefault(name, {})[kind] = RecordSet(records, ttl_s)

    def add_mx(self, domain: str, *hosts: str, preference: int = 10, ttl_s: int = DEFAULT_TTL_S) -> None:
        """Give a domain mail exchangers, the first of which is preferred."""
        self.add(domain, "MX", *(MxRecord(preference + rank, host) for rank, host in enumerate(hosts)), ttl_s=ttl_s)

    def add_host(self, name: str, *addresses: str, ttl_s: int = DEFAULT_TTL_S) -> None:
        """Give a host its addresses of either family."""
        v4 = [address for address in addresses if ":" not in address]
        v6 = [address for address in addresses if ":" in address]
        for kind, records in (("A", v4), ("AAAA", v6)):
            if records:
                self.add(name, kind, *records, ttl_s=ttl_s)

    def remove(self, name: str) -> None:
        """Let a name not exist any more."""
        self._sets.pop(name, None)

    def find(self, name: str, kind: str) -> Found:
        """Follow CNAMEs to the records. Raises `NoSuchDomain`, `NoData`, and `DnsTemporary` where servers say SERVFAIL:
        for the failing names, and for CNAMEs that lead on and on.
        """
        chain: list[tuple[str, RecordSet]] = []
        while len(chain) <= MAX_CHAIN and name not in self.failing:
            sets = self._sets.get(name, {})
            if kind in sets:
                return Found(tuple(chain), name, sets[kind])
            if "CNAME" not in sets:
                raise self._missing(name, kind, [passed for passed, _ in chain])
            chain.append((name, sets["CNAME"]))
            name = str(sets["CNAME"].records[0])
        raise DnsTemporary(name, "SERVFAIL")

    def security_of(self, *names: str) -> Security:
        """Return what a trusted resolver would say of an answer that these names went into."""
        secure = all(any(_is_below(name, domain) for domain in self.signed) for name in names)
        return Security.SECURE if secure else Security.INSECURE

    def _missing(self, name: str, kind: str, passed: list[str]) -> NoData | NoSuchDomain:
        security, ttl_s = self.security_of(name, *passed), self.negative_ttl_s
        # A name without records exists if a longer one does (RFC 8020 2): it is an empty non-terminal.
        if any(_is_below(other, name) for other in self._sets):
            return NoData(name, f"has no {kind} record", security=security, ttl_s=ttl_s)
        return NoSuchDomain(name, "no such domain", security=security, ttl_s=ttl_s)


def _is_below(name: str, domain: str) -> bool:
    return name == domain or name.endswith(f".{domain}")
