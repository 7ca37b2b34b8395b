"""The pulse of the event loop: a task that wants to wake up once a second, and sees how late it is.

It also sees whether the wall clock goes as the monotonic one does: one that is set moves against it.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import trio
from attrs import define, field

from empath.ops.histogram import COMMIT_S, Histogram
from empath.world.ports import Clock

BEAT_S: Final = 1.0
STILL_S: Final = 30.0
"""After so long without a beat a loop does not live any more."""
_LATE_BEATS: Final = 60
"""The beats of which the latest is remembered: those of a minute."""
_MARKS: Final = 15
"""Each is a minute: so long a step of the wall clock is spoken of."""


@define(eq=False)
class Pulse:
    """Beats while ``run`` runs."""

    clock: Clock | None = None
    """The wall clock; None: nobody looks at it."""
    lag: Histogram = field(init=False, factory=lambda: Histogram(COMMIT_S))
    _beat: float = field(init=False, factory=trio.current_time)
    _late_s: deque[float] = field(init=False, factory=lambda: deque(maxlen=_LATE_BEATS))
    _marks: deque[float] = field(init=False, factory=lambda: deque(maxlen=_MARKS))
    """How far the wall clock was ahead of the monotonic one, at the end of each minute."""
    _beats: int = field(init=False, default=0)

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            if self._beats % _LATE_BEATS == 0 and self.clock is not None:
                self._marks.append(self._ahead_s(self.clock))
            self._beats += 1
            self._beat = trio.current_time()
            await trio.sleep(BEAT_S)
            late_s = trio.current_time() - self._beat - BEAT_S
            self.lag.add(late_s)
            self._late_s.append(late_s)

    @property
    def alive(self) -> bool:
        """Whether the last beat is not too long ago."""
        return trio.current_time() - self._beat <= STILL_S

    @property
    def worst_s(self) -> float:
        """How late the loop was at most, of the last minute; that it should have beaten by now counts, too."""
        overdue_s = trio.current_time() - self._beat - BEAT_S if self._late_s else 0.0
        return max([0.0, overdue_s, *self._late_s])

    @property
    def clock_moved_s(self) -> float:
        """How far the wall clock has moved against the monotonic one within the last quarter of an hour."""
        if self.clock is None or not self._marks:
            return 0.0
        return self._ahead_s(self.clock) - self._marks[0]

    def _ahead_s(self, clock: Clock) -> float:
        return clock.now() - trio.current_time()
