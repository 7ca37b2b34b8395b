"""MTA-STS: which policy a domain has published (RFC 8461), found by a record in DNS and fetched over HTTPS.

The record is asked for anew for every message; the answer is mostly in the resolver's cache. It only says whether there
is something newer. Without it, or if it cannot be had, the policy that is known holds on until its ``max_age`` is over:
a record that is kept from us must not make us forget (RFC 8461 3.3, 10.2). The same goes for a web server that is down.

A message waits for a fetch if its domain has a policy that we do not know, or a newer one than we know. That the ones
we know are still the right ones is looked up apart from all messages, by `keep_fresh`, one after the other, each once a
day or when half of its time has passed (RFC 8461 3.3, 10.2).

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
from empath.policy.tlsrpt.results import ResultType
from empath.world.errors import DnsError, FetchFailed, TlsFailed
from empath.world.ports import Clock, Fetch, FetchLimits, Resolver

_LOG = logging.getLogger(__name__)

_OK: Final = 200
_DAY_S: Final = 86_400


@frozen(kw_only=True)
class StsLimits:
    """How much is done for a policy."""

    wanted: bool = True
    """Whether anybody asks for policies. What is known is not looked after while nobody does."""
    fetch: FetchLimits
    retry_s: float
    """How long after a fetch that failed the next one may begin (RFC 8461 3.3)."""
    max_failures: int
    """How many domains are remembered whose fetch has failed."""
    refresh_s: float
    """How often it is looked up which policies are old enough for another look."""


@frozen
class _FailedFetch:
    """What came of a fetch."""

    again_at: float
    """In Trio's time."""
    result: ResultType


@define(eq=False)
class StsPolicies:
    """See the module."""

    _resolver: Resolver
    _fetch: Fetch
    _clock: Clock
    cache: StsCache
    limits: StsLimits
    """May be replaced at any time."""
    _failed: OrderedDict[str, _FailedFetch] = field(init=False, factory=OrderedDict)
    """By domain, until a fetch succeeds."""
    _locks: WeakValueDictionary[str, trio.Lock] = field(init=False, factory=WeakValueDictionary)
    """By domain: one fetch at a time. A lock is there as long as somebody holds it or waits for it."""

    async def find(self, domain: str) -> StsPolicy | None:
        """The policy of a domain, in A-labels; None: it has none that we know. Takes the time of a fetch at most."""
        kept = await self.cache.get(domain)
        announced = await self._announced(domain)
        if announced is not None and self._is_new(domain, announced, kept):
            lock = self._locks.setdefault(domain, trio.Lock())
            async with lock:
                kept = await self.cache.get(domain)
                if self._is_new(domain, announced, kept):
                    kept = await self._refresh(domain, announced) or kept
        return None if kept is None else kept.policy

    def trouble(self, domain: str) -> ResultType | None:
        """Why the policy that a domain announces could not be had the last time; None: it could, or there is none."""
        failed = self._failed.get(domain)
        return None if failed is None else failed.result

    async def keep_fresh(self) -> None:
        """Look after the policies that are known, until cancelled."""
        while True:
            await trio.sleep(self.limits.refresh_s)
            if self.limits.wanted:
                await self.refresh()

    async def refresh(self) -> None:
        """Fetch anew all that are old enough for another look, one after the other."""
        for name in await self.cache.names():
            kept = await self.cache.read(name)
            if kept is None or not self._is_old(kept) or self._is_paused(kept.domain):
                continue
            announced = await self._announced(kept.domain)
            if announced is not None:
                async with self._locks.setdefault(kept.domain, trio.Lock()):
                    await self._refresh(kept.domain, announced)

    async def _announced(self, domain: str) -> str | None:
        try:
            return edition((await self._resolver.txt(f"_mta-sts.{domain}")).records)
        except DnsError:
            return None

    def _is_new(self, domain: str, announced: str, kept: KeptPolicy | None) -> bool:
        """Whether what is announced is not what is known, and may be fetched."""
        return (kept is None or kept.edition != announced) and not self._is_paused(domain)

    def _is_old(self, kept: KeptPolicy) -> bool:
        return self._clock.now() - kept.fetched_at > min(_DAY_S, kept.policy.max_age_s / 2)

    def _is_paused(self, domain: str) -> bool:
        failed = self._failed.get(domain)
        return failed is not None and trio.current_time() < failed.again_at

    async def _refresh(self, domain: str, announced: str) -> KeptPolicy | None:
        url = f"https://mta-sts.{domain}/.well-known/mta-sts.txt"
        try:
            policy = await self._download(url)
        except (FetchFailed, StsUnusable) as problem:
            self._put_off(domain, _result_of(problem))
            _LOG.warning("the MTA-STS policy of %s cannot be used: %s", domain, problem)
            return None
        self._failed.pop(domain, None)
        kept = KeptPolicy(domain=domain, edition=announced, fetched_at=self._clock.now(), policy=policy)
        await self.cache.put(kept)
        return kept

    async def _download(self, url: str) -> StsPolicy:
        response = await self._fetch.get(url, self.limits.fetch)
        if response.status != _OK:
            raise FetchFailed(url, f"it was answered with status {response.status}")
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "text/plain":
            raise StsUnusable(f"{url} is {media_type or 'of no type'} and not text/plain")
        return parse_policy(response.body)

    def _put_off(self, domain: str, result: ResultType) -> None:
        self._failed[domain] = _FailedFetch(trio.current_time() + self.limits.retry_s, result)
        self._failed.move_to_end(domain)
        while len(self._failed) > self.limits.max_failures:
            self._failed.popitem(last=False)


def _result_of(problem: FetchFailed | StsUnusable) -> ResultType:
    """The word for reports (RFC 8460 4.3.2.2)."""
    if isinstance(problem, StsUnusable):
        return ResultType.STS_POLICY_INVALID
    cause = problem.__cause__
    untrusted = isinstance(cause, TlsFailed) and cause.untrusted
    return ResultType.STS_WEBPKI_INVALID if untrusted else ResultType.STS_POLICY_FETCH_ERROR
