"""The figures of the ways that mail leaves by: DNS, connections, TLS, stages."""

import pytest
from attrs import evolve

from empath.mail import Fact
from empath.mail.way_facts import HostDialled, HostLeft, NameLookedUp
from tests.ops.facts import attempted
from tests.ops.test_metrics import counting, scraped

DIALLED = HostDialled(
    at=0,
    site="example.org",
    result="ok",
    stages=(("dns", 0.02), ("connect", 0.04), ("tls", 0.09)),
    tls_version="TLSv1.3",
    tls_verified=True,
)
IN_CLEAR = evolve(DIALLED, tls_version=None, tls_verified=False)
REFUSED = evolve(DIALLED, result="tls_untrusted", stages=(("dns", 0.02),), tls_version=None, tls_verified=False)
LOOKED_UP = NameLookedUp(at=0, kind="MX", result="ok", security="secure", took_s=0.03)
FAILED = NameLookedUp(at=0, kind="TLSA", result="temporary", security=None, took_s=10)


@pytest.mark.parametrize(
    ("fact", "series", "value"),
    [
        (DIALLED, ("empath_delivery_connections_total", "ok"), 1),
        (DIALLED, ("empath_delivery_tls_total", "true", "TLSv1.3"), 1),
        (DIALLED, ("empath_delivery_stage_duration_seconds_sum", "tls"), 0.09),
        (DIALLED, ("empath_delivery_stage_duration_seconds_count", "data"), 0),
        (IN_CLEAR, ("empath_delivery_tls_total", "false", "none"), 1),
        (REFUSED, ("empath_delivery_connections_total", "tls_untrusted"), 1),
        (REFUSED, ("empath_delivery_connections_total", "ok"), 0),
        (REFUSED, ("empath_delivery_tls_total", "false", "none"), 0),
        (REFUSED, ("empath_delivery_stage_duration_seconds_count", "dns"), 1),
        (HostLeft(at=0, site="example.org", messages=7), ("empath_delivery_messages_per_connection_sum",), 7),
        (attempted(), ("empath_delivery_stage_duration_seconds_count", "data"), 0),
        (LOOKED_UP, ("empath_dns_lookups_total", "ok", "MX"), 1),
        (LOOKED_UP, ("empath_dns_lookup_duration_seconds_sum",), 0.03),
        (LOOKED_UP, ("empath_dns_dnssec_total", "secure"), 1),
        (FAILED, ("empath_dns_lookups_total", "temporary", "TLSA"), 1),
        (FAILED, ("empath_dns_lookups_total", "nxdomain", "MX"), 0),
        (FAILED, ("empath_dns_dnssec_total", "insecure"), 0),
        (FAILED, ("empath_dns_cache_hits_total",), 7),
        (FAILED, ("empath_dns_cache_misses_total",), 3),
    ],
)
async def test_a_fact_moves_the_figures_that_it_is_about(fact: Fact, series: tuple[str, ...], value: float) -> None:
    metrics = counting()
    metrics.observe(fact)
    assert (await scraped(metrics))[series] == pytest.approx(value)


async def test_the_stages_of_a_transaction_are_counted() -> None:
    metrics = counting()
    fact = attempted()
    metrics.observe(evolve(fact, stages=(("mail", 0.1), ("rcpt", 0.2), ("data", 0.3))))
    made = await scraped(metrics)
    assert made["empath_delivery_stage_duration_seconds_sum", "rcpt"] == pytest.approx(0.2)
