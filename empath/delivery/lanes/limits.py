"""Messages per time: of all together, and of each recipient domain that has a limit.

A domain's bucket is kept only while it remembers something: a full one is as good as a new one. So the table is no
larger than the number of domains that were sent to lately, and has a bound besides: the domain used longest ago is
forgotten, and may get one message too many.
"""

from __future__ import annotations

import trio
from attrs import define, field

from empath.config.schema import DeliverySettings, DomainSettings
from empath.policy.bucket import TokenBucket, take_all
from empath.smtp import AddressError, Domain


@define(eq=False)
class RateLimits:
    """All limits of the configuration, as buckets."""

    _settings: DeliverySettings
    _all: TokenBucket | None = field(init=False)
    _by_domain: dict[str, tuple[TokenBucket, ...]] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        """Make the bucket of all."""
        rate = self._settings.rate_limits.global_per_second
        self._all = TokenBucket(rate.per_second) if rate else None

    async def wait(self, domain: str) -> None:
        """Wait until every limit has room for one message more to ``domain``, and take it."""
        buckets = self._buckets(domain)
        moment = take_all(buckets, trio.current_time())
        while moment is not None:
            await trio.sleep_until(moment)  # somebody else may have been there first
            moment = take_all(buckets, trio.current_time())

    def _buckets(self, domain: str) -> tuple[TokenBucket, ...]:
        own = self._by_domain.pop(domain, None)
        if own is None:
            own = self._new(domain)
        if own:
            self._by_domain[domain] = own
            if len(self._by_domain) > self._settings.rate_limits.max_domains:
                del self._by_domain[next(iter(self._by_domain))]
        return own if self._all is None else (self._all, *own)

    def _new(self, domain: str) -> tuple[TokenBucket, ...]:
        limits = self._settings.rate_limits
        settings = domain_settings(self._settings, domain)
        own = settings.rate_limit if settings and settings.rate_limit else limits.default
        rates = [rate for rate in (own, limits.per_domain_per_second) if rate is not None]
        return tuple([TokenBucket(rate.per_second) for rate in rates])


def domain_settings(settings: DeliverySettings, domain: str) -> DomainSettings | None:
    """What configuration says of a recipient domain."""
    try:
        return settings.domains.get(Domain.parse(domain))
    except AddressError:
        return None  # an address literal
