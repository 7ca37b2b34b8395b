"""Messages and connections per time: which limits a job is subject to, and what they have left for it.

All limits of a message hold together: it takes a token of each of them or of none. What a limit counts is said where it
is declared (`empath.config.schema.RateLimitSettings`). Two kinds of mail are spared by the limits for all, unless
configuration has them count: reports that we make ourselves, and mail for next hops on this machine. What is said of a
domain or site by name holds for them as well, since it says what that destination bears.

A bucket is kept only while it remembers something: a full one is as good as a new one. The tables have a bound besides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Final, NamedTuple

from attrs import define, field

from empath.config.schema import DeliverySettings, DomainSettings, Rate
from empath.delivery.lanes.job import Job
from empath.mail.waiting import WaitReason
from empath.policy.bucket import TokenBucket
from empath.policy.quota import Quota
from empath.smtp import AddressError, Domain


class Refusal(NamedTuple):
    """Why a message may not leave yet."""

    reason: WaitReason
    until: float
    """On Trio's clock."""
    key: Hashable | None
    """What else may go meanwhile: all that does not have this key. None: nothing of this lane."""


_SHARED: Final = frozenset({WaitReason.RATE_GLOBAL, WaitReason.RATE_SOURCE, WaitReason.RATE_SENDER})
"""Limits that many lanes may wait for."""
_Gate = tuple[TokenBucket, WaitReason, Hashable | None]
"""A bucket, what waiting for it is called, and the key of what waits."""


