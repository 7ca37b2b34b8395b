"""What waits in one lane, and which of it goes next.

Three questions, each with an answer of its own. Which class: by weighted shares, so that no class starves. First
attempts or retries: retries get a bounded share while first attempts wait, so that new mail never stands behind what
has failed before. Whose: the flows of a class take turns by deficit round robin.

Almost always there is nothing to decide: one class, one sender, first attempts. As long as all that waits is of one
kind it lies in one plain queue, and the rest is made when something of another kind comes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Final, Generic, NamedTuple, TypeVar

from attrs import define, field, frozen

from empath.mail.priority import Priority
from empath.policy.scheduling.fair_queue import FairQueue
from empath.policy.scheduling.shares import Shares

T = TypeVar("T")

_CLASSES: Final = tuple(Priority)
_NUMBER: Final = {priority: number for number, priority in enumerate(_CLASSES)}
_FRESH, _RETRIES = 0, 1
_NOTHING: Final[deque[Any]] = deque()
"""In place of a queue of its own, for the many lanes that have nothing in it: nothing is ever put in here."""
_NOBODY: Final[FairQueue[Any]] = FairQueue()
"""The same for the many classes that have no retries, or nothing else."""


class Standing(NamedTuple):
    """What decides when an item goes."""

    priority: Priority
    flow: Hashable
    """Whose it is."""
    is_retry: bool = False
    cost: int = 1
    """What it takes of its flow's turn; at least 1."""


@frozen
class Weights:
    """How much of the traffic each class gets while all of them wait, and retries inside each."""

    critical: float = 8.0
    high: float = 4.0
    normal: float = 2.0
    low: float = 1.0
    retry_share: float = 0.2
    """Which part of a class may be retries while first attempts wait; above 0, and below 1."""

    @property
    def of_classes(self) -> tuple[float, ...]:
        """By number of the class."""
        return (self.critical, self.high, self.normal, self.low)


@define(eq=False)
class _Class(Generic[T]):
    """One class: first attempts and retries, each fair between flows."""

    retry_share: float
    queues: list[FairQueue[T]] = field(init=False, factory=lambda: [_NOBODY, _NOBODY])
    shares: Shares | None = field(init=False, default=None)
    """Between the two; None: there were never both."""

    def __bool__(self) -> bool:
        return any(self.queues)

    def push(self, item: T, standing: Standing) -> None:
        which = _RETRIES if standing.is_retry else _FRESH
        queue = self.queues[which]
        if queue is _NOBODY:
            queue = self.queues[which] = FairQueue()
            if _NOBODY not in self.queues:
                self.shares = Shares((1 - self.retry_share, self.retry_share))
        if not queue and self.shares is not None:
            self.shares.join(which)
        queue.push(item, flow=standing.flow, cost=standing.cost)

    def pop(self) -> T:
        fresh, retries = self.queues
        if not retries:
            return fresh.pop()
        if not fresh or self.shares is None:
            return retries.pop()
        return self.queues[self.shares.choose(_either)].pop()

    def remove(self, wanted: Callable[[T], bool]) -> list[T]:
        return [item for queue in self.queues for item in queue.remove(wanted)]

    def drop_last(self) -> T:
        return (self.queues[_RETRIES] or self.queues[_FRESH]).drop_last()


def _either(_: int) -> bool:
    return True


@define(eq=False)
class Backlog(Generic[T]):
    """See the module. Items are taken out in an order that this decides."""

    weights: Weights = field(factory=Weights)
    _plain: deque[tuple[T, int]] = field(init=False, default=_NOTHING)
    """Items with their costs, while all are of one kind."""
    _kind: tuple[Priority, Hashable, bool] = field(init=False, default=(Priority.NORMAL, None, False))
    """Of what is in ``_plain``."""
    _classes: dict[int, _Class[T]] = field(init=False, factory=dict)
    """By number; none while ``_plain`` has all."""
    _shares: Shares | None = field(init=False, default=None)
    _length: int = field(init=False, default=0)

    def __len__(self) -> int:
        """How many wait."""
        return self._length

    def push(self, item: T, standing: Standing) -> None:
        """Put an item in its place."""
        priority, flow, is_retry, cost = standing
        kind = (priority, flow, is_retry)
        self._length += 1
        if self._classes:
            self._push(item, standing)
            return
        if self._plain and kind != self._kind:
            self._divide()
            self._push(item, standing)
            return
        if not self._plain:
            self._kind, self._plain = kind, deque()
        self._plain.append((item, cost))

    def pop(self) -> T:
        """Take out what goes next. An IndexError: nothing waits."""
        if not self._classes:
            item, _ = self._plain.popleft()
            self._length -= 1
            if not self._plain:
                self._plain = _NOTHING
            return item
        number = self._choose()
        one = self._classes[number]
        item = one.pop()
        self._took(number)
        return item

    def drop_last(self) -> T:
        """Take out what would go last, or nearly so: of the lowest class, a retry before others. An IndexError."""
        if not self._classes:
            item, _ = self._plain.pop()
            self._length -= 1
            return item
        number = max(self._classes)
        item = self._classes[number].drop_last()
        self._took(number)
        return item

    def pop_of(self, priority: Priority) -> T:
        """Take out the next of one class. An IndexError: nothing of it waits."""
        if not self._classes:
            if not self.has(priority):
                raise IndexError
            return self.pop()
        number = _NUMBER[priority]
        if number not in self._classes:
            raise IndexError
        item = self._classes[number].pop()
        self._took(number)
        return item

    def remove(self, wanted: Callable[[T], bool]) -> list[T]:
        """Take out all that are wanted, wherever they stand. This takes as long as the backlog is."""
        taken: list[T] = []
        if self._plain:
            taken = [item for item, _ in self._plain if wanted(item)]
            if taken:
                self._plain = deque(one for one in self._plain if not wanted(one[0]))
        for number in list(self._classes):
            taken += (some := self._classes[number].remove(wanted))
            if some and not self._classes[number]:
                del self._classes[number]
        self._length -= len(taken)
        return taken

    def __iter__(self) -> Iterator[T]:
        """All that waits, in no particular order."""
        yield from (item for item, _ in self._plain)
        for one in self._classes.values():
            for queue in one.queues:
                yield from queue

    def empty(self) -> list[T]:
        """Take out everything, in the order in which it would have gone."""
        return [self.pop() for _ in range(self._length)]

    def has(self, priority: Priority) -> bool:
        """Whether anything of this class waits."""
        if self._classes:
            return _NUMBER[priority] in self._classes
        return bool(self._plain) and self._kind[0] is priority

    def _choose(self) -> int:
        if len(self._classes) == 1 or self._shares is None:
            return next(iter(self._classes))
        return self._shares.choose(self._classes.__contains__)

    def _took(self, number: int) -> None:
        self._length -= 1
        if not self._classes[number]:
            del self._classes[number]

    def _divide(self) -> None:
        """Put what is in the plain queue where its kind belongs."""
        priority, flow, is_retry = self._kind
        for item, cost in self._plain:
            self._push(item, Standing(priority, flow, is_retry, cost))
        self._plain = _NOTHING

    def _push(self, item: T, standing: Standing) -> None:
        number = _NUMBER[standing.priority]
        own = self._classes.get(number)
        if own is None:
            if self._shares is None:
                self._shares = Shares(self.weights.of_classes)
            self._shares.join(number)
            own = self._classes[number] = _Class(self.weights.retry_share)
        own.push(item, standing)
