"""DNS: a cache in front of servers that validate, with one lookup for all who ask for the same thing.

How servers are asked stands in `empath.world.name_servers`, how findings are kept in `empath.world.lookups`.

Nothing is validated here (DNSSEC needs a chain of keys and proofs of absence; a validating resolver has them). Its word
is the AD flag, which is only as good as the way to it: it counts if every server is a loopback address, or if the
operator says that the way is safe. Without that every answer is ``Security.INDETERMINATE`` (RFC 7672 2.1.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import dns.rdata
import trio
from attrs import define, field, frozen

from empath.world.answers import Answer, MxRecord, TlsaRecord
from empath.world.dns_watch import DnsWatch
from empath.world.endpoint import TcpEndpoint
from empath.world.errors import DnsError
from empath.world.families import both_families
from empath.world.lookups import Lookups
from empath.world.name_servers import NameServers, system_servers
from empath.world.records import A_RECORDS, AAAA_RECORDS, MX_RECORDS, TLSA_RECORDS, TXT_RECORDS, RecordType

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

D = TypeVar("D", bound=dns.rdata.Rdata)
R = TypeVar("R")


@frozen(kw_only=True)
class DnsSettings:
    """Which servers to ask, how long to wait and how much to remember. No servers: those of the system."""

    servers: tuple[TcpEndpoint, ...] = ()
    timeout_s: float = 10.0
    max_ttl_s: float = 300.0
    max_entries: int = 10_000
    """The bound of each of the five caches: MX, A, AAAA, TXT, TLSA."""
    max_queries: int = 100
    """Questions that may be under way at once; each has a socket or two. Further ones wait, within their time limit."""
    dnssec: bool = True
    """Ask whether answers are authentic. Without that every answer is ``Security.INDETERMINATE``."""
    trust_ad: bool = False
    """Believe servers that are not on this machine, too."""


@frozen
class Cached:
    """Something that is known."""

    kind: str
    """The type of record."""
    name: str
    finding: Answer[MxRecord] | Answer[str] | Answer[bytes] | Answer[TlsaRecord] | DnsError


@define(eq=False)
class DnsResolver:
    """The real resolver. Lookups run in the nursery, which must outlive those who ask."""

    settings: DnsSettings
    _nursery: trio.Nursery
    watch: DnsWatch = field(factory=DnsWatch)
    _servers: NameServers = field(init=False)
    _mx: Lookups[MxRecord] = field(init=False)
    _a: Lookups[str] = field(init=False)
    _aaaa: Lookups[str] = field(init=False)
    _txt: Lookups[bytes] = field(init=False)
    _tlsa: Lookups[TlsaRecord] = field(init=False)

    def __attrs_post_init__(self) -> None:
        settings = self.settings
        servers = settings.servers or system_servers()
        near = all(server.is_loopback for server in servers)
        self._servers = NameServers(
            servers,
            timeout_s=settings.timeout_s,
            believed=settings.dnssec and (settings.trust_ad or near),
            slots=trio.CapacityLimiter(settings.max_queries),
        )
        self._mx, self._txt = self._lookups(MX_RECORDS), self._lookups(TXT_RECORDS)
        self._a, self._aaaa = self._lookups(A_RECORDS), self._lookups(AAAA_RECORDS)
        self._tlsa = self._lookups(TLSA_RECORDS)

    async def mx(self, domain: str) -> Answer[MxRecord]:
        """Return the mail exchangers of a domain."""
        return await self._mx.get(_key(domain))

    async def a(self, host: str) -> Answer[str]:
        """Return the IPv4 addresses of a host."""
        return await self._a.get(_key(host))

    async def aaaa(self, host: str) -> Answer[str]:
        """Return the IPv6 addresses of a host."""
        return await self._aaaa.get(_key(host))

    async def addresses(self, host: str) -> Answer[str]:
        """Return the addresses of a host."""
        findings: dict[str, Answer[str] | DnsError] = {}

        async def ask(family: str, question: Callable[[str], Awaitable[Answer[str]]]) -> None:
            try:
                findings[family] = await question(host)
            except DnsError as error:
                findings[family] = error

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, "v4", self.a)
            nursery.start_soon(ask, "v6", self.aaaa)
        return both_families(_key(host), findings["v4"], findings["v6"])

    async def txt(self, name: str) -> Answer[bytes]:
        """Return the text records of a name."""
        return await self._txt.get(_key(name))

    async def tlsa(self, host: str, *, port: int) -> Answer[TlsaRecord]:
        """Return the TLSA records of a service."""
        return await self._tlsa.get(f"_{port}._tcp.{_key(host)}")

    def cached(self) -> Iterator[Cached]:
        """What is known, one type after the other."""
        for lookups in (self._mx, self._a, self._aaaa, self._txt, self._tlsa):
            for name, finding in lookups.entries():
                yield Cached(lookups.kind, name, finding)

    def forget(self, name: str | None = None) -> int:
        """Forget what is known of a name; None: of all. How many findings there were."""
        key = None if name is None else _key(name)
        return sum(lookups.forget(key) for lookups in (self._mx, self._a, self._aaaa, self._txt, self._tlsa))

    def _lookups(self, kind: RecordType[D, R]) -> Lookups[R]:
        async def look_up(name: str) -> Answer[R]:
            return await self._servers.ask(name, kind)

        settings = self.settings
        return Lookups(
            self._nursery,
            look_up,
            max_ttl_s=settings.max_ttl_s,
            max_entries=settings.max_entries,
            kind=str(kind),
            watch=self.watch,
        )


def _key(name: str) -> str:
    return name.removesuffix(".").lower()
