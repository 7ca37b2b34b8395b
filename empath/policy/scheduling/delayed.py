"""What waits for a limit of its own while others of the same lane may go: by key, each with its moment.

A key is what is limited, a sender or a recipient domain. All that waits for one key stands in one line, and the first
of the line is looked at when the moment of the key has come. So a thousand messages of a sender who has used up his
rate are moved once each, and not looked at again and again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf
from typing import Generic, TypeVar

from attrs import define, field

T = TypeVar("T")
W = TypeVar("W")


@define(eq=False)
class Delayed(Generic[T, W]):
    """See the module. ``W`` says why a line waits. Time is whatever the caller's clock says, if it does not go back."""

    _lines: dict[Hashable, deque[T]] = field(init=False, factory=dict)
    _causes: dict[Hashable, W] = field(init=False, factory=dict)
    """Why each line waits, as far as that is known."""
    _moments: list[tuple[float, int, Hashable]] = field(init=False, factory=list)
    """A heap with one entry for each line."""
    _numbers: count[int] = field(init=False, factory=count)
    """Of equal moments the one that was set first comes first."""
    _length: int = field(init=False, default=0)

    def __len__(self) -> int:
        """How many wait."""
        return self._length

    @property
    def moment(self) -> float:
        """When the first of them can be looked at; inf: there is none."""
        return self._moments[0][0] if self._moments else inf

    def line_of(self, keys: Iterable[Hashable]) -> Hashable | None:
        """The first of these keys that others wait for already; None: there is none."""
        return next((key for key in keys if key in self._lines), None)

    def join(self, key: Hashable, item: T) -> None:
        """Stand at the end of a line that is there."""
        self._lines[key].append(item)
        self._length += 1

    def begin(self, key: Hashable, items: Iterable[T], moment: float, cause: W | None) -> None:
        """Make a line that is not there, to be looked at then. ``cause``: why; None: it may go, as far as is known."""
        line = deque(items)
        self._lines[key] = line
        if cause is not None:
            self._causes[key] = cause
        self._length += len(line)
        heappush(self._moments, (moment, next(self._numbers), key))

    def hurry(self) -> None:
        """Have all lines looked at as soon as can be, since what they wait for has changed."""
        self._moments = [(-inf, number, key) for _, number, key in self._moments]
        heapify(self._moments)
        self._causes.clear()

    def take(self, now: float) -> tuple[Hashable, deque[T]] | None:
        """Take out the whole line whose moment has come longest; None: none has. What is left of it is begun again."""
        if self._moments and self._moments[0][0] <= now:
            _, _, key = heappop(self._moments)
            line = self._lines.pop(key)
            self._causes.pop(key, None)
            self._length -= len(line)
            return key, line
        return None

    def why(self, wanted: Callable[[T], bool]) -> W | None:
        """The cause of the first line that has one that is wanted; None: there is none."""
        return next((cause for key, cause in self._causes.items() if any(map(wanted, self._lines[key]))), None)

    def remove(self, wanted: Callable[[T], bool]) -> list[T]:
        """Take out all that are wanted, wherever they stand."""
        taken: list[T] = []
        for key, line in self._lines.items():
            if found := [item for item in line if wanted(item)]:
                self._lines[key] = deque(item for item in line if not wanted(item))
                taken += found
        self._length -= len(taken)
        self._forget(frozenset(key for key, line in self._lines.items() if not line))
        return taken

    def _forget(self, keys: frozenset[Hashable]) -> None:
        """Have no such lines any more: nobody stands in them, and who comes next may begin them anew."""
        if keys:
            for key in keys:
                del self._lines[key]
                self._causes.pop(key, None)
            self._moments = [entry for entry in self._moments if entry[2] not in keys]
            heapify(self._moments)

    def __iter__(self) -> Iterator[T]:
        """All that waits, line by line."""
        return (item for line in self._lines.values() for item in line)

    def empty(self) -> list[T]:
        """Take out everything."""
        items = [item for line in self._lines.values() for item in line]
        self._lines.clear()
        self._causes.clear()
        self._moments.clear()
        self._length = 0
        return items
