"""A queue that is fair between flows: deficit round robin (Shreedhar and Varghese, 1995).

A flow is all that one sender has waiting. Flows take turns; each turn gives a flow a quantum of credit, and what leaves
costs its size. What a flow has not used is kept for its next turn and is lost when it runs empty, so nobody saves up.

The quantum is the largest cost that came since the queue was empty: each turn then lets at least one through, and a
decision costs the same however many flows there are. While all cost the same this is plain turn by turn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Final, Generic, TypeVar

from attrs import define, field

T = TypeVar("T")

_NOTHING: Final[deque[Any]] = deque()
"""In place of a queue of its own, for the many flows of one item: nothing is ever put in here."""


@define(eq=False)
class _Flow(Generic[T]):
    credit: int
    item: T
    """The next one."""
    cost: int
    others: deque[tuple[T, int]] = field(init=False, default=_NOTHING)
    """What is behind it, with their costs."""

    def __iter__(self) -> Iterator[tuple[T, int]]:
        yield self.item, self.cost
        yield from self.others


@define(eq=False)
class FairQueue(Generic[T]):
    """In a flow the order is kept; between flows no one gets further ahead than a turn."""

    _flows: dict[Hashable, _Flow[T]] = field(init=False, factory=dict)
    _turns: deque[Hashable] = field(init=False, factory=deque)
    """The flows that have something, the one whose turn it is first."""
    _quantum: int = field(init=False, default=1)
    _length: int = field(init=False, default=0)

    def __len__(self) -> int:
        """How many wait."""
        return self._length

    def __iter__(self) -> Iterator[T]:
        """All that waits, flow by flow."""
        return (item for flow in self._flows.values() for item, _ in flow)

    def push(self, item: T, *, flow: Hashable, cost: int = 1) -> None:
        """Put an item behind all others of its flow. ``cost`` is at least 1."""
        self._quantum = max(self._quantum, cost)
        self._length += 1
        own = self._flows.get(flow)
        if own is None:
            self._flows[flow] = _Flow(self._quantum, item, cost)
            self._turns.append(flow)
            return
        if own.others is _NOTHING:
            own.others = deque()
        own.others.append((item, cost))

    def pop(self) -> T:
        """Take out whatever is next. An IndexError: nothing is."""
        turns = self._turns
        flow = self._flows[turns[0]]
        while flow.credit < flow.cost:
            flow.credit += self._quantum
            turns.rotate(-1)
            flow = self._flows[turns[0]]
        item = flow.item
        self._length -= 1
        if flow.others:
            flow.credit -= flow.cost
            flow.item, flow.cost = flow.others.popleft()
            return item
        del self._flows[turns.popleft()]
        if not turns:
            self._quantum = 1
        return item

    def remove(self, wanted: Callable[[T], bool]) -> list[T]:
        """Take out all that are wanted, wherever they stand."""
        taken: list[T] = []
        for key in list(self._flows):
            flow = self._flows[key]
            found = [item for item, _ in flow if wanted(item)]
            if not found:
                continue
            taken += found
            left = deque(one for one in flow if not wanted(one[0]))
            if left:
                flow.item, flow.cost = left.popleft()
                flow.others = left
            else:
                del self._flows[key]
                self._turns.remove(key)
        self._length -= len(taken)
        return taken

    def drop_last(self) -> T:
        """Take out the latest item of the flow whose turn is furthest away. An IndexError: there is none."""
        key = self._turns[-1]
        flow = self._flows[key]
        self._length -= 1
        if flow.others:
            return flow.others.pop()[0]
        del self._flows[key]
        self._turns.pop()
        return flow.item
