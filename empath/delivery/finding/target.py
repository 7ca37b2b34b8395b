"""Finding where to connect for a domain: configuration and DNS, asked anew for every attempt.

The decisions are those of ``empath.policy.route`` and ``empath.policy.approach``; here the questions are asked.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import Final, Generic, TypeVar

import trio
from attrs import evolve, frozen

from empath.mail.diagnosis import Kind
from empath.mail.failure import Failure
from empath.policy.approach import Approach, Host, targets
from empath.policy.route import (
    Absent,
    Exchange,
    NextHop,
    OwnHost,
    Routes,
    Target,
    Undecided,
    Unresolved,
    literal_address,
    mx_hosts,
)
from empath.smtp import AddressLiteral, Domain
from empath.world.answers import Answer, Security
from empath.world.errors import DnsTemporary, NoData, NoSuchDomain
from empath.world.ports import Entropy, Resolver

T = TypeVar("T")

_NOBODY: Final = OwnHost()
_MOST_FIXED: Final = 4096
"""Ways to configured addresses that are remembered: for a busy next hop this is asked for each connection."""
_UNPROVEN: Final = {
    Security.INSECURE: "DNSSEC does not vouch for the answer, and delivery.dns.dnssec.enforce asks for that",
    Security.INDETERMINATE: "what the resolver says of DNSSEC does not count; see delivery.dns.trust_ad",
}


@frozen
class Finding(Generic[T]):
    """What DNS says to one question."""

    records: Sequence[T] | Unresolved
    canonical_name: str
    secure: bool = False


@frozen(kw_only=True)
class Finder:
    """Finds targets."""

    routes: Routes
    resolver: Resolver
    entropy: Entropy
    own: OwnHost
    approach: Callable[[str], Approach]
    """How the hosts of a recipient domain are connected to."""
    max_hosts: int
    enforce_dnssec: bool = False
    """Whether answers that DNSSEC does not vouch for are as good as none."""

    def next_hop(self, domain: str) -> NextHop | None:
        """What configuration says about a domain; None: DNS decides."""
        return self.routes.next_hop(parsed(domain))

    def suits(self, target: Target, domain: str) -> bool:
        """Whether a connection that was made for another domain has the address family and source of this one."""
        return self.approach(domain).admits(target)

    async def leads_to(self, target: Target, domain: str) -> bool:
        """Whether a host that was found for another domain takes the mail of this one as well.

        Behind a next hop that configuration names it does: domains come together there for no other reason.
        """
        if self.next_hop(domain) is not None:
            return True
        try:
            found = await self.find(domain)
        except Failure:
            return False  # a new connection would meet the same, and then it is told
        return any((one.host, one.address, one.port) == (target.host, target.address, target.port) for one in found)

    async def find(self, domain: str) -> tuple[Target, ...]:
        """The addresses to try for a domain, the best first; at least one. Raises Failure."""
        name, approach = parsed(domain), self.approach(domain)
        next_hop = self.routes.next_hop(name)
        if next_hop is not None:
            return await self._configured(name.ascii, next_hop, approach)
        if isinstance(name, AddressLiteral):
            host = Host(exchange=Exchange(name.ascii), addresses=(literal_address(name),))
            return targets(name.ascii, [host], approach, own=self.own)
        found = await self._ask(self.resolver.mx, name.ascii)
        exchanges = mx_hosts(
            name.ascii, found.records, own=self.own, draw=self.entropy.rng.random, max_hosts=self.max_hosts
        )
        hosts = await self._addresses(exchanges, approach, secure=found.secure)
        return targets(name.ascii, hosts, approach, own=self.own)

    async def _configured(self, domain: str, next_hop: NextHop, approach: Approach) -> tuple[Target, ...]:
        """A host that configuration names may be anywhere, inside our own network above all."""
        if (fixed := _at_address(domain, next_hop, approach)) is not None:
            return fixed
        approach = evolve(approach, port=next_hop.port, allow_private=True)
        hosts = await self._addresses([Exchange(next_hop.host)], approach, secure=True)
        return targets(domain, hosts, approach, own=_NOBODY)

    async def _addresses(self, exchanges: Sequence[Exchange], approach: Approach, *, secure: bool) -> list[Host]:
        """Ask for the addresses of all at once: the slowest answer is what this takes, not the sum."""
        found: dict[str, Host] = {}

        async def ask(exchange: Exchange) -> None:
            finding = await self._ask(self._question(approach), exchange.host)
            found[exchange.host] = Host(
                exchange=exchange,
                addresses=finding.records,
                canonical_name=finding.canonical_name,
                host_secure=secure,
                address_secure=finding.secure,
            )

        async with trio.open_nursery() as nursery:
            for exchange in exchanges:
                nursery.start_soon(ask, exchange)
        return [found[exchange.host] for exchange in exchanges]

    def _question(self, approach: Approach) -> Callable[[str], Awaitable[Answer[str]]]:
        """Ask for what can be used only: trouble with the other family is then none of ours."""
        match approach.families:
            case (4,):
                return self.resolver.a
            case (6,):
                return self.resolver.aaaa
            case _:
                return self.resolver.addresses

    async def _ask(self, question: Callable[[str], Awaitable[Answer[T]]], name: str) -> Finding[T]:
        records: Sequence[T] | Unresolved
        try:
            answer = await question(name)
        except DnsTemporary as problem:
            return Finding(Undecided(str(problem)), name)
        except (NoData, NoSuchDomain) as missing:
            records = Absent.NO_DATA if isinstance(missing, NoData) else Absent.NO_SUCH_DOMAIN
            canonical_name, security = name, missing.security
        else:
            records, canonical_name, security = answer.records, answer.canonical_name, answer.security
        if self.enforce_dnssec and security is not Security.SECURE:
            records = Undecided(f"{name}: {_UNPROVEN[security]}", Kind.DNS_INSECURE)
        return Finding(records, canonical_name, security is Security.SECURE)


@lru_cache(maxsize=_MOST_FIXED)
def _at_address(domain: str, next_hop: NextHop, approach: Approach) -> tuple[Target, ...] | None:
    """The way to a next hop that is configured by its address; None: it is by name."""
    try:
        address = str(ipaddress.ip_address(next_hop.host))
    except ValueError:
        return None
    approach = evolve(approach, port=next_hop.port, allow_private=True)
    host = Host(exchange=Exchange(next_hop.host), addresses=(address,), host_secure=True)
    return targets(domain, [host], approach, own=_NOBODY)


def parsed(domain: str) -> Domain | AddressLiteral:
    """A recipient domain as the spool has it: A-labels, or an address literal in brackets."""
    return AddressLiteral.parse(domain) if domain.startswith("[") else Domain.parse(domain)
