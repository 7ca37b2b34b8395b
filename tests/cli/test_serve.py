from attrs import evolve

from empath.cli.serve import dns_settings
from empath.config.schema import Config, DeliverySettings, DnssecSettings, DnsSettings
from empath.world import TcpEndpoint
from empath.world.resolver import DnsSettings as Resolving


def test_the_resolver_asks_as_configuration_says() -> None:
    servers = (TcpEndpoint("192.0.2.53", 53),)
    dns = DnsSettings(
        servers=servers,
        timeout_s=1.0,
        cache_ttl_s=2.0,
        cache_entries=3,
        max_queries=4,
        trust_ad=True,
        dnssec=DnssecSettings(enabled=False),
    )
    expected = Resolving(
        servers=servers, timeout_s=1.0, max_ttl_s=2.0, max_entries=3, max_queries=4, trust_ad=True, dnssec=False
    )
    assert dns_settings(evolve(Config(), delivery=DeliverySettings(dns=dns))) == expected
