"""Asking DNS servers one question, through dnspython, on Trio's own sockets.

What dnspython does: messages, random ids and ports (RFC 5452), ignoring answers that do not belong to the question,
the way from one server to the next, TCP after truncation (RFC 7766), CNAME chains. What is done here: typed findings,
one time limit for all of it, a bound on the questions under way, and the question whom to believe.

SERVFAIL, REFUSED, time-outs and malformed answers are `DnsTemporary` and nothing else. An MTA that took them for "no
such record" would fall back to something weaker just when somebody interferes (RFC 7672 2.1.2). The same holds for a
server that has no records and does not say that there are none: it is no resolver, and refers us to others.
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
import dns.rdatatype
import dns.resolver
import trio
from attrs import define, field

from empath.world.answers import Answer, Security
from empath.world.endpoint import TcpEndpoint
from empath.world.errors import DnsTemporary, NoData, NoSuchDomain
from empath.world.records import RecordType, name_text

if TYPE_CHECKING:
    from collections.abc import Iterable

D = TypeVar("D", bound=dns.rdata.Rdata)
R = TypeVar("R")

DNS_PORT = 53

UDP_BYTES = 1232
"""The EDNS buffer size that is not fragmented on the way (RFC 9715 appendix A)."""

TRY_S = 2.0
"""How long one server may take before the next is asked."""


@define(eq=False)
class NameServers:
    """The servers, in the order in which they are asked. ``believed``: their word on authenticity counts."""

    _servers: tuple[TcpEndpoint, ...]
    _timeout_s: float = field(kw_only=True)
    _believed: bool = field(kw_only=True)
    _slots: trio.CapacityLimiter = field(kw_only=True)
    """One for each question that may be under way."""
    _stub: dns.asyncresolver.Resolver = field(init=False)

    @_stub.default
    def _new_stub(self) -> dns.asyncresolver.Resolver:
        stub = dns.asyncresolver.Resolver(configure=False)
        stub.nameservers = [dns.nameserver.Do53Nameserver(server.host, server.port) for server in self._servers]
        stub.timeout = min(TRY_S, self._timeout_s)
        stub.lifetime = self._timeout_s
        # A server says AD only to those who ask for it (RFC 6840 5.7).
        stub.flags = dns.flags.RD | (dns.flags.AD if self._believed else 0)
        stub.use_edns(0, 0, UDP_BYTES)
        return stub

    async def ask(self, name: str, kind: RecordType[D, R]) -> Answer[R]:
        """Return the records of a name. Raises `DnsError`."""
        with trio.move_on_after(self._timeout_s):
            async with self._slots:
                reply = await self._exchange(name, kind)
            return self._records(name, kind, reply)
        raise self._too_slow(name)

    def _records(self, name: str, kind: RecordType[D, R], reply: dns.resolver.Answer) -> Answer[R]:
        ttl_s, security = reply.chaining_result.minimum_ttl, self._security(reply.response)
        if reply.rrset is not None:
            return Answer(kind.values(reply.rrset), name_text(reply.canonical_name), ttl_s=ttl_s, security=security)
        if _is_referral(reply.response):
            raise DnsTemporary(name, f"{reply.nameserver}@{reply.port}: does not look names up for us")
        raise NoData(name, f"has no {kind} record", security=security, ttl_s=ttl_s)

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
            raise DnsTemporary(name, "; ".join(_complaints(error))) from error
        except dns.exception.DNSException as error:
            raise DnsTemporary(name, f"unusable answer: {error}") from error
        except OSError as error:
            raise DnsTemporary(name, f"cannot ask: {error.strerror or error}") from error

    def _too_slow(self, name: str) -> DnsTemporary:
        return DnsTemporary(name, f"no answer within {self._timeout_s:g} s")

    def _security(self, reply: dns.message.Message) -> Security:
        if not self._believed:
            return Security.INDETERMINATE
        return Security.SECURE if reply.flags & dns.flags.AD else Security.INSECURE


def system_servers() -> tuple[TcpEndpoint, ...]:
    """Return the servers that the system is configured with; without any, the one of this machine (resolv.conf(5))."""
    try:
        configured = dns.resolver.Resolver().nameservers
    except dns.resolver.NoResolverConfiguration:
        configured = []
    return tuple(TcpEndpoint(str(server), DNS_PORT) for server in configured) or (TcpEndpoint("127.0.0.1", DNS_PORT),)


def _question(name: str) -> dns.name.Name:
    try:
        return dns.name.from_text(f"{name}.")
    except dns.exception.DNSException as error:
        raise NoSuchDomain(name, f"is not a name that DNS can hold: {error}", ttl_s=math.inf) from None


def _is_referral(reply: dns.message.Message) -> bool:
    """Whether a reply without records is no word on whether there are any.

    RFC 2308 2.2: "no data" comes with a SOA record, a referral with NS records alone. Some resolvers leave the SOA
    record out, and are told from servers that know only their own zones by what they offer (RA).
    """
    kinds = {rrset.rdtype for rrset in reply.authority}
    recursive = bool(reply.flags & dns.flags.RA)
    return dns.rdatatype.SOA not in kinds and (dns.rdatatype.NS in kinds or not recursive)


def _complaints(error: dns.resolver.NoNameservers) -> Iterable[str]:
    """What each server did, in one line each."""
    for server, _, _, problem, reply in error.kwargs["errors"]:
        # A validating resolver says SERVFAIL to a forged answer, and may say with it that this is why (RFC 8914 4.7).
        details = [] if reply is None else [said.to_text() for said in reply.extended_errors()]
        yield f"{server.removeprefix('Do53:')}: {problem}{''.join(f', {said}' for said in details)}"
