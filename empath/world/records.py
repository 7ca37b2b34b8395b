"""How the records of dnspython become the values of `empath.world.answers`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import dns.name
import dns.rdata
import dns.rdatatype
from attrs import frozen
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TLSA import TLSA
from dns.rdtypes.ANY.TXT import TXT
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA

from empath.world.answers import MxRecord, TlsaRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

D = TypeVar("D", bound=dns.rdata.Rdata)
R = TypeVar("R")


@frozen
class RecordType(Generic[D, R]):
    """A type of record: its number, dnspython's class for it, and the way to our value."""

    number: dns.rdatatype.RdataType
    kind: type[D]
    value: Callable[[D], R]

    def values(self, records: Iterable[dns.rdata.Rdata]) -> tuple[R, ...]:
        """Return our values of a record set."""
        return tuple(self.value(record) for record in records if isinstance(record, self.kind))

    def __str__(self) -> str:
        return dns.rdatatype.to_text(self.number)


def name_text(name: dns.name.Name) -> str:
    """Return a name as this package writes names: lower case, no dot at the end, but for the root."""
    return name.to_text(omit_final_dot=True).lower()


MX_RECORDS = RecordType(dns.rdatatype.MX, MX, lambda record: MxRecord(record.preference, name_text(record.exchange)))
TXT_RECORDS = RecordType(dns.rdatatype.TXT, TXT, lambda record: b"".join(record.strings))
A_RECORDS = RecordType(dns.rdatatype.A, A, lambda record: str(record.address))
AAAA_RECORDS = RecordType(dns.rdatatype.AAAA, AAAA, lambda record: str(record.address))
TLSA_RECORDS = RecordType(
    dns.rdatatype.TLSA, TLSA, lambda record: TlsaRecord(record.usage, record.selector, record.mtype, record.cert)
)
