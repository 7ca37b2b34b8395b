"""What DNS says and what is remembered of it: ``/dns/lookup``, ``/dns/cache``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Final, Literal, Protocol

import msgspec
import trio
from attrs import frozen

from empath.mail.quoting import plain
from empath.ops.acting import Deed, Told
from empath.ops.api.problems import Code, Problem
from empath.ops.api.reading import Nothing
from empath.ops.api.route import Call, Route, get, route
from empath.ops.api.tokens import Scope
from empath.world.answers import Answer, MxRecord
from empath.world.errors import DnsError, NoData
from empath.world.ports import Resolver
from empath.world.resolver import Cached

_ROOT: Final = "."


class DnsCache(Protocol):
    """A resolver that remembers."""

    def cached(self) -> Iterator[Cached]:
        """What it knows."""

    def forget(self, name: str | None = None) -> int:
        """Forget a name, or all."""


class DnsLookupQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to look up."""

    domain: Annotated[str, msgspec.Meta(min_length=1, max_length=253)]
    fresh: bool = False
    """Forget first what is known of it."""


class DnsCacheQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of the cache."""

    name: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=50_000)] = 1000


class DnsForgetQuery(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"everything": "all"}
):
    """What of the cache is to be forgotten, and why."""

    name: str | None = None
    everything: bool = False
    reason: str = ""


class DnsHost(msgspec.Struct, frozen=True, kw_only=True):
    """A mail host."""

    preference: int
    host: str
    addresses: tuple[str, ...]
    trouble: str
    """Why there are no addresses."""


class DnsLookup(msgspec.Struct, frozen=True, kw_only=True):
    """The mail hosts of a domain."""

    schema: Literal["empath.dns-lookup/1"] = "empath.dns-lookup/1"
    domain: str
    hosts: tuple[DnsHost, ...] = ()
    null_mx: bool = False
    """Whether the domain says that it takes no mail (RFC 7505)."""
    implicit: bool = False
    """Whether there are no MX records, so the domain is its own host (RFC 5321 5.1)."""
    trouble: str = ""
    """Why nobody can tell, or that there is no such domain."""
    ttl_s: float | None = None
    security: str | None = None
    """``secure``, ``insecure``, ``indeterminate`` (RFC 4033 5); None: there was no answer."""


class DnsEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is known."""

    type: str
    name: str
    found: tuple[str, ...]
    """The records; none: that there are none, or why nobody can tell."""
    trouble: str
    ttl_s: float
    security: str | None


class DnsEntries(msgspec.Struct, frozen=True, kw_only=True):
    """What is known."""

    schema: Literal["empath.dns-cache/1"] = "empath.dns-cache/1"
    entries: tuple[DnsEntry, ...]


class DnsForgotten(msgspec.Struct, frozen=True, kw_only=True):
    """What was forgotten."""

    schema: Literal["empath.dns-forgotten/1"] = "empath.dns-forgotten/1"
    count: int


@frozen(kw_only=True)
class DnsRoutes:
    """See the module."""

    resolver: Resolver
    cache: DnsCache | None
    """None: this resolver remembers nothing."""
    told: Told

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            get("/dns/lookup", self._lookup, Scope.READ),
            get("/dns/cache", self._cache, Scope.READ),
            route("DELETE", "/dns/cache", self._clear, Scope.OPERATE),
        )

    async def _lookup(self, call: Call[DnsLookupQuery, Nothing]) -> DnsLookup:
        """Look up the mail hosts of a domain, as delivery does."""
        domain = call.query.domain.rstrip(".").lower()
        if call.query.fresh and self.cache is not None:
            self.cache.forget(domain)
        try:
            answer: Answer[MxRecord] | None = await self.resolver.mx(domain)
        except NoData:
            answer = None
        except DnsError as error:
            return DnsLookup(domain=domain, trouble=str(error))
        records = () if answer is None else sorted(answer.records, key=lambda one: (one.preference, one.host))
        null_mx = any(one.host == _ROOT for one in records)
        wanted = [(one.preference, one.host) for one in records if one.host != _ROOT] or [(0, domain)] * (not null_mx)
        return DnsLookup(
            domain=domain,
            hosts=tuple([await self._host(preference, host) for preference, host in wanted]),
            null_mx=null_mx,
            implicit=answer is None,
            ttl_s=None if answer is None else round(answer.ttl_s, 1),
            security=None if answer is None else answer.security.name.lower(),
        )

    async def _host(self, preference: int, host: str) -> DnsHost:
        try:
            addresses = (await self.resolver.addresses(host)).records
        except DnsError as error:
            return DnsHost(preference=preference, host=host, addresses=(), trouble=str(error))
        return DnsHost(preference=preference, host=host, addresses=addresses, trouble="")

    async def _cache(self, call: Call[DnsCacheQuery, Nothing]) -> DnsEntries:
        """List what is remembered of DNS."""
        await trio.lowlevel.checkpoint()
        known = self.cache.cached() if self.cache is not None else iter(())
        name = call.query.name
        chosen = (one for one in known if name is None or one.name == name)
        return DnsEntries(entries=tuple(map(_entry, islice(chosen, call.query.limit))))

    async def _clear(self, call: Call[DnsForgetQuery, Nothing]) -> DnsForgotten:
        """Forget what is remembered of a name, or with ``all`` of all names."""
        await trio.lowlevel.checkpoint()
        said = call.query
        if said.name is None and not said.everything:
            why, remedy = "a name that was forgotten would mean all of them", "say a name, or all=true"
            raise Problem(422, Code.EMPTY_SELECTOR, "nothing was chosen", why=why, remedy=remedy)
        count = 0 if self.cache is None else self.cache.forget(said.name)
        why = plain(said.reason, utf8=True)
        self.told(Deed(verb="forget dns", selector=said.name or "all", by=call.who.name, why=why, count=count))
        return DnsForgotten(count=count)


def _entry(one: Cached) -> DnsEntry:
    finding = one.finding
    if isinstance(finding, DnsError):
        ttl_s: float = getattr(finding, "ttl_s", 0.0)
        return DnsEntry(
            type=one.kind, name=one.name, found=(), trouble=str(finding), ttl_s=round(ttl_s, 1), security=None
        )
    return DnsEntry(
        type=one.kind,
        name=one.name,
        found=tuple(
            [
                f"{each.preference} {each.host}" if isinstance(each, MxRecord) else _text(each)
                for each in finding.records
            ]
        ),
        trouble="",
        ttl_s=round(finding.ttl_s, 1),
        security=finding.security.name.lower(),
    )


def _text(record: object) -> str:
    return record.decode("ascii", "backslashreplace") if isinstance(record, bytes) else str(record)
