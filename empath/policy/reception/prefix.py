"""Who counts as one client, and which clients count as neighbours.

With IPv4 a client is its address. With IPv6 it is a prefix: a network of 64 bits is the least that a customer gets
(RFC 6177 2), and whoever has one can use another address for every connection. Neighbours share a prefix of either.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from attrs import field, frozen
from attrs.validators import ge, le

IPAddress = IPv4Address | IPv6Address


def client_address(text: str) -> IPAddress | None:
    """The address that a client is known by; None: ``text`` is none, as of a client of a Unix socket.

    IPv4 within IPv6 is IPv4 (RFC 4291 2.5.5.2). The zone of a link-local address counts for nothing: it means something
    on this host only.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@frozen
class Prefixes:
    """How many bits of an address the clients of one network have in common."""

    ipv4_bits: int = field(default=24, validator=[ge(0), le(32)])
    ipv6_bits: int = field(default=64, validator=[ge(0), le(128)])

    def network(self, address: str) -> str:
        """The network of an address, as text. What is no address is a network of its own."""
        return _names(address, self.ipv4_bits, self.ipv6_bits)[1]

    def client(self, address: str) -> str:
        """What stands for the client at an address: the address with IPv4, the network with IPv6."""
        return _names(address, self.ipv4_bits, self.ipv6_bits)[0]


@lru_cache(maxsize=1024)  # each client is asked for several times in a row
def _names(address: str, ipv4_bits: int, ipv6_bits: int) -> tuple[str, str]:
    known = client_address(address)
    if known is None:
        return address, address
    if isinstance(known, IPv6Address):
        network = str(IPv6Network((int(known), ipv6_bits), strict=False))
        return network, network
    return str(known), str(IPv4Network((int(known), ipv4_bits), strict=False))
