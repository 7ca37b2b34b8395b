"""What a DNS list says of a client: the name to ask for, and what an answer means (RFC 5782).

A list is a zone in which each listed address has a name with an A record. The record is no address but a code within
127.0.0.0/8; which code means what, each list says for itself, so an operator may name the codes that count.

Two kinds of answer never count. One outside 127.0.0.0/8 comes from a zone that was given up and now answers with the
address of a web server for every name (RFC 5782 5). One in 127.255.255.0/24 is how several lists say that they do not
answer this resolver; taking it for a listing would refuse all mail.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final

from attrs import field, frozen

from empath.policy.reception.prefix import IPAddress

CODES: Final = ipaddress.IPv4Network("127.0.0.0/8")
REFUSALS: Final = ipaddress.IPv4Network("127.255.255.0/24")


@frozen
class Zone:
    """One list."""

    name: str
    codes: tuple[ipaddress.IPv4Network, ...] = field(default=(CODES,))
    """The answers that count."""

    @classmethod
    def parse(cls, text: str) -> Zone:
        """Read ``"bl.example"``, or ``"bl.example=127.0.0.2 127.0.0.4/30"`` with the codes that count.

        A ValueError says what is wrong. Whether the name is one that DNS can hold is not asked here.
        """
        name, equals, listed = text.partition("=")
        if not name or name != name.strip() or any(mark in name for mark in " ,@:/"):
            raise ValueError(f"{name!r} is not the name of a zone")
        if not equals:
            return cls(name)
        codes = tuple(map(ipaddress.IPv4Network, listed.split()))
        if not codes or not all(code.subnet_of(CODES) for code in codes):
            raise ValueError("codes are addresses or networks within 127.0.0.0/8, with spaces between them")
        return cls(name, codes)

    def question(self, address: IPAddress) -> str:
        """The name of an address in this list: its octets, or the nibbles of IPv6, in reverse (RFC 5782 2.1, 2.4)."""
        return f"{address.reverse_pointer.removesuffix('.in-addr.arpa').removesuffix('.ip6.arpa')}.{self.name}"

    def lists(self, answer: Iterable[str]) -> bool:
        """Whether these addresses, the records of the name, mean that the client is listed."""
        codes = [address for address in map(ipaddress.ip_address, answer) if isinstance(address, ipaddress.IPv4Address)]
        return any(code not in REFUSALS and any(code in wanted for wanted in self.codes) for code in codes)

    def declines(self, answer: Iterable[str]) -> bool:
        """Whether the list says that it does not answer questions of ours."""
        addresses = map(ipaddress.ip_address, answer)
        return any(isinstance(address, ipaddress.IPv4Address) and address in REFUSALS for address in addresses)
