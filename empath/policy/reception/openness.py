"""Whether networks that may relay are so large that anybody may: what makes an open relay.

``0.0.0.0/0`` is easily seen. Two halves of it, 250 of its 256 parts, all of IPv4 in one of the forms that IPv6 has for
it, or one half alone amount to the same, so what counts is how much of the Internet the networks hold together. Private
and other special networks count for nothing: nobody comes from there over the Internet.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Final

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

MOST_IPV4_ADDRESSES: Final = 4 << 24
"""Four /8 networks: more than any one organisation holds."""
MOST_IPV6_ADDRESSES: Final = 1 << 112
"""One /16 network: as for IPv4."""

_GLOBAL: Final = ipaddress.IPv6Network("2000::/3")
"""Global unicast addresses (RFC 4291 2.4)."""
_IPV4_IN_IPV6: Final = tuple(
    map(ipaddress.IPv6Network, ("::ffff:0:0/96", "2002::/16", "2001::/32", "64:ff9b::/96")),
)
"""Mapped addresses (RFC 4291 2.5.5.2), 6to4 (RFC 3056), Teredo (RFC 4380) and NAT64 (RFC 6052): an address in them for
every host that has IPv4, whose address stands right behind the prefix. Behind that of Teredo it is the server's."""


def too_open(networks: Iterable[IPNetwork]) -> str | None:
    """Why networks together are too large to be trusted; None: they are not."""
    all_of_them = tuple(networks)
    v6 = list(ipaddress.collapse_addresses(one for one in all_of_them if isinstance(one, ipaddress.IPv6Network)))
    v4 = ipaddress.collapse_addresses(_as_ipv4(all_of_them))
    held_v4 = sum(network.num_addresses for network in v4 if not network.is_private)
    if held_v4 > MOST_IPV4_ADDRESSES:
        form = ", in the form that it has in IPv6" if all(one.version == 6 for one in all_of_them) else ""
        return f"together they hold {held_v4 / (1 << 32):.0%} of IPv4{form}"
    if sum(_global_addresses(network) for network in v6) > MOST_IPV6_ADDRESSES:
        return "together they hold more of IPv6 than any one organisation has"
    return None


def _as_ipv4(networks: Iterable[IPNetwork]) -> Iterator[ipaddress.IPv4Network]:
    """The networks of IPv4, those too that stand behind networks of IPv6."""
    for network in networks:
        if isinstance(network, ipaddress.IPv4Network):
            yield network
            continue
        for form in _IPV4_IN_IPV6:
            if network.supernet_of(form):
                yield ipaddress.IPv4Network("0.0.0.0/0")
            elif network.subnet_of(form):
                first = int(network.network_address) >> (96 - form.prefixlen) & 0xFFFF_FFFF
                yield ipaddress.IPv4Network((first, min(network.prefixlen - form.prefixlen, 32)))


def _global_addresses(network: ipaddress.IPv6Network) -> int:
    return min(network.num_addresses, _GLOBAL.num_addresses) if network.overlaps(_GLOBAL) else 0
