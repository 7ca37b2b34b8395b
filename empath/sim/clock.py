"""The wall clock of a simulation."""

from __future__ import annotations

import trio
from attrs import define

EPOCH = 1_767_225_600.0
"""2026-01-01 00:00 UTC: when simulations begin, so that their time stamps look like time stamps."""


@define(eq=False)
class SimulatedClock:
    """Runs with Trio's clock, and can be set like any other."""

    epoch: float = EPOCH

    def now(self) -> float:
        """Return the seconds since 1970-01-01 UTC."""
        return self.epoch + trio.current_time()

    def step(self, by_s: float) -> None:
        """Set the clock forward, or back, as an administrator or NTP does. Deadlines are not touched by it."""
        self.epoch += by_s
