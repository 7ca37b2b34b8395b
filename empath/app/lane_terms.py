"""What configuration says about lanes: which domain has which, how fast each may go, and which mail goes first."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

from attrs import define, field

from empath.config.rollup import members, site_names
from empath.config.schema import (
    DeliverySettings,
    DomainSettings,
    HostPort,
    ListenerSettings,
    Priority,
    PrioritySettings,
    Rate,
)
from empath.delivery.finding.routing import next_hop
from empath.delivery.finding.target import Finder, parsed
from empath.delivery.lanes.connection_limits import ConnectionLimits
from empath.delivery.lanes.job import Job
from empath.delivery.lanes.leave import Leave
from empath.delivery.lanes.limits import RateLimits, domain_settings
from empath.delivery.lanes.queue import Queue, class_of
from empath.mail.waiting import WaitReason
from empath.policy.scheduling import Classing, HeaderRule, Weights
from empath.policy.site import site_of
from empath.policy.window import Window
from empath.smtp import Domain


def classing(priorities: PrioritySettings, listener: ListenerSettings) -> Classing:
    """How a listener finds the class of a message."""
    return Classing(
        listener=listener.priority,
        users=priorities.users,
        headers=[
            HeaderRule(
                name=rule.name,
                value=None if rule.holds is None else rule.holds.strip().lower().encode(),
                priority=rule.priority,
            )
            for rule in priorities.headers
            if rule.name is not None
        ],
        cap=priorities.mt_priority_cap,
    )


@define(eq=False)
class LaneTerms:
    """See the module. The settings are those in which domains have what their sites say."""

    _delivery: DeliverySettings
    _finder: Finder
    _names: Mapping[str, str] = field(init=False)
    _connections: dict[str, int] = field(init=False, factory=dict)
    """How many connections a site may have, as far as configuration names it."""
    _rates: dict[str, Rate] = field(init=False, factory=dict)
    """How often it may be connected to."""
    _weights: Weights = field(init=False)
    messages: RateLimits = field(init=False)
    connections: ConnectionLimits | None = field(init=False)
    """None: there are no limits of connections per time."""

    def __attrs_post_init__(self) -> None:
        delivery = self._delivery
        self._names = site_names(delivery)
        # By domain: what several have asked for one lane holds as its strictest. By name it outranks that.
        for domain, own in delivery.domains.items():
            self._note(self._site(domain, own.mx_override), own)
        for name, site in delivery.sites.items():
            for member in members(name, site):
                key = self._site(member, delivery.domains[member].mx_override)
                if site.max_connections is not None:
                    self._connections[key] = site.max_connections
                if site.connection_rate is not None:
                    self._rates[key] = site.connection_rate
        priorities = delivery.priorities
        weights = priorities.weights
        self._weights = Weights(
            critical=weights.critical,
            high=weights.high,
            normal=weights.normal,
            low=weights.low,
            retry_share=priorities.retry_share,
        )
        how_many = delivery.max_lanes
        self.messages = RateLimits(
            settings=delivery,
            site_names=self._names,
            sources_of=lambda domain: self._finder.approach(domain).sources,
            is_local=lru_cache(maxsize=how_many)(self._is_local),
        )
        rates = delivery.rate_limits
        general = (rates.connections.global_per_second, rates.connections.per_site, rates.connections.per_source)
        self.connections = (
            ConnectionLimits(settings=rates.connections, rate_of=self._rates.get, max_keys=rates.max_domains)
            if self._rates or any(general)
            else None
        )

    def inherit(self, other: LaneTerms) -> None:
        """Remember what was sent under other terms, of every limit that has stayed the same."""
        self.messages.inherit(other.messages)
        if self.connections is not None and other.connections is not None:
            self.connections.inherit(other.connections)

    @property
    def refused(self) -> Counter[WaitReason]:
        """How often messages and connections met a limit of rate, since the start."""
        return self.messages.refused + (Counter() if self.connections is None else self.connections.refused)

    def _note(self, site: str, own: DomainSettings) -> None:
        if own.max_connections is not None:
            self._connections[site] = min(own.max_connections, self._connections.get(site, own.max_connections))
        if own.connection_rate is not None:
            known = self._rates.get(site, own.connection_rate)
            self._rates[site] = min(own.connection_rate, known, key=lambda rate: rate.per_second)

    def _site(self, domain: Domain, override: HostPort | None) -> str:
        hop = None if override is None else next_hop(self._delivery, override)
        return site_of(domain, hop, self._names.get(domain.ascii))

    def site_of(self, domain: str) -> str:
        """The site of a recipient domain. May be called in any thread."""
        return site_of(parsed(domain), self._finder.next_hop(domain), self._names.get(domain))

    def connection_limit(self, site: str) -> int:
        """How many connections a site may get; a domain's own limit holds behind its ``mx_override`` as well."""
        return self._connections.get(site, self._delivery.max_connections_per_host)

    def leave(self, site: str, window: Window) -> Leave:
        """What a lane has to ask before it goes on."""
        priorities = self._delivery.priorities
        limits = None if self.messages.is_unlimited else self.messages
        return Leave(
            site=site,
            queue=Queue(limits, self.classify if self._has_classes else class_of, self._weights),
            window=window,
            host_limit=self.connection_limit(site),
            reserved=priorities.reserved_per_site,
            connections=self.connections,
        )

    @property
    def _has_classes(self) -> bool:
        return any(own.priority is not None for own in self._delivery.domains.values())

    def classify(self, job: Job) -> Priority:
        """The class of a job: what reception has found, else what its destination says."""
        if job.envelope.priority is not None:
            return job.envelope.priority
        own = domain_settings(self._delivery, job.domain)
        return (own.priority if own else None) or Priority.NORMAL

    def _is_local(self, domain: str) -> bool:
        """Whether mail for a domain goes to a next hop on this machine."""
        hop = self._finder.next_hop(domain)
        if hop is None:
            return False
        try:
            return ipaddress.ip_address(hop.host).is_loopback
        except ValueError:
            return hop.host == "localhost"
