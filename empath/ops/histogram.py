"""A histogram as Prometheus has it: how many values were at most so large, and their sum."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from math import inf

from attrs import define, field
from prometheus_client.utils import floatToGoString

SECONDS = (0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Bounds for what a machine or a host far away takes."""
COMMIT_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
"""Bounds for what a disk takes, and for how late the event loop is."""
ATTEMPT_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
LIFETIME_S = (1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 43_200.0, 86_400.0, 259_200.0, 432_000.0)
COUNTS = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1000.0)
"""Bounds for how many of something there were."""
SIZES_BYTES = (1024.0, 10_240.0, 102_400.0, 1_048_576.0, 10_485_760.0, 104_857_600.0)


@define(eq=False)
class Histogram:
    """Counts values. ``bounds`` ascend; one more bucket takes what lies above the last."""

    bounds: tuple[float, ...]
    total: float = field(init=False, default=0.0)
    _counts: list[int] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._counts = [0] * (len(self.bounds) + 1)

    def add(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def buckets(self) -> list[tuple[str, float]]:
        """The upper bound of each bucket as text, with how many values were not above it."""
        names = map(floatToGoString, (*self.bounds, inf))
        return [(name, float(count)) for name, count in zip(names, accumulate(self._counts), strict=True)]