@define(eq=False, kw_only=True)
class RateLimits:
    """The limits of messages."""

    settings: DeliverySettings
    site_names: Mapping[str, str] = field(factory=dict)
    """The name of the site that configuration has put a domain into."""
    sources_of: Callable[[str], tuple[str, ...]] = lambda _: ()
    """From which of our addresses mail for a domain may leave; none: whichever the system takes."""
    is_local: Callable[[str], bool] = lambda _: False
    """Whether mail for a domain goes to this machine."""
    refused: Counter[WaitReason] = field(init=False, factory=Counter)
    """How often a message met a limit, by what waiting for it is called; under earlier settings, too."""
    _all: TokenBucket | None = field(init=False)
    _domains: Quota | None = field(init=False)
    _default: Quota | None = field(init=False)
    _sites: Quota | None = field(init=False)
    _sources: Quota | None = field(init=False)
    _senders: Quota | None = field(init=False)
    _domain_rates: Mapping[str, Rate] = field(init=False)
    _site_rates: Mapping[str, Rate] = field(init=False)
    _named: dict[tuple[str, str], TokenBucket] = field(init=False, factory=dict)
    """Of the domains and sites that configuration names."""

    def __attrs_post_init__(self) -> None:
        limits = self.settings.rate_limits
        self._all = bucket_of(limits.global_per_second) if limits.global_per_second else None
        self._domains = self._quota(limits.per_domain_per_second)
        self._default = self._quota(limits.default)
        self._sites = self._quota(limits.per_site)
        self._sources = self._quota(limits.per_source)
        self._senders = self._quota(limits.per_sender)
        self._domain_rates = _rates(self.settings.domains)
        self._site_rates = _rates(self.settings.sites)

    def inherit(self, other: RateLimits) -> None:
        """Remember what was taken under other settings, of every limit that has stayed the same."""
        self.refused = other.refused
        before, now = other.settings.rate_limits, self.settings.rate_limits
        if before.global_per_second == now.global_per_second:
            self._all = other._all
        if before.max_domains == now.max_domains:
            if before.per_domain_per_second == now.per_domain_per_second:
                self._domains = other._domains
            if before.default == now.default:
                self._default = other._default
            if before.per_site == now.per_site:
                self._sites = other._sites
            if before.per_source == now.per_source:
                self._sources = other._sources
            if before.per_sender == now.per_sender:
                self._senders = other._senders
        for kind, rates, earlier in (
            ("domain", self._domain_rates, other._domain_rates),
            ("site", self._site_rates, other._site_rates),
        ):
            same = [(kind, name) for name, rate in rates.items() if earlier.get(name) == rate]
            self._named |= {key: other._named[key] for key in same if key in other._named}

    def _quota(self, rate: Rate | None) -> Quota | None:
        return quota_of(rate, self.settings.rate_limits.max_domains)

    @property
    def is_unlimited(self) -> bool:
        """Whether there is no limit at all."""
        general = (self._all, self._domains, self._default, self._sites, self._sources, self._senders)
        return all(one is None for one in general) and not (self._domain_rates or self._site_rates)

    def is_limited(self, domain: str) -> bool:
        """Whether messages to this domain are counted apart from others."""
        general = (self._domains, self._default)
        has_own = domain in self._domain_rates or self.site_names.get(domain) in self._site_rates
        return has_own or any(one is not None for one in general)

    def take(self, job: Job, now: float, *, overlaid: bool = False, own: TokenBucket | None = None) -> Refusal | None:
        """Count a message; or say why it may not leave yet, and count nothing. The last limit to be ready is named.

        ``overlaid``: an operator has set another rate in place of those of the site and its domains; ``own``: in place
        of that of the domain.
        """
        gates = self._gates(job, own, overlaid=overlaid)
        latest, until = None, now
        for gate in gates:
            if (ready_at := gate[0].ready_at) > until:
                latest, until = gate, ready_at
        if latest is not None:
            bucket, reason, key = latest
            self.refused[reason] += 1
            return Refusal(reason, bucket.turn(now) if reason in _SHARED else until, key)
        for bucket, _, _ in gates:
            bucket.take(now)
        return None

    def give_back(self, job: Job, taken_at: float, *, overlaid: bool = False, own: TokenBucket | None = None) -> None:
        """What was counted at that moment did not leave. It counts all the same where others have gone since."""
        for bucket, _, _ in self._gates(job, own, overlaid=overlaid):
            bucket.undo(taken_at)

    def keys(self, job: Job) -> Iterator[Hashable]:
        """What a refusal of this job may have as its key."""
        user = _user(job)
        if user is not None and self._senders is not None:
            yield "sender", user
        if job.domain != job.site:
            yield "domain", job.domain

    def _gates(self, job: Job, own: TokenBucket | None, *, overlaid: bool) -> list[_Gate]:
        """All limits of a job. A list, since this is asked for each message and generators take longer."""
        domain, is_spared = job.domain, self._is_spared(job)
        gates = [] if overlaid else self._of_destination(job, has_own=own is not None, is_spared=is_spared)
        if own is not None:
            gates.append((own, WaitReason.RATE_DOMAIN, ("domain", domain)))
        if is_spared:
            return gates
        if self._all is not None:
            gates.append((self._all, WaitReason.RATE_GLOBAL, None))
        if self._sources is not None:
            for source in self.sources_of(domain) or ("",):
                gates.append((self._sources.bucket(source), WaitReason.RATE_SOURCE, None))
        if self._senders is not None and (user := _user(job)) is not None:
            gates.append((self._senders.bucket(user), WaitReason.RATE_SENDER, ("sender", user)))
        return gates

    def _of_destination(self, job: Job, *, has_own: bool, is_spared: bool) -> list[_Gate]:
        """What the site bears, and the domain unless an operator ``has`` set its ``own`` rate."""
        domain, site, gates = job.domain, job.site, list[_Gate]()
        key = None if domain == site else ("domain", domain)
        rate, own = None, self._domain_rates.get(domain)
        if self._site_rates and (name := self.site_names.get(domain)) is not None:
            rate = self._site_rates.get(name)
            if rate is not None:
                bucket = self._bucket("site", name, rate)
                gates.append((bucket, WaitReason.RATE_DOMAIN, None if name == site else key))
        if own is not None and not has_own:
            gates.append((self._bucket("domain", domain, own), WaitReason.RATE_DOMAIN, key))
        if is_spared:
            return gates
        if self._domains is not None and not has_own:
            gates.append((self._domains.bucket(domain), WaitReason.RATE_DOMAIN, key))
        if rate is None:
            if self._default is not None and own is None and not has_own:
                gates.append((self._default.bucket(domain), WaitReason.RATE_DOMAIN, key))
            if self._sites is not None:
                gates.append((self._sites.bucket(site), WaitReason.RATE_DOMAIN, None))
        return gates

    def _is_spared(self, job: Job) -> bool:
        limits, envelope = self.settings.rate_limits, job.envelope
        is_report = envelope.reverse_path is None and envelope.origin is None
        if is_report and not limits.count_reports:
            return True
        return not limits.count_local and self.is_local(job.domain)

    def _bucket(self, kind: str, name: str, rate: Rate) -> TokenBucket:
        found = self._named.get((kind, name))
        if found is None:
            found = self._named[kind, name] = bucket_of(rate)
        return found


def _rates(named: Mapping[Domain, DomainSettings]) -> Mapping[str, Rate]:
    return {name.ascii: own.rate_limit for name, own in named.items() if own.rate_limit is not None}


def _user(job: Job) -> str | None:
    origin = job.envelope.origin
    return None if origin is None else origin.user


def bucket_of(rate: Rate) -> TokenBucket:
    """Evenly spaced, unless the rate allows a burst."""
    return TokenBucket(rate.per_second, rate.burst or 1)


def quota_of(rate: Rate | None, max_keys: int) -> Quota | None:
    """The same for each of many."""
    return None if rate is None else Quota(rate.per_second, rate.burst or 1, max_keys)


def domain_settings(settings: DeliverySettings, domain: str) -> DomainSettings | None:
    """What configuration says of a recipient domain."""
    if not settings.domains:
        return None
    try:
        return settings.domains.get(Domain.parse(domain))
    except AddressError:
        return None  # an address literal
