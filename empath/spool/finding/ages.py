"""When the messages of a queue came, as far as a search has to know it: a span of time for each run of numbers."""

from __future__ import annotations

from bisect import bisect_left, insort
from math import inf
from typing import Final

from attrs import define, field

from empath.spool.contract import Selector

MOST: Final = 4096
"""Runs that are told apart. With more of them, two neighbours become one."""
_LEAST_BITS: Final = 10
"""A run has 2 ** this numbers at least."""


@define(eq=False)
class Ages:
    """The spans. They may be wider than they need be, and are never too narrow."""

    bits: int = field(init=False, default=_LEAST_BITS)
    """A run has 2 ** this numbers."""
    _runs: list[int] = field(init=False, factory=list)
    """Those that there are, in order."""
    _first: dict[int, float] = field(init=False, factory=dict)
    _last: dict[int, float] = field(init=False, factory=dict)

    def expect(self, first: int, last: int) -> None:
        """Forget all, and choose the size of the runs for the numbers that there are."""
        self.bits = max(_LEAST_BITS, (max(0, last - first) // (MOST // 2)).bit_length())
        self._runs, self._first, self._last = [], {}, {}

    def add(self, number: int, received: float) -> None:
        """A message with this number came at this moment."""
        self.add_run(number >> self.bits, received, received)

    def add_run(self, run: int, first: float, last: float) -> None:
        """All of a run came between these moments."""
        known = self._first.get(run)
        if known is None:
            self._enter(run, first, last)
        else:
            self._first[run] = min(known, first)
            self._last[run] = max(self._last[run], last)

    def _enter(self, run: int, first: float, last: float) -> None:
        if self._runs and run < self._runs[-1]:
            insort(self._runs, run)
        else:
            self._runs.append(run)
        self._first[run], self._last[run] = first, last
        if len(self._runs) > MOST:
            self._merge()

    def _merge(self) -> None:
        runs, first, last = self._runs, self._first, self._last
        self.bits += 1
        self._runs, self._first, self._last = [], {}, {}
        for run in runs:
            self.add_run(run >> 1, first[run], last[run])

    def next(self, selector: Selector, number: int) -> int | None:
        """The first number from this one on that a message of such an age may have; None: there is none."""
        before, after = selector.received_before, selector.received_after
        if before is None and after is None:
            return number
        before, after = inf if before is None else before, -inf if after is None else after
        at = number >> self.bits
        for place in range(bisect_left(self._runs, at), len(self._runs)):
            run = self._runs[place]
            if self._first[run] < before and self._last[run] >= after:
                return max(number, run << self.bits)
        return None
