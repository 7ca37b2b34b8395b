"""DNS through dnspython, on Trio's own sockets.

What dnspython does: messages, random ids and ports (RFC 5452), ignoring answers that do not belong to the question,
the way from one server to the next, TCP after truncation (RFC 7766), CNAME chains. What is done here: typed findings,
a cache and shared lookups (`empath.world.lookups`), one time limit for all of it, and the question whom to believe.

Nothing is validated here (DNSSEC needs a chain of keys and proofs of absence; a validating resolver has them). Its word
is the AD flag, which is only as good as the way to it: it counts if every server is a loopback address, or if the
operator says that the way is safe. Without that every answer is ``Security.INDETERMINATE`` (RFC 7672 2.1.1).

SERVFAIL, REFUSED, time-outs and malformed answers are `DnsTemporary` and nothing else. An MTA that took them for "no
such record" would fall back to something weaker just when somebody interferes (RFC 7672 2.1.2).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

import dns.asyncbackend
import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.nameserver
import dns.rdata
import dns.resolver
import trio
from attrs import define, field, frozen

from empath.world.answers import Answer, MxRecord, Security, TlsaRecord
from empath.world.endpoint import TcpEndpoint
from empath.world.errors import DnsError, DnsTemporary, NoData, NoSuchDomain
from empath.world.families import both_families
from empath.world.lookups import Lookups
from empath.world.records import (
    A_RECORDS,
    AAAA_RECORDS,
    MX_RECORDS,
    TLSA_RECORDS,
    TXT_RECORDS,
    RecordType,
    name_text,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

D = TypeVar("D", bound=dns.rdata.Rdata)
R = TypeVar("R")

DNS_PORT = 53

UDP_BYTES = 1232
"""The EDNS buffer size that is not fragmented on the way (RFC 9715 appendix A)."""

TRY_S = 2.0
"""How long one server may take before the next is asked."""

MAX_QUERIES = 100
"""Questions that may be under way at once; each has a socket or two. Further ones wait, within their time limit."""


@frozen(kw_only=True)
class DnsSettings:
    """Which servers to ask, how long to wait and how much to remember. No servers: those of the system."""

    servers: tuple[TcpEndpoint, ...] = ()
    timeout_s: float = 10.0
    max_ttl_s: float = 300.0
    max_entries: int = 10_000
    """The bound of each of the four caches: MX, addresses, TXT, TLSA."""
    trust_ad: bool = False
    """Believe servers that are not on this machine, too."""


@define(eq=False)
class DnsResolver:
    """The real resolver. Lookups run in the nursery, which must outlive those who ask."""

    settings: DnsSettings
    _nursery: trio.Nursery
    _stub: dns.asyncresolver.Resolver = field(init=False)
    _believed: bool = field(init=False)
    _slots: trio.CapacityLimiter = field(init=False, factory=lambda: trio.CapacityLimiter(MAX_QUERIES))
    _mx: Lookups[MxRecord] = field(init=False)
    _addresses: Lookups[str] = field(init=False)
    _txt: Lookups[bytes] = field(init=False)
    _tlsa: Lookups[TlsaRecord] = field(init=False)

    def __attrs_post_init__(self) -> None:
        servers = self.settings.servers or system_servers()
        self._believed = self.settings.trust_ad or all(server.is_loopback for server in servers)
        self._stub = _stub(servers, timeout_s=self.settings.timeout_s)
        self._mx = self._lookups(lambda name: self._ask(name, MX_RECORDS))
        self._addresses = self._lookups(self._ask_both_families)
        self._txt = self._lookups(lambda name: self._ask(name, TXT_RECORDS))
        self._tlsa = self._lookups(lambda name: self._ask(name, TLSA_RECORDS))

    async def mx(self, domain: str) -> Answer[MxRecord]:
        """Return the mail exchangers of a domain."""
        return await self._mx.get(_key(domain))

    async def addresses(self, host: str) -> Answer[str]:
        """Return the addresses of a host."""
        return await self._addresses.get(_key(host))

    async def txt(self, name: str) -> Answer[bytes]:
        """Return the text records of a name."""
        return await self._txt.get(_key(name))

    async def tlsa(self, host: str, *, port: int) -> Answer[TlsaRecord]:
        """Return the TLSA records of a service."""
        return await self._tlsa.get(f"_{port}._tcp.{_key(host)}")

    def _lookups(self, look_up: Callable[[str], Awaitable[Answer[R]]]) -> Lookups[R]:
        settings = self.settings
        return Lookups(self._nursery, look_up, max_ttl_s=settings.max_ttl_s, max_entries=settings.max_entries)

    async def _ask(self, name: str, kind: RecordType[D, R]) -> Answer[R]:
        with trio.move_on_after(self.settings.timeout_s):
            async with self._slots:
                reply = await self._exchange(name, kind)
            ttl_s, security = reply.chaining_result.minimum_ttl, self._security(reply.response)
            if reply.rrset is None:
                raise NoData(name, f"has no {kind} record", security=security, ttl_s=ttl_s)
            return Answer(kind.values(reply.rrset), name_text(reply.canonical_name), ttl_s=ttl_s, security=security)
        raise self._too_slow(name)

    async def _exchange(self, name: str, kind: RecordType[D, R]) -> dns.resolver.Answer:
        """Ask the servers in turn. The exceptions of dnspython end here."""
        question, backend = _question(name), dns.asyncbackend.get_backend("trio")
        try:
            return await self._stub.resolve(
                question, kind.number, raise_on_no_answer=False, search=False, backend=backend
            )
        except dns.resolver.NXDOMAIN as error:
            reply: dns.message.QueryMessage = error.kwargs["responses"][question]
            ttl_s, security = reply.resolve_chaining().minimum_ttl, self._security(reply)
            raise NoSuchDomain(name, "no such domain", security=security, ttl_s=ttl_s) from None
        except dns.exception.Timeout as error:
            raise self._too_slow(name) from error
        except dns.resolver.NoNameservers as error:
            attempts = (f"{server.removeprefix('Do53:')}: {why}" for server, _, _, why, _ in error.kwargs["errors"])
            raise DnsTemporary(name, "; ".join(attempts)) from error
        except dns.exception.DNSException as error:
            raise DnsTemporary(name, f"unusable answer: {error}") from error
        except OSError as error:
            raise DnsTemporary(name, f"cannot ask: {error.strerror or error}") from error

    def _too_slow(self, name: str) -> DnsTemporary:
        return DnsTemporary(name, f"no answer within {self.settings.timeout_s:g} s")

    def _security(self, reply: dns.message.Message) -> Security:
        if not self._believed:
            return Security.INDETERMINATE
        return Security.SECURE if reply.flags & dns.flags.AD else Security.INSECURE

    async def _ask_both_families(self, host: str) -> Answer[str]:
        findings: dict[str, Answer[str] | DnsError] = {}

        async def ask(kind: RecordType[D, str]) -> None:
            try:
                findings[str(kind)] = await self._ask(host, kind)
            except DnsError as error:
                findings[str(kind)] = error

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, A_RECORDS)
            nursery.start_soon(ask, AAAA_RECORDS)
        return both_families(host, findings["A"], findings["AAAA"])


def system_servers() -> tuple[TcpEndpoint, ...]:
    """Return the servers that the system is configured with; without any, the one of this machine (resolv.conf(5))."""
    try:
        configured = dns.resolver.Resolver().nameservers
    except dns.resolver.NoResolverConfiguration:
        configured = []
    return tuple(TcpEndpoint(str(server), DNS_PORT) for server in configured) or (TcpEndpoint("127.0.0.1", DNS_PORT),)


def _stub(servers: tuple[TcpEndpoint, ...], *, timeout_s: float) -> dns.asyncresolver.Resolver:
    stub = dns.asyncresolver.Resolver(configure=False)
    stub.nameservers = [dns.nameserver.Do53Nameserver(server.host, server.port) for server in servers]
    stub.timeout = min(TRY_S, timeout_s)
    stub.lifetime = timeout_s
    # A server says AD only to those who ask for it (RFC 6840 5.7).
    stub.flags = dns.flags.RD | dns.flags.AD
    stub.use_edns(0, 0, UDP_BYTES)
    return stub


def _key(name: str) -> str:
    return name.removesuffix(".").lower()


def _question(name: str) -> dns.name.Name:
    try:
        return dns.name.from_text(f"{name}.")
    except dns.exception.DNSException as error:
        raise NoSuchDomain(name, f"is not a name that DNS can hold: {error}", ttl_s=math.inf) from None
