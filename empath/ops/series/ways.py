"""Series of the ways to next hops: DNS, connections, TLS, and the stages of a delivery."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric

from empath.ops.series.gauges import Gauges
from empath.ops.series.shapes import counter, counters, counters_by_two, histogram, histograms
from empath.ops.ways import Ways


def of_ways(ways: Ways, now: Gauges) -> Iterator[Metric]:
    """All of them."""
    stages = "How long the stages of a delivery took; what left in one write counts as the last of it."
    yield histograms("empath_delivery_stage_duration_seconds", stages, "stage", ways.stages)
    dialled = "Connections to next hops: those that were made ready for mail, and why others were not."
    yield counters("empath_delivery_connections", dialled, "result", ways.connections)
    messages = "Transactions that a connection to a next hop was used for."
    yield histogram("empath_delivery_messages_per_connection", messages, ways.per_connection)
    proved = "Connections to next hops, by their encryption, and whether the host had to prove who it is, and did."
    yield counters_by_two("empath_delivery_tls", proved, ("version", "verified"), ways.tls)
    took = "How long DNS servers took to answer."
    yield histogram("empath_dns_lookup_duration_seconds", took, ways.lookup_s)
    asked = "Questions that DNS servers were asked."
    yield counters_by_two("empath_dns_lookups", asked, ("type", "result"), ways.lookups)
    security = "Answers of DNS servers, by what is known of their authenticity."
    yield counters("empath_dns_dnssec", security, "result", ways.security)
    hits, misses = "Questions that the DNS cache has answered.", "Questions that it has not."
    yield counter("empath_dns_cache_hits", hits, now.dns_hits)
    yield counter("empath_dns_cache_misses", misses, now.dns_misses)
