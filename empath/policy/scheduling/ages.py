"""The moment of the oldest of those that wait, for who asks for it again and again while they come and go.

A heap knows its smallest at once, and takes nothing out of its middle. So what has left stays in it until it comes to
the top, or until there is more of it than of what waits: the heap is at most twice as long as the queue, and a bit.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Final

from attrs import define, field

Age = tuple[float, int, int]
"""A moment, and what tells apart those of one moment. No two that wait are equal."""

_LEAST: Final = 64
"""A heap of so many is left as it is."""


@define(eq=False)
class Ages:
    """See the module."""

    _waiting: set[Age]
    """To begin with, those that wait now; it is kept."""
    _heap: list[Age] = field(init=False)

    @_heap.default
    def _order(self) -> list[Age]:
        heap = list(self._waiting)
        heapify(heap)
        return heap

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def size(self) -> int:
        """How many are kept; at most twice as many as wait, or so."""
        return len(self._heap)

    @property
    def oldest(self) -> float | None:
        """The moment of the oldest; None: nobody waits."""
        heap = self._heap
        while heap and heap[0] not in self._waiting:
            heappop(heap)
        return heap[0][0] if heap else None

    def add(self, age: Age) -> None:
        """One begins to wait."""
        self._waiting.add(age)
        heappush(self._heap, age)

    def remove(self, age: Age) -> None:
        """It waits no more."""
        self._waiting.discard(age)
        if len(self._heap) > _LEAST and len(self._heap) > 2 * len(self._waiting):
            self._heap = self._order()
