"""Sites: several recipient domains as one destination, and which of several settings holds for them.

What a site says goes before what a domain says, and that before what holds for all. Two kinds of key are limits of a
lane and not of a domain: ``max_connections`` and ``connection_rate``. A lane has one of each, the site's own; if that
has none, the strictest of its domains. A ``rate_limit`` counts messages, and both hold: that of the site for all its
domains together, and that of the domain for itself.

The roll-up goes by name alone. What DNS says of the domains is not asked: whose site a domain belongs to must not
change with somebody else's zone file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeVar

from attrs import evolve

from empath.config.schema import Config, DeliverySettings, DomainSettings, SiteSettings
from empath.smtp.address import Domain

T = TypeVar("T")

_NOTHING: Final = DomainSettings()


def rolled_up(config: Config) -> Config:
    """The same configuration, in which each domain has what its site says of it, besides what it says itself."""
    delivery = config.delivery
    if not delivery.sites:
        return config
    domains = dict(delivery.domains)
    for name, site in delivery.sites.items():
        usual = merged(site, _NOTHING)
        for domain in members(name, site):
            own = delivery.domains.get(domain)
            domains[domain] = usual if own is None else merged(site, own)
    return evolve(config, delivery=evolve(delivery, domains=domains))


def site_names(delivery: DeliverySettings) -> Mapping[str, str]:
    """The name of the site, by domain as A-labels; a domain that is not here is in no site."""
    return {domain.ascii: name.ascii for name, site in delivery.sites.items() for domain in members(name, site)}


def members(name: Domain, site: SiteSettings) -> Iterator[Domain]:
    """The domains of a site: those that it names, and the one that is called like it."""
    yield from dict.fromkeys((name, *site.domains))


def merged(site: SiteSettings, own: DomainSettings) -> DomainSettings:
    """What holds for a domain of a site. The limits of the lane are left as the domain has them."""
    policy = site.tls_policy or own.tls_policy
    if site.require_tls and policy is not None and not policy.mandatory:
        policy = site.tls_policy  # the site outranks what the domain says, here by another key
    return DomainSettings(
        max_connections=own.max_connections,
        rate_limit=own.rate_limit,
        connection_rate=own.connection_rate,
        priority=site.priority or own.priority,
        require_tls=site.require_tls or own.require_tls,
        tls_policy=policy,
        accept_invalid_certs=_first(site.accept_invalid_certs, own.accept_invalid_certs),
        mx_override=_first(site.mx_override, own.mx_override),
        ip=_first(site.ip, own.ip),
        source=_first(site.source, own.source),
    )


def _first(one: T | None, other: T | None) -> T | None:
    return other if one is None else one
