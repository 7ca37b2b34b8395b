"""Every series that there is: its name, its type, its labels, and what these may say."""

from collections.abc import Iterable

import pytest
import trio
from attrs import frozen
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from empath.mail import Fact
from empath.mail.delivery import Status
from empath.mail.diagnosis import Kind
from empath.mail.waiting import WaitReason
from empath.ops.busiest import OTHER
from empath.ops.exposition import Exposition
from empath.ops.metrics import MADE_HERE
from empath.smtp import Address
from tests.ops.facts import (
    BUSY,
    LISTENER,
    UNKNOWN,
    accepted,
    attempted,
    breaker,
    closed,
    ended,
    opened,
    refused,
)
from tests.ops.test_metrics import ASKED, counting, dialled, exposition, turned_away

Scrape = dict[str, tuple[str, list[Sample]]]
BOUNDED = None
"""For a label whose values are those of a bounded set: domains with a place, codes of three digits."""


@frozen
class Row:
    """One family."""

    kind: str
    label: str = ""
    values: Iterable[str] | None = BOUNDED


SERIES = {
    "empath_delivery_attempts_total": Row("counter", "status", ["success", "temporary", "permanent", "error"]),
    "empath_delivery_duration_seconds": Row("histogram", "domain"),
    "empath_delivery_queue_size": Row(
        "gauge", "status", ["pending", "in_progress", "retry", "uncertain", "held", "failed", "expired"]
    ),
    "empath_delivery_active_connections": Row("gauge", "server"),
    "empath_smtp_errors_total": Row("counter", "code"),
    "empath_dns_lookup_duration_seconds": Row("histogram"),
    "empath_queue_waiting": Row("gauge", "reason", [reason.value for reason in WaitReason]),
    "empath_queue_oldest_seconds": Row("gauge"),
    "empath_queue_due_lag_seconds": Row("histogram"),
    "empath_messages_finished_total": Row("counter", "outcome", ["completed", "failed", "expired"]),
    "empath_message_lifetime_seconds": Row("histogram", "outcome", ["completed", "failed", "expired"]),
    "empath_smtp_connections_total": Row("counter", "listener", [LISTENER]),
    "empath_smtp_connections_active": Row("gauge", "listener", [LISTENER]),
    "empath_smtp_messages_received_total": Row("counter", "listener", [LISTENER, MADE_HERE]),
    "empath_smtp_rejections_total": Row("counter", "reason"),
    "empath_smtp_message_size_bytes": Row("histogram"),
    "empath_smtp_commit_duration_seconds": Row("histogram"),
    "empath_delivery_stage_duration_seconds": Row(
        "histogram", "stage", ["dns", "connect", "tls", "mail", "rcpt", "data"]
    ),
    "empath_delivery_connections_total": Row("counter", "result", ["ok", *(kind.value for kind in Kind)]),
    "empath_delivery_messages_per_connection": Row("histogram"),
    "empath_delivery_tls_total": Row("counter", "verified", ["true", "false"]),
    "empath_breakers": Row("gauge", "state", ["open", "half_open"]),
    "empath_breaker_transitions_total": Row("counter", "to", ["closed", "open", "half_open"]),
    "empath_rate_limited_total": Row("counter", "scope", ["domain", "global", "source", "sender"]),
    "empath_suspensions": Row("gauge"),
    "empath_overlays": Row("gauge"),
    "empath_spool_bytes": Row("gauge"),
    "empath_spool_free_bytes": Row("gauge"),
    "empath_spool_operation_duration_seconds": Row("histogram", "op", ["durable", "volatile", "probe"]),
    "empath_spool_deletion_failures_total": Row("counter"),
    "empath_spool_quarantined": Row("gauge"),
    "empath_spool_deleted": Row("gauge"),
    "empath_spool_undeleted_files": Row("gauge"),
    "empath_recovered_messages": Row("gauge"),
    "empath_dns_lookups_total": Row("counter", "result", ["ok", "nodata", "nxdomain", "temporary"]),
    "empath_dns_cache_hits_total": Row("counter"),
    "empath_dns_cache_misses_total": Row("counter"),
    "empath_dns_dnssec_total": Row("counter", "result", ["secure", "insecure", "indeterminate"]),
    "empath_loop_lag_seconds": Row("histogram"),
    "empath_live_viewers": Row("gauge"),
    "empath_live_dropped_total": Row("counter"),
    "empath_audit_dropped_total": Row("counter"),
    "empath_config_reload_success": Row("gauge"),
    "empath_config_reload_timestamp_seconds": Row("gauge"),
    "empath_tls_certificate_expiry_timestamp_seconds": Row("gauge", "name"),
    "empath_ready": Row("gauge"),
    "empath_build_info": Row("gauge", "version"),
    "empath_metrics_tracked_domains": Row("gauge"),
    "empath_metrics_overflow_total": Row("counter"),
}
SECOND_LABELS = {
    "empath_delivery_tls_total": "version",
    "empath_dns_lookups_total": "type",
    "empath_build_info": "python",
}
HAPPENED: list[Fact] = [
    accepted(),
    refused(),
    turned_away(),
    opened(),
    closed(),
    attempted(),
    attempted(BUSY),
    attempted(UNKNOWN),
    ended(),
    ended(Status.COMPLETED),
    breaker("open"),
    dialled("example.org"),
]


@pytest.fixture
async def scrape() -> Scrape:
    """A scrape after a bit of everything: type and samples, by name."""
    metrics = counting()
    for fact in HAPPENED:
        metrics.observe(fact)
    text = (await exposition(metrics)(ASKED)).body.decode()
    families = text_string_to_metric_families(text)
    return {
        f"{one.name}_total" if one.type == "counter" else one.name: (one.type, one.samples)
        for one in families
        if one.name.startswith("empath_")
    }


async def test_there_are_these_series_and_no_others(scrape: Scrape) -> None:
    await trio.lowlevel.checkpoint()
    assert {name: kind for name, (kind, _) in scrape.items()} == {name: row.kind for name, row in SERIES.items()}


@pytest.mark.parametrize("name", SERIES)
async def test_its_labels_are_these_and_say_nothing_else(name: str, scrape: Scrape) -> None:
    await trio.lowlevel.checkpoint()
    row, (_, samples) = SERIES[name], scrape[name]
    expected = {row.label, SECOND_LABELS.get(name, "")} - {""}
    assert {label for sample in samples for label in sample.labels} - {"le"} == expected
    if row.values is not BOUNDED:
        assert {sample.labels[row.label] for sample in samples} <= set(row.values)


async def test_a_million_domains_make_no_more_than_five_thousand_series() -> None:
    """Of attempts, as of connections."""
    metrics = counting()
    fact = attempted()
    for number in range(1_000_000):
        name = f"d{number}.example"
        label, gone = metrics.domains.label(name, fact.at + number / 50)
        metrics.servers.label(name, fact.at + number / 50)
        assert label in {name, OTHER}
        for former in gone:
            metrics.durations.pop(former, None)
        if number % 1000 == 0:  # the whole way for some of them
            to = Address.parse(f"ann@{name}")
            for outcome in (fact.outcome, BUSY, UNKNOWN):
                metrics.observe(attempted(outcome, to=to, at=fact.at + number / 50))
            metrics.observe(dialled(name))
    text = (await served(exposition(metrics))).decode()
    series = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(series) <= 5000


async def served(answering: Exposition) -> bytes:
    return (await answering(ASKED)).body
