"""Where to send the mail of a domain (RFC 5321 5.1), given what configuration and DNS say.

First configuration: an override for the domain, then the smart host. Else the MX records:

- The lowest preference first; equals in an order drawn by chance for every attempt, so that they share the load.
- No MX record at all (NODATA) makes the domain its own host. Nothing else does: a lookup that failed says nothing about
  what is there, and must not lead mail astray.
- A null MX says that the domain takes no mail (RFC 7505 3): permanent, 5.1.10, without looking any further.
- Our own name in the list: it goes, and so does every host that is no better, since those would send the mail back to
  us. With nothing left it is a loop: permanent, 5.4.6.

Then the addresses of these hosts, in the order of the hosts, with the families in turn inside each. Addresses that
only mean something inside a machine or a network (loopback, private, link-local) are left out unless configuration
allows them: anybody can publish such a record, and make us talk to what only we can reach.

How many hosts and addresses one attempt tries is bounded. Each host keeps at least one place in that bound, so that
many dead addresses of the first do not hide the second.

Answers are arguments. One is either the records or the reason why there are none (`Unresolved`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Container, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from itertools import chain, zip_longest
from typing import Final, Protocol

from attrs import field, frozen

from empath.mail import Diagnosis, Failure, Kind, Phase, failure_of
from empath.smtp import AddressLiteral, Domain

MAX_HOSTS: Final = 5
MAX_ADDRESSES: Final = 6
_ROOT: Final = "."
_INSIDE: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "127.0.0.0/8", "::/128", "::1/128"),  # RFC 1122 3.2.1.3, RFC 4291 2.5: this host
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10"),  # RFC 1918, 4193, 3879: private
        *("169.254.0.0/16", "fe80::/10", "100.64.0.0/10"),  # RFC 3927, 4291, 6598: this link, this provider
        *("224.0.0.0/4", "ff00::/8", "240.0.0.0/4"),  # RFC 5771, 4291, 1112: nobody in particular
    )
)


class Mx(Protocol):
    """An MX record: the host as A-labels without a dot at its end, ``.`` for the root."""

    @property
    def preference(self) -> int:
        """The lower, the better."""

    @property
    def host(self) -> str:
        """The exchange."""


class Unresolved(Enum):
    """Why there are no records."""

    NO_SUCH_DOMAIN = "no such domain"
    NO_DATA = "no data"
    """The name exists and has no record of that type."""
    UNKNOWN = "unknown"
    """Nobody can tell now: time-out, SERVFAIL and the like."""


@frozen
class NextHop:
    """A host that configuration names: a name as A-labels, or an IP address."""

    host: str
    port: int

    def __str__(self) -> str:
        """``host:port``, with brackets around an IPv6 address."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@frozen
class Target:
    """One address that an attempt may connect to."""

    host: str
    """What the address belongs to: the name that TLS and reports go by."""
    address: str
    port: int


@frozen(kw_only=True)
class Routes:
    """What configuration says about next hops."""

    smart_host: NextHop | None = None
    overrides: Mapping[str, NextHop] = field(factory=dict)
    """By recipient domain, as A-labels. Subdomains are not included."""

    def next_hop(self, domain: Domain | AddressLiteral) -> NextHop | None:
        """The next hop that is configured for a domain; None: DNS decides."""
        return self.overrides.get(domain.ascii, self.smart_host)


def mx_hosts(
    domain: str,
    answer: Sequence[Mx] | Unresolved,
    *,
    own_names: Container[str],
    draw: Callable[[], float],
    max_hosts: int = MAX_HOSTS,
) -> tuple[str, ...]:
    """The hosts for the mail of a domain, the best first; at least one. Else a `Failure` is raised.

    ``answer``, if it is records, is at least one. ``own_names``: names of this host, as A-labels in lower case.
    ``draw`` gives chance, evenly from 0 to 1.
    """
    if answer is Unresolved.NO_DATA:
        if domain in own_names:
            raise _failed(Kind.LOOP, f"{domain} is this host, and its mail is not kept here")
        return (domain,)
    if isinstance(answer, Unresolved):
        raise _unresolved(domain, answer)
    best: dict[str, int] = {}
    for record in answer:
        host = record.host.lower()
        if host != _ROOT:
            best[host] = min(record.preference, best.get(host, record.preference))
    if not best:
        raise _failed(Kind.NULL_MX, f"{domain} takes no mail (null MX)")
    own = min((preference for host, preference in best.items() if host in own_names), default=None)
    ranked = [(preference, draw(), host) for host, preference in best.items() if own is None or preference < own]
    if not ranked:
        raise _failed(Kind.LOOP, f"the best mail host of {domain} is this one, and its mail is not kept here")
    return tuple(host for _, _, host in sorted(ranked)[:max_hosts])


def literal_address(literal: AddressLiteral) -> str:
    """The IP address that a recipient at an address literal is to be sent to. Else a `Failure` is raised."""
    if literal.ip is None:
        raise _failed(Kind.NO_HOST, f"{literal.ascii} is not an IP address")
    return str(literal.ip)


def targets(
    domain: str,
    hosts: Sequence[tuple[str, Sequence[str] | Unresolved]],
    *,
    port: int,
    allow_private: bool,
    max_addresses: int = MAX_ADDRESSES,
) -> tuple[Target, ...]:
    """The addresses to try, in this order; at least one. Else a `Failure` is raised: temporary if a host may have one.

    ``hosts``: each with its addresses or the reason why it has none.
    """
    usable = [(host, _usable(addresses, allow_private)) for host, addresses in hosts]
    usable = [(host, addresses) for host, addresses in usable if addresses]
    chosen: list[Target] = []
    for left, (host, addresses) in zip(reversed(range(len(usable))), usable, strict=True):
        room = max(1, max_addresses - len(chosen) - left)
        chosen += [Target(host, address, port) for address in addresses[:room]]
    if not chosen:
        if any(addresses is Unresolved.UNKNOWN for _, addresses in hosts):
            raise _unresolved(domain, Unresolved.UNKNOWN)
        raise _failed(Kind.NO_HOST, f"no mail host of {domain} has an address that can be used")
    return tuple(chosen[:max_addresses])


def _usable(addresses: Sequence[str] | Unresolved, allow_private: bool) -> list[str]:
    if isinstance(addresses, Unresolved):
        return []
    public = [address for address in addresses if allow_private or _is_public(address)]
    families = [[address for address in public if (":" in address) is is_v6] for is_v6 in (False, True)]
    if public and ":" in public[0]:
        families.reverse()
    return [address for address in chain(*zip_longest(*families)) if address]


@lru_cache(maxsize=4096)
def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return not any(address in network for network in _INSIDE)


def _unresolved(domain: str, reason: Unresolved) -> Failure:
    if reason is Unresolved.UNKNOWN:
        return _failed(Kind.DNS, f"{domain} could not be looked up")
    return _failed(Kind.NO_SUCH_DOMAIN, f"{domain} does not exist")


def _failed(kind: Kind, text: str) -> Failure:
    return failure_of(Diagnosis(kind=kind, phase=Phase.ROUTE, text=text))
