import platform
from collections.abc import Awaitable, Callable

import pytest
import trio
from attrs import evolve
from prometheus_client.parser import text_string_to_metric_families
from trio.testing import MockClock

from empath.mail import ClientTurnedAway, Fact
from empath.mail.delivery import Status
from empath.mail.waiting import WaitReason
from empath.mail.way_facts import AttemptFaulted, HostDialled
from empath.ops.busiest import OTHER, BusiestDomains
from empath.ops.exposition import Exposition
from empath.ops.histogram import COMMIT_S, Histogram
from empath.ops.http import Request
from empath.ops.metrics import MAX_REASONS, Metrics
from empath.ops.series import Gauges, Standing
from empath.sim.offload import InlineOffload
from empath.smtp import Address, Reply
from empath.spool.contract import Operation, Statistics
from empath.world import TcpEndpoint
from tests.ops.facts import BUSY, LISTENER, UNKNOWN, accepted, attempted, breaker, closed, ended, opened, refused

ASKED = Request(method="GET", path="/metrics", host="localhost", peer=TcpEndpoint("127.0.0.1", 40000))
GAUGES = Gauges(
    queue=Statistics(
        messages=3,
        waiting=9,
        claimed=1,
        retry=3,
        uncertain=2,
        held=5,
        quarantined=1,
        failed=7,
        expired=8,
        deletion_failures=4,
    ),
    standing=Standing(
        waits={reason: number for number, reason in enumerate(WaitReason)},
        oldest_s=77.0,
        size_bytes=88,
        connections={"example.org": 3, "192.0.2.7:25": 2, "relay.example:587": 1},
        rate_limited={WaitReason.RATE_SENDER: 6},
        suspensions=4,
        overlays=5,
        recovered=6,
    ),
    free_bytes=10,
    ready=True,
    live_viewers=0,
    live_dropped=0,
    audit_dropped=2,
    dns_hits=7,
    dns_misses=3,
    certificates_end={"mx.example.org": 1.5e9},
)
Series = dict[tuple[str, ...], float]


def turned_away() -> Fact:
    reply = Reply(421, "too many sessions", "4.7.0")
    return ClientTurnedAway(at=0, listener=LISTENER, client_ip="192.0.2.1", reply=reply)


def dialled(site: str) -> Fact:
    return HostDialled(at=0, site=site, result="ok", stages=(), tls_version=None, tls_verified=False)


def counting(places: int = 100) -> Metrics:
    return Metrics(listeners=(LISTENER,), domains=BusiestDomains(places))


def exposition(metrics: Metrics, look: Callable[[], Awaitable[Gauges]] | None = None) -> Exposition:
    async def usual() -> Gauges:
        await trio.lowlevel.checkpoint()
        return GAUGES

    lag = Histogram(COMMIT_S)
    return Exposition(metrics=metrics, loop_lag=lag, version="1.0", offload=InlineOffload(), look=look or usual)


async def scraped(metrics: Metrics) -> Series:
    """What a scrape says: value by name and label values."""
    text = (await exposition(metrics)(ASKED)).body.decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


@pytest.mark.parametrize(
    ("fact", "series", "value"),
    [
        (attempted(), ("empath_delivery_attempts_total", "success"), 1),
        (attempted(BUSY), ("empath_delivery_attempts_total", "temporary"), 1),
        (attempted(UNKNOWN), ("empath_delivery_attempts_total", "permanent"), 1),
        (attempted(BUSY), ("empath_smtp_errors_total", "451"), 1),
        (attempted(), ("empath_delivery_duration_seconds_count", "example.org"), 1),
        (attempted(attempt=1), ("empath_queue_due_lag_seconds_count",), 1),
        (attempted(attempt=2), ("empath_queue_due_lag_seconds_count",), 0),
        (attempted(), ("empath_delivery_duration_seconds_sum", "example.org"), 0.611),
        (attempted(), ("empath_delivery_duration_seconds_bucket", "example.org", "0.5"), 0),
        (attempted(), ("empath_delivery_duration_seconds_bucket", "example.org", "1.0"), 1),
        (ended(Status.COMPLETED), ("empath_messages_finished_total", "completed"), 1),
        (ended(Status.EXPIRED), ("empath_messages_finished_total", "expired"), 1),
        (ended(), ("empath_message_lifetime_seconds_count", "failed"), 1),
        (accepted(), ("empath_smtp_messages_received_total", LISTENER), 1),
        (accepted(), ("empath_smtp_message_size_bytes_sum",), 4198),
        (accepted(), ("empath_smtp_commit_duration_seconds_count",), 1),
        (refused(), ("empath_smtp_rejections_total", "5.7.1"), 1),
        (turned_away(), ("empath_smtp_rejections_total", "4.7.0"), 1),
        (opened(), ("empath_smtp_connections_total", LISTENER), 1),
        (opened(), ("empath_smtp_connections_active", LISTENER), 1),
        (AttemptFaulted(at=0, site="example.org", deliveries=3), ("empath_delivery_attempts_total", "error"), 3),
        (breaker("open"), ("empath_breakers", "open"), 1),
        (breaker("open"), ("empath_breaker_transitions_total", "open"), 1),
    ],
)
async def test_a_fact_is_counted(fact: Fact, series: tuple[str, ...], value: float) -> None:
    metrics = counting()
    metrics.observe(fact)
    assert (await scraped(metrics))[series] == pytest.approx(value)


