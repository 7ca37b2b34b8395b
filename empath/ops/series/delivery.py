"""Series of attempts, of the queue, and of what holds mail up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from prometheus_client.core import Metric

from empath.mail.waiting import WaitReason
from empath.ops.busiest import OTHER
from empath.ops.metrics import BREAKER_STATES, Metrics, server_of
from empath.ops.series.gauges import Gauges, Standing
from empath.ops.series.shapes import counter, counters, gauge, gauges, histogram, histograms
from empath.spool.contract import Statistics

_SCOPES = {
    "domain": WaitReason.RATE_DOMAIN,
    "global": WaitReason.RATE_GLOBAL,
    "source": WaitReason.RATE_SOURCE,
    "sender": WaitReason.RATE_SENDER,
}


def of_delivery(metrics: Metrics, now: Gauges) -> Iterator[Metric]:
    """All of them."""
    attempts = "Attempts that have ended, one for each recipient; error: by a fault on this side, so it is made again."
    yield counters("empath_delivery_attempts", attempts, "status", metrics.attempts)
    took = "How long attempts took."
    yield histograms("empath_delivery_duration_seconds", took, "domain", metrics.durations)
    lag = "From the acceptance of a message to its first attempt: how far deliveries begin behind their time."
    yield histogram("empath_queue_due_lag_seconds", lag, metrics.due_lag)
    codes = "Replies of next hops that refused something."
    yield counters("empath_smtp_errors", codes, "code", metrics.remote_codes)
    yield counters("empath_messages_finished", "Deliveries that have ended.", "outcome", metrics.finished)
    lifetime = "From the acceptance of a message to the end of a delivery."
    yield histograms("empath_message_lifetime_seconds", lifetime, "outcome", metrics.lifetimes)
    states = Counter(metrics.breakers.values())
    held_up = {state: states[state] for state in BREAKER_STATES if state != "closed"}
    yield gauges("empath_breakers", "Sites whose breaker holds attempts up.", "state", held_up)
    moved = "Changes of the state of breakers."
    yield counters("empath_breaker_transitions", moved, "to", metrics.transitions)
    tracked = "Domains that have series of their own."
    yield gauge("empath_metrics_tracked_domains", tracked, metrics.domains.tracked)
    overflow = "Attempts that were counted under _other for want of a series."
    yield counter("empath_metrics_overflow", overflow, metrics.domains.overflow)
    if now.queue is not None:
        yield from _of_the_queue(now.queue)
    if now.standing is not None:
        yield from _of_the_standing(metrics, now.standing)


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
    yield gauges("empath_delivery_queue_size", "Deliveries in the spool, by how they stand.", "status", sizes)


def _of_the_standing(metrics: Metrics, standing: Standing) -> Iterator[Metric]:
    if standing.waits is not None:
        waits = {reason.value: count for reason, count in standing.waits.items()}
        yield gauges("empath_queue_waiting", "Deliveries that wait, by the one reason why.", "reason", waits)
    if standing.oldest_s is not None:
        oldest = "How long ago the oldest delivery was accepted that has not ended; 0 if there is none."
        yield gauge("empath_queue_oldest_seconds", oldest, standing.oldest_s)
    connections = "Connections to next hops, open or being opened, by site."
    servers = _by_server(metrics, standing.connections)
    yield gauges("empath_delivery_active_connections", connections, "server", servers)
    limited = "How often a message, or a connection, met a limit of rate of the configuration."
    counts = {scope: standing.rate_limited.get(reason, 0) for scope, reason in _SCOPES.items()}
    yield counters("empath_rate_limited", limited, "scope", counts)
    yield gauge("empath_suspensions", "Suspensions that operators have made and that hold.", standing.suspensions)
    yield gauge("empath_overlays", "Limits that operators have laid over the configuration.", standing.overlays)
    recovered = "Messages that were in the spool when the daemon started."
    yield gauge("empath_recovered_messages", recovered, standing.recovered)


def _by_server(metrics: Metrics, connections: Mapping[str, int]) -> Mapping[str, int]:
    """Sites that have a place of their own, those without connections too; the others together."""
    found = Counter(dict.fromkeys([*metrics.servers.labels, OTHER], 0))
    for site, count in connections.items():
        server = server_of(site)
        found[server if metrics.servers.has_place(server) else OTHER] += count
    return found
