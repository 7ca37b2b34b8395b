"""Connections per time: of all lanes together, of each site, and from each address of ours.

Every try counts, whatever it comes to: a host that counts connections counts those that it turns away, too. These are
other limits than those of messages, since one connection carries many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import trio
from attrs import define, field

from empath.config.schema import ConnectionRateSettings, Rate
from empath.delivery.lanes.limits import bucket_of, quota_of
from empath.policy.bucket import TokenBucket, take_all
from empath.policy.quota import Quota


@define(eq=False, kw_only=True)
class ConnectionLimits:
    """See the module."""

    settings: ConnectionRateSettings
    rate_of: Callable[[str], Rate | None]
    """The rate that configuration has for a site by name; None: it has none."""
    max_keys: int
    _all: TokenBucket | None = field(init=False)
    _sites: Quota | None = field(init=False)
    _sources: Quota | None = field(init=False)
    _named: dict[str, TokenBucket] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        rates = self.settings
        self._all = bucket_of(rates.global_per_second) if rates.global_per_second else None
        self._sites = quota_of(rates.per_site, self.max_keys)
        self._sources = quota_of(rates.per_source, self.max_keys)

    def ready_at(self, site: str) -> float:
        """From when on a lane may try to connect, as far as is known before the address is; a past moment: now."""
        return max((bucket.ready_at for bucket in self._buckets(site)), default=0.0)

    async def wait(self, site: str, source: str | None) -> None:
        """Wait until a connection may be begun, and count it."""
        moment = take_all(self._with_source(site, source), trio.current_time())
        while moment is not None:
            await trio.sleep_until(moment)  # somebody else may have been there first
            moment = take_all(self._with_source(site, source), trio.current_time())

    def _with_source(self, site: str, source: str | None) -> Iterator[TokenBucket]:
        yield from self._buckets(site)
        if self._sources is not None:
            yield self._sources.bucket(source or "")

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
