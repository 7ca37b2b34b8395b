"""Connections per time: of all lanes together, of each site, and from each address of ours.

Every try counts, whatever it comes to: a host that counts connections counts those that it turns away, too. These are
other limits than those of messages, since one connection carries many.

A lane begins one connection at a time where they are limited, and not before the limits that are known by then have
room. What shows later, at a host with the source address for it or at a second host, is waited for in the lane as well
(`search`). Those who wait for one source address get moments one after the other, so that each of them comes once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from math import inf

from attrs import define, field

from empath.config.schema import ConnectionRateSettings, Rate
from empath.delivery.lanes.limits import bucket_of, quota_of
from empath.mail.waiting import WaitReason
from empath.policy.bucket import TokenBucket
from empath.policy.quota import Quota


@define(eq=False, kw_only=True)
class ConnectionLimits:
    """See the module."""

    settings: ConnectionRateSettings
    rate_of: Callable[[str], Rate | None]
    """The rate that configuration has for a site by name; None: it has none."""
    max_keys: int
    refused: Counter[WaitReason] = field(init=False, factory=Counter)
    """How often a connection had to wait, by what waiting for it is called; under earlier settings, too."""
    _all: TokenBucket | None = field(init=False)
    _sites: Quota | None = field(init=False)
    _sources: Quota | None = field(init=False)
    _named: dict[str, TokenBucket] = field(init=False, factory=dict)
    _turns: dict[str, float] = field(init=False, factory=dict)
    """The latest moment that was named for each source address."""

    def __attrs_post_init__(self) -> None:
        rates = self.settings
        self._all = bucket_of(rates.global_per_second) if rates.global_per_second else None
        self._sites = quota_of(rates.per_site, self.max_keys)
        self._sources = quota_of(rates.per_source, self.max_keys)

    def inherit(self, other: ConnectionLimits) -> None:
        """Remember what was taken under other settings, of every limit that has stayed the same."""
        self.refused = other.refused
        before, now = other.settings, self.settings
        if before.global_per_second == now.global_per_second:
            self._all = other._all
        if other.max_keys == self.max_keys:
            if before.per_site == now.per_site:
                self._sites = other._sites
            if before.per_source == now.per_source:
                self._sources = other._sources
        self._named = {
            site: bucket for site, bucket in other._named.items() if self.rate_of(site) == other.rate_of(site)
        }

    def ready_at(self, site: str) -> float:
        """From when on a lane may try to connect, as far as is known before the address is; a past moment: now."""
        return max((bucket.ready_at for bucket in self._buckets(site)), default=0.0)

    def refusal(self, site: str, source: str | None = None) -> tuple[WaitReason, float]:
        """Which limit is ready last, and when."""
        buckets = [*self._buckets(site)] if source is None else [*self._with_source(site, source)]
        last = max(buckets, key=lambda bucket: bucket.ready_at, default=None)
        if last is None or last is self._all:
            reason = WaitReason.RATE_GLOBAL
        else:
            is_of_source = source is not None and self._sources is not None and last is self._sources.bucket(source)
            reason = WaitReason.RATE_SOURCE if is_of_source else WaitReason.RATE_DOMAIN
        return reason, 0.0 if last is None else last.ready_at

    def note_refusal(self, site: str) -> None:
        """Count that a connection has to wait now."""
        self.refused[self.refusal(site)[0]] += 1

    def objection(self, site: str, source: str, now: float) -> tuple[WaitReason, float] | None:
        """What keeps a connection from being begun, and when to come again; None: nothing does."""
        reason, until = self.refusal(site, source)
        if until <= now:
            return None
        self.refused[reason] += 1
        if reason is WaitReason.RATE_SOURCE and self._sources is not None:
            until = max(until, self._turns.get(source, -inf) + 1 / self._sources.rate_per_s)
            self._turns[source] = until
        return reason, until

    def take(self, site: str, source: str, now: float) -> None:
        """Count a connection that nothing keeps from being begun."""
        for bucket in self._with_source(site, source):
            bucket.take(now)

    def _with_source(self, site: str, source: str) -> Iterator[TokenBucket]:
        yield from self._buckets(site)
        if self._sources is not None:
            yield self._sources.bucket(source)

    def _buckets(self, site: str) -> Iterator[TokenBucket]:
        if self._all is not None:
            yield self._all
        rate = self.rate_of(site)
        if rate is not None:
            own = self._named.get(site)
            if own is None:
                own = self._named[site] = bucket_of(rate)
            yield own
        elif self._sites is not None:
            yield self._sites.bucket(site)
