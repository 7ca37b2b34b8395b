"""What configuration says about the way of mail, in the terms of `empath.policy`."""

from __future__ import annotations

from empath.config.schema import Config, DeliverySettings, HostPort, SmartHostTls
from empath.delivery.lanes.limits import domain_settings
from empath.policy.approach import Approach
from empath.policy.route import NextHop, OwnHost, Routes
from empath.smtp import Domain

_SUBMISSIONS_PORT = 465
"""RFC 8314 7.3."""


def next_hop(settings: DeliverySettings, host: HostPort) -> NextHop:
    """A host that a key names."""
    name = host.host.ascii if isinstance(host.host, Domain) else str(host.host)
    return NextHop(name, host.port or settings.smtp_port)


def routes(settings: DeliverySettings) -> Routes:
    """The smart host and the overrides."""
    return Routes(
        smart_host=next_hop(settings, settings.smart_host) if settings.smart_host else None,
        overrides={
            domain.ascii: next_hop(settings, own.mx_override)
            for domain, own in settings.domains.items()
            if own.mx_override is not None
        },
    )


def smart_host_begins_with_tls(settings: DeliverySettings) -> bool:
    """Whether a connection to the smart host is inside TLS from its first octet (RFC 8314 3.3)."""
    tls, host = settings.smart_host_auth.tls, settings.smart_host
    if tls is SmartHostTls.AUTO and host is not None:
        return next_hop(settings, host).port == _SUBMISSIONS_PORT
    return tls is SmartHostTls.IMPLICIT


def approach(settings: DeliverySettings, domain: str) -> Approach:
    """How the hosts of a recipient domain are connected to: its own keys before those for all."""
    own = domain_settings(settings, domain)
    ip = own.ip if own else None
    source = own.source if own else None
    return Approach(
        port=settings.smtp_port,
        ip=settings.ip if ip is None else ip,
        sources=(settings.source if source is None else source) or (),
        allow_private=settings.allow_private_hosts,
        max_addresses=settings.max_addresses_per_attempt,
    )


def own_host(config: Config) -> OwnHost:
    """What MX records may call this host.

    Of the listeners only those count that are reached at the port that MX records lead to.
    """
    port = config.delivery.smtp_port
    listeners = [listener.listen_addr.host for listener in config.smtp.listeners if listener.listen_addr.port == port]
    names = frozenset([config.hostname.ascii, *config.delivery.own_hosts, *listeners])
    return OwnHost(names=names, addresses=names)
