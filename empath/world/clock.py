"""The wall clock of this machine."""

from __future__ import annotations

import time

from attrs import frozen


@frozen
class SystemClock:
    """The system's idea of the time, steps and all: nothing here hides that an administrator or NTP has set it."""

    def now(self) -> float:
        """Return the seconds since 1970-01-01 UTC."""
        return time.time()
