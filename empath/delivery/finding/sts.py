"""MTA-STS: which policy a domain has published (RFC 8461), found by a record in DNS and fetched over HTTPS.

The record is asked for anew for every message; the answer is mostly in the resolver's cache. It only says whether there
is something newer. Without it, or if it cannot be had, the policy that is known holds on until its ``max_age`` is over:
a record that is kept from us must not make us forget (RFC 8461 3.3, 10.2). The same goes for a web server that is down.

A domain whose policy was never fetched has none. So whoever stands in the way at the very first time is not found out;
against that there is DANE.

Redirects are not followed, and the web server must prove to be ``mta-sts.`` with the domain behind it (RFC 8461 3.3).
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import Final
from weakref import WeakValueDictionary

import trio
from attrs import define, field, frozen

from empath.delivery.finding.sts_cache import KeptPolicy, StsCache
from empath.policy.encryption.sts import StsPolicy, StsUnusable, edition, parse_policy
from empath.world.errors import DnsError, FetchFailed
from empath.world.ports import Clock, Fetch, FetchLimits, Resolver

_LOG = logging.getLogger(__name__)

_OK: Final = 200
_DAY_S: Final = 86_400


@frozen(kw_only=True)
class StsLimits:
    """How much is done for a policy."""

    fetch: FetchLimits
    retry_s: float
    """How long after a fetch that failed the next one may begin (RFC 8461 3.3)."""
    max_failures: int
    """How many domains are remembered whose fetch has failed."""


@define(eq=False)
class StsPolicies:
    """See the module."""

    _resolver: Resolver
    _fetch: Fetch
    _clock: Clock
    _cache: StsCache
    _limits: StsLimits
    _again_at: OrderedDict[str, float] = field(init=False, factory=OrderedDict)
    """When a domain whose fetch has failed may be asked again; in Trio's time."""
    _locks: WeakValueDictionary[str, trio.Lock] = field(init=False, factory=WeakValueDictionary)
    """By domain: one fetch at a time. A lock is there as long as somebody holds it or waits for it."""

    async def find(self, domain: str) -> StsPolicy | None:
        """The policy of a domain, in A-labels; None: it has none that we know. Takes the time of a fetch at most."""
        kept = await self._cache.get(domain)
        announced = await self._announced(domain)
        if announced is not None and self._is_due(domain, announced, kept):
            lock = self._locks.setdefault(domain, trio.Lock())
            async with lock:
                kept = await self._cache.get(domain)
                if self._is_due(domain, announced, kept):
                    kept = await self._refresh(domain, announced) or kept
        return None if kept is None else kept.policy

    async def _announced(self, domain: str) -> str | None:
        try:
            return edition((await self._resolver.txt(f"_mta-sts.{domain}")).records)
        except DnsError:
            return None

    def _is_due(self, domain: str, announced: str, kept: KeptPolicy | None) -> bool:
        """Whether to fetch: there is something new, or what is known is old enough for another look (RFC 8461 3.3)."""
        if trio.current_time() < self._again_at.get(domain, 0):
            return False
        if kept is None or kept.edition != announced:
            return True
        return self._clock.now() - kept.fetched_at > min(_DAY_S, kept.policy.max_age_s / 2)

    async def _refresh(self, domain: str, announced: str) -> KeptPolicy | None:
        url = f"https://mta-sts.{domain}/.well-known/mta-sts.txt"
        try:
            policy = await self._download(url)
        except (FetchFailed, StsUnusable) as problem:
            self._put_off(domain)
            _LOG.warning("the MTA-STS policy of %s cannot be used: %s", domain, problem)
            return None
        self._again_at.pop(domain, None)
        kept = KeptPolicy(domain=domain, edition=announced, fetched_at=self._clock.now(), policy=policy)
        await self._cache.put(kept)
        return kept

    async def _download(self, url: str) -> StsPolicy:
        response = await self._fetch.get(url, self._limits.fetch)
        if response.status != _OK:
            raise StsUnusable(f"{url} was answered with status {response.status}")
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "text/plain":
            raise StsUnusable(f"{url} is {media_type or 'of no type'} and not text/plain")
        return parse_policy(response.body)

    def _put_off(self, domain: str) -> None:
        self._again_at[domain] = trio.current_time() + self._limits.retry_s
        self._again_at.move_to_end(domain)
        if len(self._again_at) > self._limits.max_failures:
            self._again_at.popitem(last=False)
