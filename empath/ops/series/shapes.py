"""How families are made of figures."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from empath.ops.histogram import Histogram


def counter(name: str, meaning: str, value: float) -> Metric:
    """One figure that only grows. ``name`` comes without its ``_total``."""
    return CounterMetricFamily(name, meaning, value=value)


def counters(name: str, meaning: str, label: str, counts: Mapping[str, float]) -> Metric:
    """Several, by the value of a label."""
    family = CounterMetricFamily(name, meaning, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family


def counters_by_two(
    name: str, meaning: str, labels: tuple[str, str], counts: Mapping[tuple[str, str], float]
) -> Metric:
    """Several, by the values of two labels."""
    family = CounterMetricFamily(name, meaning, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family


def gauge(name: str, meaning: str, value: float) -> Metric:
    """One figure that grows and shrinks."""
    return GaugeMetricFamily(name, meaning, value=value)


def gauges(name: str, meaning: str, label: str, values: Mapping[str, float]) -> Metric:
    """Several, by the value of a label."""
    family = GaugeMetricFamily(name, meaning, labels=[label])
    for value, figure in values.items():
        family.add_metric([value], figure)
    return family


def histogram(name: str, meaning: str, values: Histogram) -> Metric:
    """How often something was at most so large."""
    return HistogramMetricFamily(name, meaning, buckets=values.buckets, sum_value=values.total)


def histograms(name: str, meaning: str, label: str, values: Mapping[str, Histogram]) -> Metric:
    """Several, by the value of a label."""
    family = HistogramMetricFamily(name, meaning, labels=[label])
    for value, one in values.items():
        family.add_metric([value], buckets=one.buckets, sum_value=one.total)
    return family
