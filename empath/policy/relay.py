"""Who may send to whom through us. What is not allowed here is refused, so an empty policy relays nothing.

Two things are allowed: a client in one of ``networks`` may send to anybody, and anybody may send to one of
``domains``. Domains are exact: neither subdomains nor look-alikes are included. A recipient that is in no domain (an
address literal, which nobody can list) can be reached by the first rule alone.

The tricks that once made relays open end here or before:

- A source route was dropped by the parser (RFC 5321 appendix C), and a dot at the end of a domain refused by it.
- A local part with ``%``, ``!`` or a quoted ``@`` asks for a route beyond our next hop (RFC 5321 appendix F.2 has us
  not interpret it). Somebody behind us may, so such an address is refused to strangers, even in a domain of ours.
- An IPv4 client on an IPv6 socket is the IPv4 client that it is; the zone of a link-local address counts for nothing.

Who a client claims to be, in HELO or MAIL, plays no part.
"""

from __future__ import annotations

import ipaddress
from enum import Enum
from typing import Final

from attrs import field, frozen

from empath.smtp import Address, Domain, Reply

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

REFUSAL: Final = Reply(550, "Relaying to this address is not permitted", "5.7.1")
"""What those hear who may not (RFC 3463 3.8)."""
_ROUTING: Final = frozenset(b"%!@")


class RelayRight(Enum):
    """By which rule a recipient is accepted."""

    NETWORK = "network"
    DOMAIN = "domain"


def _no_open_relay(instance: object, attribute: object, networks: tuple[IPNetwork, ...]) -> None:
    for network in networks:
        if network.prefixlen == 0:
            raise ValueError(f"{network} is everybody: that would be an open relay")


@frozen(kw_only=True)
class RelayPolicy:
    """The two lists."""

    networks: tuple[IPNetwork, ...] = field(default=(), validator=_no_open_relay)
    domains: frozenset[str] = frozenset()
    """As A-labels in lower case."""

    def trusts(self, client_ip: str | None) -> bool:
        """Whether a client may send to anybody. To be asked once in a session; None is a client without an address."""
        try:
            client = ipaddress.ip_address((client_ip or "").partition("%")[0])
        except ValueError:
            return False
        if isinstance(client, ipaddress.IPv6Address) and client.ipv4_mapped:
            client = client.ipv4_mapped
        return any(client in network for network in self.networks)

    def right(self, recipient: Address, *, trusted: bool) -> RelayRight | None:
        """By which rule ``recipient`` is accepted from a client that is trusted or not; None: by none."""
        if trusted:
            return RelayRight.NETWORK
        domain = recipient.domain
        if not isinstance(domain, Domain) or domain.ascii not in self.domains:
            return None
        return RelayRight.DOMAIN if _ROUTING.isdisjoint(recipient.local) else None
