"""Who may send to whom through us. What is not allowed here is refused, so an empty policy relays nothing.

A client that we know (in one of ``networks``, or logged in) may send to anybody. Anybody may send to one of
``domains``, and to what ``aliases`` have at this very host. Domains are exact: neither subdomains nor look-alikes are
included. A recipient that is in no domain (an address literal, which nobody can list) can be reached by the first rule
alone. Lists of senders and recipients then take away from that; none of them ever adds to it.

Mail to the postmaster of this host or of one of the domains is taken from everybody, whatever the lists say (RFC 5321
4.5.1): whoever is shut out by mistake has to be able to say so.

The tricks that once made relays open end here or before:

- A source route was dropped by the parser (RFC 5321 appendix C), and a dot at the end of a domain refused by it.
- A local part with ``%``, ``!`` or a quoted ``@`` asks for a route beyond our next hop (RFC 5321 appendix F.2 has us
  not interpret it). Somebody behind us may, so such an address is refused to strangers, even in a domain of ours.
- An IPv4 client on an IPv6 socket is the IPv4 client that it is; the zone of a link-local address counts for nothing.

Who a client claims to be, in HELO or MAIL, never helps it: a sender can be refused, and cannot be a reason to relay.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum
from typing import Final

from attrs import Factory, evolve, field, frozen

from empath.policy.reception.access import OPEN_TO_ALL, AccessList
from empath.policy.reception.aliases import NO_ALIASES, Aliases
from empath.policy.reception.mailbox import POSTMASTER, local_of
from empath.policy.reception.openness import IPNetwork, too_open
from empath.policy.reception.prefix import client_address
from empath.policy.reception.rewriting import NO_REWRITING, SenderRewriting
from empath.smtp import Address, Domain, Reply

REFUSAL: Final = Reply(550, "Relaying to this address is not permitted", "5.7.1")
"""What those hear who may not (RFC 3463 3.8)."""
SENDER_REFUSED: Final = Reply(550, "Mail from this sender is not taken here", "5.7.1")
RECIPIENT_REFUSED: Final = Reply(550, "Mail to this recipient is not taken here", "5.7.1")
_ROUTING: Final = frozenset(b"%!@")
_LOCALHOST: Final = Domain.parse("localhost")


class RelayRight(Enum):
    """By which rule a recipient is accepted."""

    KNOWN = "known"
    """The client is in one of the networks, or has logged in."""
    DOMAIN = "domain"
    POSTMASTER = "postmaster"


def _no_open_relay(instance: object, attribute: object, networks: tuple[IPNetwork, ...]) -> None:
    if problem := too_open(networks):
        raise ValueError(f"that would be an open relay: {problem}")


@frozen(kw_only=True)
class RelayPolicy:
    """All that configuration says about it."""

    networks: tuple[IPNetwork, ...] = field(default=(), validator=_no_open_relay)
    domains: Collection[str] = ()
    """As A-labels in lower case, the most important one first."""
    hostname: Domain = _LOCALHOST
    """The name of this host: the domain of the bare postmaster."""
    senders: AccessList = OPEN_TO_ALL
    recipients: AccessList = OPEN_TO_ALL
    aliases: Aliases = NO_ALIASES
    postmaster: tuple[Address, ...] = ()
    """Who reads the mail to every postmaster of ours; none: see ``destinations``."""
    rewriting: SenderRewriting = NO_REWRITING
    _domains: frozenset[str] = field(
        init=False, repr=False, eq=False, default=Factory(lambda policy: frozenset(policy.domains), takes_self=True)
    )

    def trusts(self, client_ip: str | None, *, login: str | None = None) -> bool:
        """Whether a client is known, and may send to anybody. None: it has no address, or has not logged in."""
        if login is not None:
            return True
        client = client_address(client_ip or "")
        return client is not None and any(client in network for network in self.networks)

    def is_postmaster(self, address: Address) -> bool:
        """Whether an address is the postmaster of this host or of one of the domains; then no limit applies to it."""
        domain = address.domain
        ours = domain is None or domain.ascii in self._domains or domain == self.hostname
        return ours and local_of(address.local) == POSTMASTER

    def right(self, recipient: Address, *, trusted: bool) -> RelayRight | None:
        """By which rule ``recipient`` is accepted from a client that is trusted or not; None: by none."""
        if self.is_postmaster(recipient):
            return RelayRight.POSTMASTER
        if trusted:
            return RelayRight.KNOWN
        domain = recipient.domain
        if not isinstance(domain, Domain) or not _ROUTING.isdisjoint(recipient.local):
            return None
        aliased = domain == self.hostname and self.aliases.name_for(recipient) is not None
        return RelayRight.DOMAIN if aliased or domain.ascii in self._domains else None

    def refusal(self, recipient: Address, *, sender: Address | None, trusted: bool) -> Reply | None:
        """Why mail from ``sender`` to ``recipient`` is not taken; None: it is."""
        right = self.right(recipient, trusted=trusted)
        if right is None:
            return REFUSAL
        if right is RelayRight.POSTMASTER:
            return None
        if not self.senders.permits(sender):
            return SENDER_REFUSED
        return None if self.recipients.permits(recipient) else RECIPIENT_REFUSED

    def destinations(self, recipient: Address) -> tuple[Address, ...]:
        """Whom mail to ``recipient`` goes to: one or more, each once.

        A postmaster without an alias of his own is who configuration says. If it says nothing, that of a domain is with
        that domain, and that of this host is the one of the first domain: the host itself seldom has mailboxes.
        """
        if not self.is_postmaster(recipient):
            return self.aliases.expand(recipient)
        if recipient.domain is None:
            recipient = evolve(recipient, domain=self.hostname)
        alias = self.aliases.name_for(recipient)
        if self.postmaster and (alias is None or alias.is_catch_all):
            return self.postmaster
        if alias is not None:
            return self.aliases.expand(recipient)
        if recipient.domain == self.hostname and self.domains and self.hostname.ascii not in self._domains:
            return (evolve(recipient, domain=Domain.parse(next(iter(self.domains)))),)
        return (recipient,)
