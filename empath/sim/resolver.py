"""The resolver of a simulation: it reads `empath.sim.zones` and remembers nothing.

Without a cache every change of the table is seen at once. What the cache of the real one promises is tested there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import attrs
import trio
from attrs import define, field

from empath.world import Answer, DnsError, DnsTemporary, MxRecord, Security, TlsaRecord
from empath.world.dns_watch import DnsWatch, lookup
from empath.world.families import both_families

if TYPE_CHECKING:
    from empath.sim.zones import Zones

R = TypeVar("R")


@define(eq=False)
class SimulatedResolver:
    """A validating resolver over a table. ``trusted=False`` is one whose word does not count."""

    zones: Zones
    timeout_s: float = 10.0
    latency_s: float = 0.0
    trusted: bool = True
    watch: DnsWatch = field(init=False, factory=DnsWatch)

    async def mx(self, domain: str) -> Answer[MxRecord]:
        """Return the mail exchangers of a domain."""
        return await self._ask(domain, "MX", MxRecord)

    async def a(self, host: str) -> Answer[str]:
        """Return the IPv4 addresses of a host."""
        return await self._ask(host, "A", str)

    async def aaaa(self, host: str) -> Answer[str]:
        """Return the IPv6 addresses of a host."""
        return await self._ask(host, "AAAA", str)

    async def addresses(self, host: str) -> Answer[str]:
        """Return the addresses of a host."""
        v4, v6 = await self._try(host, "A", str), await self._try(host, "AAAA", str)
        return both_families(_key(host), v4, v6)

    async def txt(self, name: str) -> Answer[bytes]:
        """Return the text records of a name."""
        return await self._ask(name, "TXT", bytes)

    async def tlsa(self, host: str, *, port: int) -> Answer[TlsaRecord]:
        """Return the TLSA records of a service."""
        return await self._ask(f"_{port}._tcp.{host}", "TLSA", TlsaRecord)

    async def _try(self, name: str, kind: str, record_type: type[R]) -> Answer[R] | DnsError:
        try:
            return await self._ask(name, kind, record_type)
        except DnsError as error:
            return error

    async def _ask(self, name: str, kind: str, record_type: type[R]) -> Answer[R]:
        began = trio.current_time()
        finding: Answer[R] | DnsError
        try:
            finding = await self._look_up(_key(name), kind, record_type)
        except DnsError as error:
            finding = error
        self.watch.misses += 1
        if self.watch.tell is not None:
            self.watch.tell(lookup(kind, finding, trio.current_time() - began))
        if isinstance(finding, DnsError):
            raise finding
        return finding

    async def _look_up(self, name: str, kind: str, record_type: type[R]) -> Answer[R]:
        await trio.sleep(self.latency_s)
        if name in self.zones.silent:
            await trio.sleep(self.timeout_s)
            raise DnsTemporary(name, f"no answer within {self.timeout_s:g} s")
        try:
            found = self.zones.find(name, kind)
        except DnsError as error:
            raise attrs.evolve(error, name=name, security=self._word(error.security)) from None
        records = tuple(record for record in found.records.records if isinstance(record, record_type))
        security = self._word(self.zones.security_of(*found.names))
        return Answer(records, found.name, ttl_s=found.ttl_s, security=security)

    def _word(self, security: Security) -> Security:
        return security if self.trusted else Security.INDETERMINATE


def _key(name: str) -> str:
    return name.removesuffix(".").lower()
