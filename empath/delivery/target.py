"""Finding where to connect for a domain: configuration and DNS, asked anew for every attempt.

The decisions are those of ``empath.policy.route``; here the questions are asked.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from attrs import frozen

from empath.policy.route import NextHop, Routes, Target, Unresolved, literal_address, mx_hosts, targets
from empath.smtp import AddressLiteral, Domain
from empath.world.answers import Answer
from empath.world.errors import DnsTemporary, NoData, NoSuchDomain
from empath.world.ports import Entropy, Resolver

T = TypeVar("T")


@frozen(kw_only=True)
class Finder:
    """Finds targets."""

    routes: Routes
    resolver: Resolver
    entropy: Entropy
    own_name: str
    port: int
    """For hosts that DNS names."""
    allow_private: bool

    def next_hop(self, domain: str) -> NextHop | None:
        """What configuration says about a domain; None: DNS decides."""
        return self.routes.next_hop(parsed(domain))

    async def find(self, domain: str) -> tuple[Target, ...]:
        """The addresses to try for a domain, the best first; at least one. Raises Failure."""
        name = parsed(domain)
        next_hop = self.routes.next_hop(name)
        if next_hop is not None:
            return await self._configured(domain, next_hop)
        if isinstance(name, AddressLiteral):
            return targets(
                domain, [(domain, (literal_address(name),))], port=self.port, allow_private=self.allow_private
            )
        records = await _records(self.resolver.mx, domain)
        hosts = mx_hosts(domain, records, own_names={self.own_name}, draw=self.entropy.rng.random)
        found = [(host, await _records(self.resolver.addresses, host)) for host in hosts]
        return targets(domain, found, port=self.port, allow_private=self.allow_private)

    async def _configured(self, domain: str, next_hop: NextHop) -> tuple[Target, ...]:
        """A host that configuration names may be anywhere, inside our own network above all."""
        host = next_hop.host
        try:
            addresses: Sequence[str] | Unresolved = (str(ipaddress.ip_address(host)),)
        except ValueError:
            addresses = await _records(self.resolver.addresses, host)
        return targets(domain, [(host, addresses)], port=next_hop.port, allow_private=True)


def parsed(domain: str) -> Domain | AddressLiteral:
    """A recipient domain as the spool has it: A-labels, or an address literal in brackets."""
    return AddressLiteral.parse(domain) if domain.startswith("[") else Domain.parse(domain)


async def _records(question: Callable[[str], Awaitable[Answer[T]]], name: str) -> Sequence[T] | Unresolved:
    try:
        return (await question(name)).records
    except NoSuchDomain:
        return Unresolved.NO_SUCH_DOMAIN
    except NoData:
        return Unresolved.NO_DATA
    except DnsTemporary:
        return Unresolved.UNKNOWN