async def test_a_session_that_has_ended_is_not_active_any_more() -> None:
    metrics = counting()
    for fact in (opened(1), opened(2), closed(1), closed(3)):
        metrics.observe(fact)
    found = await scraped(metrics)
    assert found["empath_smtp_connections_active", LISTENER] == 1
    assert found["empath_smtp_connections_total", LISTENER] == 2


async def test_a_breaker_that_has_closed_holds_nothing_up_any_more() -> None:
    metrics = counting()
    for state in ("open", "half_open", "closed"):
        metrics.observe(breaker(state))
    found = await scraped(metrics)
    assert (found["empath_breakers", "open"], found["empath_breakers", "half_open"]) == (0, 0)


async def test_what_has_not_happened_yet_is_zero_and_not_absent() -> None:
    found = await scraped(counting())
    for status in ("success", "temporary", "permanent", "error"):
        assert found["empath_delivery_attempts_total", status] == 0
    assert found["empath_smtp_messages_received_total", LISTENER] == 0


async def test_what_is_looked_at_and_not_counted() -> None:
    found = await scraped(counting())
    sizes = {name[1]: size for name, size in found.items() if name[0] == "empath_delivery_queue_size"}
    waiting = {"pending": 4, "in_progress": 1, "retry": 3, "uncertain": 2, "held": 6}
    assert sizes == {**waiting, "failed": 7, "expired": 8}
    assert found[("empath_spool_deletion_failures_total",)] == 4
    assert found[("empath_spool_free_bytes",)] == 10
    assert found[("empath_audit_dropped_total",)] == 2
    assert found[("empath_ready",)] == 1
    assert found["empath_tls_certificate_expiry_timestamp_seconds", "mx.example.org"] == 1.5e9
    assert found["empath_build_info", platform.python_version(), "1.0"] == 1
    assert ("process_resident_memory_bytes",) in found


async def test_how_the_mail_stands_that_is_here() -> None:
    found = await scraped(counting())
    waits = {name[1]: count for name, count in found.items() if name[0] == "empath_queue_waiting"}
    assert waits == {reason.value: number for number, reason in enumerate(WaitReason)}
    assert found[("empath_queue_oldest_seconds",)] == 77
    assert found[("empath_spool_bytes",)] == 88
    assert found[("empath_suspensions",)] == 4
    assert found[("empath_overlays",)] == 5
    assert found[("empath_recovered_messages",)] == 6
    limited = {name[1]: count for name, count in found.items() if name[0] == "empath_rate_limited_total"}
    assert limited == {"domain": 0, "global": 0, "source": 0, "sender": 6}


async def test_connections_are_those_of_sites_that_have_a_place_and_of_no_address_or_port() -> None:
    metrics = counting()
    for site in ("example.org", "192.0.2.7:25", "relay.example:587", "quiet.example"):
        metrics.observe(dialled(site))
    found = await scraped(metrics)
    servers = {name[1]: count for name, count in found.items() if name[0] == "empath_delivery_active_connections"}
    assert servers == {"example.org": 3, "relay.example": 1, "quiet.example": 0, OTHER: 2}


async def test_refusals_by_codes_without_number_share_a_series() -> None:
    metrics = counting()
    for detail in range(200):
        metrics.observe(evolve(refused(), reply=Reply(550, "no", f"5.7.{detail}")))
    found = await scraped(metrics)
    reasons = {name[1]: count for name, count in found.items() if name[0] == "empath_smtp_rejections_total"}
    assert (len(reasons), reasons[OTHER]) == (MAX_REASONS + 1, 200 - MAX_REASONS)


async def test_how_long_the_spool_took_is_counted_by_operation() -> None:
    metrics = counting()
    metrics.took(Operation.DURABLE, 0.25)
    found = await scraped(metrics)
    assert found["empath_spool_operation_duration_seconds_sum", "durable"] == 0.25
    assert found["empath_spool_operation_duration_seconds_count", "volatile"] == 0


async def test_a_queue_that_cannot_be_asked_has_no_series() -> None:
    async def nothing() -> Gauges:
        await trio.lowlevel.checkpoint()
        return evolve(GAUGES, queue=None, standing=None, free_bytes=None, ready=False)

    text = (await exposition(counting(), nothing)(ASKED)).body
    assert b"queue_size" not in text
    assert b"empath_ready 0.0\n" in text


@pytest.mark.parametrize("places", [0, 3])
async def test_max_domains_bounds_the_series_however_many_domains_there_are(places: int) -> None:
    metrics = counting(places)
    for number in range(5000):
        metrics.observe(attempted(to=Address.parse(f"ann@d{number}.example"), at=number * 100.0))
    found = await scraped(metrics)
    named = {key[1] for key in found if key[0] == "empath_delivery_duration_seconds_count"}
    assert len(named - {OTHER}) <= places
    assert found[("empath_metrics_tracked_domains",)] <= places
    assert found[("empath_metrics_overflow_total",)] > 4000
    assert len(found) < 500


async def test_readers_within_a_second_get_the_same_text(autojump_clock: MockClock) -> None:
    looks = 0

    async def look() -> Gauges:
        nonlocal looks
        looks += 1
        await trio.sleep(0.1)
        return GAUGES

    served = exposition(counting(), look)
    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(served, ASKED)
    assert looks == 1
    await trio.sleep(1.1)
    await served(ASKED)
    assert looks == 2
