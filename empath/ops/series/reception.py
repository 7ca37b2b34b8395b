"""Series of clients, and of the mail that they bring."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric

from empath.ops.metrics import Metrics
from empath.ops.series.shapes import counters, gauges, histogram


def of_reception(metrics: Metrics) -> Iterator[Metric]:
    """All of them."""
    sessions = "Clients that were greeted."
    yield counters("empath_smtp_connections", sessions, "listener", metrics.connections)
    yield gauges("empath_smtp_connections_active", "Sessions that are open.", "listener", metrics.sessions)
    received = "Messages that were accepted."
    yield counters("empath_smtp_messages_received", received, "listener", metrics.received)
    refused = "Refusals of senders, recipients and messages, by their status code."
    yield counters("empath_smtp_rejections", refused, "reason", metrics.rejections)
    yield histogram("empath_smtp_message_size_bytes", "Size of accepted messages.", metrics.sizes)
    commit = "From the end of a message to its being durable."
    yield histogram("empath_smtp_commit_duration_seconds", commit, metrics.commits)
