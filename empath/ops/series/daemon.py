"""Series of the spool, and of the daemon itself."""

from __future__ import annotations

import platform
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from empath.ops.histogram import Histogram
from empath.ops.metrics import Metrics
from empath.ops.series.gauges import Gauges
from empath.ops.series.shapes import counter, gauge, gauges, histogram, histograms
from empath.spool.contract import Statistics


def of_the_daemon(metrics: Metrics, now: Gauges, *, loop_lag: Histogram, version: str) -> Iterator[Metric]:
    """All of them."""
    yield from _of_the_spool(metrics, now)
    dropped = "Audit records that were not written for want of room."
    yield counter("empath_audit_dropped", dropped, now.audit_dropped)
    viewers = "Who watches through the websocket of the API now."
    yield gauge("empath_live_viewers", viewers, now.live_viewers)
    unseen = "Events that viewers were not shown, since they came too fast."
    yield counter("empath_live_dropped", unseen, now.live_dropped)
    yield gauge("empath_ready", "Whether new mail can be taken: 1 or 0.", float(now.ready))
    end = "Until when certificates that clients are shown are valid."
    yield gauges("empath_tls_certificate_expiry_timestamp_seconds", end, "name", now.certificates_end)
    yield histogram("empath_loop_lag_seconds", "How late the event loop wakes up.", loop_lag)
    read = "Whether the latest reading of the configuration went well: 1 or 0."
    yield gauge("empath_config_reload_success", read, float(metrics.is_config_read))
    moment = "When the configuration that runs was read."
    yield gauge("empath_config_reload_timestamp_seconds", moment, metrics.config_read_at)
    build = GaugeMetricFamily("empath_build_info", "What runs here.", labels=["version", "python"])
    build.add_metric([version, platform.python_version()], 1)
    yield build


def _of_the_spool(metrics: Metrics, now: Gauges) -> Iterator[Metric]:
    took = "How long the spool took: for transactions that were on the disk at their end, for others, and for a probe."
    yield histograms("empath_spool_operation_duration_seconds", took, "op", metrics.spool)
    if now.free_bytes is not None:
        yield gauge("empath_spool_free_bytes", "Room on the disk of the spool.", now.free_bytes)
    if now.standing is not None and now.standing.size_bytes is not None:
        kept = "Size of all messages in the spool, without their envelopes."
        yield gauge("empath_spool_bytes", kept, now.standing.size_bytes)
    if now.queue is not None:
        yield from _of_what_is_kept(now.queue)


def _of_what_is_kept(queue: Statistics) -> Iterator[Metric]:
    damaged = "Of those that are held: in quarantine, since their messages are damaged."
    yield gauge("empath_spool_quarantined", damaged, queue.quarantined)
    trash = "Deliveries that were deleted and can be brought back."
    yield gauge("empath_spool_deleted", trash, queue.deleted)
    left = "Files of messages that are done with, and that could not be removed so far."
    yield gauge("empath_spool_undeleted_files", left, queue.undeleted_files)
    failures = "Removals of files of messages that have failed."
    yield counter("empath_spool_deletion_failures", failures, queue.deletion_failures)
