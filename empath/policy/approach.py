"""Which addresses of the hosts of a domain an attempt connects to, from where, and in which order.

The hosts keep their order. Inside each the address families take turns, the preferred one first, so that a family that
does not work costs one try and not all. Addresses that only mean something inside a machine or a network (loopback,
private, link-local) are left out unless configuration allows them: anybody can publish such a record, and make us talk
to what only we can reach.

How many addresses one attempt tries is bounded. Each host keeps at least one place in that bound, so that many dead
addresses of the first do not hide the second.

A host that turns out to be this one, by the name that its aliases lead to or by its address, goes from the list with
all that are no better, as in `empath.policy.route`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from itertools import chain, zip_longest
from typing import Final

from attrs import Factory, field, frozen

from empath.mail import Kind
from empath.policy.route import Exchange, OwnHost, Target, Undecided, Unresolved, loop, no_route, undecided

MAX_ADDRESSES: Final = 6
_INSIDE: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "127.0.0.0/8", "::/128", "::1/128"),  # RFC 1122 3.2.1.3, RFC 4291 2.5: this host
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10"),  # RFC 1918, 4193, 3879: private
        *("169.254.0.0/16", "fe80::/10", "100.64.0.0/10"),  # RFC 3927, 4291, 6598: this link, this provider
        *("224.0.0.0/4", "ff00::/8", "240.0.0.0/4"),  # RFC 5771, 4291, 1112: nobody in particular
    )
)
_TRANSLATED: Final = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "::/96")))
"""IPv6 networks whose last 32 bits are an IPv4 address: RFC 6052 2.1, RFC 4291 2.5.5.1."""


class IpPreference(Enum):
    """Which address families are used, and which of them first."""

    V4 = "v4"
    V6 = "v6"
    PREFER_V4 = "prefer-v4"
    PREFER_V6 = "prefer-v6"


@frozen(kw_only=True)
class Host:
    """A host that takes the mail of a domain, and what DNS says of its addresses."""

    exchange: Exchange
    addresses: Sequence[str] | Unresolved
    canonical_name: str = field(default=Factory(lambda self: self.exchange.host, takes_self=True))
    """Where its aliases led."""
    host_secure: bool = False
    """See `Target`."""
    address_secure: bool = False


@frozen(kw_only=True)
class Approach:
    """How the hosts of one recipient domain are connected to."""

    port: int
    ip: IpPreference = IpPreference.PREFER_V4
    sources: tuple[str, ...] = ()
    """Addresses of ours to connect from, at most one of each family; a family that has none is then not used."""
    allow_private: bool = False
    max_addresses: int = MAX_ADDRESSES
    families: tuple[int, ...] = field(init=False)
    """The IP versions that may be used, the preferred one first."""

    @families.default
    def _families(self) -> tuple[int, ...]:
        order: tuple[int, ...] = (6, 4) if self.ip in (IpPreference.V6, IpPreference.PREFER_V6) else (4, 6)
        if self.ip in (IpPreference.V4, IpPreference.V6):
            order = order[:1]
        bound = set(map(_version, self.sources)) or {4, 6}
        return tuple([version for version in order if version in bound])

    def source_for(self, address: str) -> str | None:
        """The address of ours to connect from; None: whichever the system takes."""
        return next((source for source in self.sources if _version(source) == _version(address)), None)

    def admits(self, target: Target) -> bool:
        """Whether a connection to ``target`` is one that could have been made for this domain."""
        return _version(target.address) in self.families and target.source == self.source_for(target.address)


def targets(domain: str, hosts: Sequence[Host], approach: Approach, *, own: OwnHost) -> tuple[Target, ...]:
    """The addresses to try, in this order; at least one. Else a `Failure` is raised: temporary if a host may have one.

    ``hosts`` are sorted by preference.
    """
    usable = [(host, found) for host in _without_own(domain, hosts, own) if (found := _usable(host, approach))]
    chosen: list[Target] = []
    for left, (host, addresses) in zip(reversed(range(len(usable))), usable, strict=True):
        room = max(1, approach.max_addresses - len(chosen) - left)
        chosen += [_target(host, address, approach) for address in addresses[:room]]
    if chosen:
        return tuple(chosen[: approach.max_addresses])
    for host in hosts:
        if isinstance(host.addresses, Undecided):
            raise undecided(domain, host.addresses)
    raise no_route(Kind.NO_HOST, _why_none(domain, hosts, approach))


def _target(host: Host, address: str, approach: Approach) -> Target:
    return Target(
        host.exchange.host,
        address,
        approach.port,
        source=approach.source_for(address),
        canonical_name=host.canonical_name,
        host_secure=host.host_secure,
        address_secure=host.address_secure,
    )


def _without_own(domain: str, hosts: Sequence[Host], own: OwnHost) -> Sequence[Host]:
    ours = min((host.exchange.preference for host in hosts if _is_own(host, own)), default=None)
    if ours is None:
        return hosts
    better = [host for host in hosts if host.exchange.preference < ours]
    if not better:
        raise loop(domain)
    return better


def _is_own(host: Host, own: OwnHost) -> bool:
    return host.canonical_name in own.names or any(address in own.addresses for address in _addresses(host))


def _addresses(host: Host) -> Sequence[str]:
    return host.addresses if isinstance(host.addresses, Sequence) else ()


def _usable(host: Host, approach: Approach) -> list[str]:
    public = [address for address in _addresses(host) if approach.allow_private or _is_public(address)]
    families = [[one for one in public if _version(one) == version] for version in approach.families]
    return [address for address in chain(*zip_longest(*families)) if address]


def _why_none(domain: str, hosts: Sequence[Host], approach: Approach) -> str:
    found = [address for host in hosts for address in _addresses(host)]
    wanted = [address for address in found if _version(address) in approach.families]
    if wanted:
        return f"the mail hosts of {domain} have no public address, only {', '.join(wanted[:MAX_ADDRESSES])}"
    if found:
        families = " or ".join(f"IPv{version}" for version in approach.families)
        return f"the mail hosts of {domain} have no {families} address, and we use no other for it"
    return f"no mail host of {domain} has an address"


def _version(address: str) -> int:
    return 6 if ":" in address else 4


@lru_cache(maxsize=4096)
def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text)
    embedded = _embedded(address) if isinstance(address, ipaddress.IPv6Address) else None
    return not any(one in network for one in (address, embedded) if one is not None for network in _INSIDE)


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that packets to an IPv6 address end up at (RFC 4291 2.5.5, RFC 3056 2, RFC 6052 2.1)."""
    if any(address in network for network in _TRANSLATED):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
