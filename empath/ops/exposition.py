"""The text that Prometheus reads: each series with its name, its help and its value.

The series are made in the event loop, from counters that only change there, and become text in a thread. What was
rendered serves for a second, so that no number of readers costs more than one.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Final

import trio
from attrs import define, field, frozen
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from empath.ops.histogram import Histogram
from empath.ops.http import Request, Response
from empath.ops.metrics import BREAKER_STATES, Metrics
from empath.spool.contract import Statistics
from empath.world.ports import Offload

_FRESH_S: Final = 1.0


@frozen(kw_only=True)
class Gauges:
    """What is not counted but looked at."""

    queue: Statistics | None
    """None: the spool does not answer now."""
    free_bytes: int | None
    ready: bool
    audit_dropped: int
    live_viewers: int
    live_dropped: int
    """Events that viewers were not shown."""
    dns_hits: int
    """Questions that the DNS cache has answered."""
    dns_misses: int
    certificates_end: Mapping[str, float]
    """Until when each certificate is valid, by its name; wall clock, seconds."""


@frozen(eq=False)
class _Made(Collector):
    """Series that have been made already."""

    families: tuple[Metric, ...]

    def collect(self) -> Iterable[Metric]:
        return self.families


@define(eq=False, kw_only=True)
class Exposition:
    """Answers ``/metrics``."""

    metrics: Metrics
    loop_lag: Histogram
    version: str
    offload: Offload
    look: Callable[[], Awaitable[Gauges]]
    _process: ProcessCollector = field(init=False, factory=lambda: ProcessCollector(registry=CollectorRegistry()))
    _body: bytes = field(init=False, default=b"")
    _rendered_at: float = field(init=False, default=float("-inf"))
    _turn: trio.Lock = field(init=False, factory=trio.Lock)

    async def __call__(self, request: Request) -> Response:
        """Answer, whoever asks."""
        async with self._turn:
            if trio.current_time() - self._rendered_at >= _FRESH_S:
                made = _Made(tuple(self._families(await self.look())))
                self._body = await self.offload.run(lambda: self._render(made))
                self._rendered_at = trio.current_time()
        return Response(content_type=CONTENT_TYPE_PLAIN_0_0_4, body=self._body)

    def _render(self, made: _Made) -> bytes:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(made)
        registry.register(self._process)
        return generate_latest(registry)

    def _families(self, gauges: Gauges) -> Iterator[Metric]:
        yield from self._of_delivery()
        yield from self._of_ways(gauges)
        yield from self._of_reception()
        yield from self._of_the_daemon(gauges)

    def _of_delivery(self) -> Iterator[Metric]:
        metrics = self.metrics
        attempts = "Attempts that have ended, one for each recipient."
        yield _counter("empath_delivery_attempts", attempts, "status", metrics.attempts)
        took = "How long attempts took."
        yield _histograms("empath_delivery_duration_seconds", took, "domain", metrics.durations)
        lag = "From the acceptance of a message to its first attempt: how far deliveries begin behind their time."
        yield _histogram("empath_queue_due_lag_seconds", lag, metrics.due_lag)
        codes = "Replies of next hops that refused something."
        yield _counter("empath_smtp_errors", codes, "code", metrics.remote_codes)
        yield _counter("empath_messages_finished", "Deliveries that have ended.", "outcome", metrics.finished)
        lifetime = "From the acceptance of a message to the end of a delivery."
        yield _histograms("empath_message_lifetime_seconds", lifetime, "outcome", metrics.lifetimes)
        states = Counter(metrics.breakers.values())
        held_up = {state: states[state] for state in BREAKER_STATES if state != "closed"}
        yield _gauge("empath_breakers", "Sites whose breaker holds attempts up.", "state", held_up)
        moved = "Changes of the state of breakers."
        yield _counter("empath_breaker_transitions", moved, "to", metrics.transitions)
        tracked = "Domains that have series of their own."
        yield GaugeMetricFamily("empath_metrics_tracked_domains", tracked, value=metrics.domains.tracked)
        overflow = "Attempts that were counted under _other for want of a series."
        yield CounterMetricFamily("empath_metrics_overflow", overflow, value=metrics.domains.overflow)

    def _of_ways(self, gauges: Gauges) -> Iterator[Metric]:
        ways = self.metrics.ways
        stages = "How long the stages of a delivery took; what left in one write counts as the last of it."
        yield _histograms("empath_delivery_stage_duration_seconds", stages, "stage", ways.stages)
        dialled = "Connections to next hops: those that were made ready for mail, and why others were not."
        yield _counter("empath_delivery_connections", dialled, "result", ways.connections)
        messages = "Transactions that a connection to a next hop was used for."
        yield _histogram("empath_delivery_messages_per_connection", messages, ways.per_connection)
        tls = CounterMetricFamily(
            "empath_delivery_tls",
            "Connections to next hops, by their encryption, and whether the host had to prove who it is, and did.",
            labels=["version", "verified"],
        )
        for (version, verified), count in ways.tls.items():
            tls.add_metric([version, verified], count)
        yield tls
        took = "How long DNS servers took to answer."
        yield _histogram("empath_dns_lookup_duration_seconds", took, ways.lookup_s)
        lookups = CounterMetricFamily(
            "empath_dns_lookups", "Questions that DNS servers were asked.", labels=["type", "result"]
        )
        for (kind, result), count in ways.lookups.items():
            lookups.add_metric([kind, result], count)
        yield lookups
        security = "Answers of DNS servers, by what is known of their authenticity."
        yield _counter("empath_dns_dnssec", security, "result", ways.security)
        hits, misses = "Questions that the DNS cache has answered.", "Questions that it has not."
        yield CounterMetricFamily("empath_dns_cache_hits", hits, value=gauges.dns_hits)
        yield CounterMetricFamily("empath_dns_cache_misses", misses, value=gauges.dns_misses)

    def _of_reception(self) -> Iterator[Metric]:
        metrics = self.metrics
        sessions = "Clients that were greeted."
        yield _counter("empath_smtp_connections", sessions, "listener", metrics.connections)
        yield _gauge("empath_smtp_connections_active", "Sessions that are open.", "listener", metrics.sessions)
        received = "Messages that were accepted."
        yield _counter("empath_smtp_messages_received", received, "listener", metrics.received)
        refused = "Refusals of senders, recipients and messages, by their status code."
        yield _counter("empath_smtp_rejections", refused, "reason", metrics.rejections)
        yield _histogram("empath_smtp_message_size_bytes", "Size of accepted messages.", metrics.sizes)
        commit = "From the end of a message to its being durable."
        yield _histogram("empath_smtp_commit_duration_seconds", commit, metrics.commits)

    def _of_the_daemon(self, gauges: Gauges) -> Iterator[Metric]:
        if gauges.queue is not None:
            yield from _of_the_queue(gauges.queue)
        if gauges.free_bytes is not None:
            free = "Room on the disk of the spool."
            yield GaugeMetricFamily("empath_spool_free_bytes", free, value=gauges.free_bytes)
        dropped = "Audit records that were not written for want of room."
        yield CounterMetricFamily("empath_audit_dropped", dropped, value=gauges.audit_dropped)
        viewers = "Who watches through the websocket of the API now."
        yield GaugeMetricFamily("empath_live_viewers", viewers, value=gauges.live_viewers)
        unseen = "Events that viewers were not shown, since they came too fast."
        yield CounterMetricFamily("empath_live_dropped", unseen, value=gauges.live_dropped)
        yield GaugeMetricFamily("empath_ready", "Whether new mail can be taken: 1 or 0.", value=float(gauges.ready))
        end = "Until when certificates that clients are shown are valid."
        yield _gauge("empath_tls_certificate_expiry_timestamp_seconds", end, "name", gauges.certificates_end)
        yield _histogram("empath_loop_lag_seconds", "How late the event loop wakes up.", self.loop_lag)
        read = "Whether the latest reading of the configuration went well: 1 or 0."
        yield GaugeMetricFamily("empath_config_reload_success", read, value=float(self.metrics.is_config_read))
        moment = "When the configuration that runs was read."
        yield GaugeMetricFamily("empath_config_reload_timestamp_seconds", moment, value=self.metrics.config_read_at)
        build = GaugeMetricFamily("empath_build_info", "What runs here.", labels=["version", "python"])
        build.add_metric([self.version, platform.python_version()], 1)
        yield build


def _of_the_queue(queue: Statistics) -> Iterator[Metric]:
    sizes = {
        "pending": queue.pending,
        "in_progress": queue.claimed,
        "retry": queue.retry,
        "uncertain": queue.uncertain,
        "held": queue.held + queue.quarantined,
        "failed": queue.failed,
        "expired": queue.expired,
    }
    yield _gauge("empath_delivery_queue_size", "Deliveries in the spool, by how they stand.", "status", sizes)
    damaged = "Of those that are held: in quarantine, since their messages are damaged."
    yield GaugeMetricFamily("empath_spool_quarantined", damaged, value=queue.quarantined)
    trash = "Deliveries that were deleted and can be brought back."
    yield GaugeMetricFamily("empath_spool_deleted", trash, value=queue.deleted)
    left = "Files of messages that are done with, and that could not be removed so far."
    yield GaugeMetricFamily("empath_spool_undeleted_files", left, value=queue.undeleted_files)
    failures = "Removals of files of messages that have failed."
    yield CounterMetricFamily("empath_spool_deletion_failures", failures, value=queue.deletion_failures)


def _counter(name: str, meaning: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, meaning, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family


def _gauge(name: str, meaning: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=[label])
    for value, figure in values.items():
        family.add_metric([value], figure)
    return family


def _histogram(name: str, meaning: str, histogram: Histogram) -> Metric:
    return HistogramMetricFamily(name, meaning, buckets=histogram.buckets, sum_value=histogram.total)


def _histograms(name: str, meaning: str, label: str, histograms: Mapping[str, Histogram]) -> Metric:
    family = HistogramMetricFamily(name, meaning, labels=[label])
    for value, histogram in histograms.items():
        family.add_metric([value], buckets=histogram.buckets, sum_value=histogram.total)
    return family
