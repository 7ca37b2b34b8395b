"""The wall clock of this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import nan

from attrs import define, field


@define(eq=False)
class SystemClock:
    """The system's idea of the time, steps and all: nothing here hides that an administrator or NTP has set it.

    A clock that stands still is helped along: what passes on the monotonic clock is added, until it moves again. So
    mail that waits for a moment is tried at that moment, however long the clock stands.
    """

    _read: Callable[[], float] = time.time
    """What the clock shows, in seconds since 1970-01-01 UTC."""
    _passed: Callable[[], float] = time.monotonic
    """Seconds on a clock that neither stands nor is set."""
    _shown: float = field(init=False, default=nan)
    """The latest reading."""
    _since: float = field(init=False, default=0.0)
    """When that was first seen, on the monotonic clock."""

    def now(self) -> float:
        """Return the seconds since 1970-01-01 UTC."""
        shown, moment = self._read(), self._passed()
        if shown == self._shown:
            return shown + moment - self._since
        self._shown, self._since = shown, moment
        return shown
