"""The wall clock of a simulation."""

from __future__ import annotations

import trio
from attrs import Factory, define, field

from empath.world.clock import SystemClock

EPOCH = 1_767_225_600.0
"""2026-01-01 00:00 UTC: when simulations begin, so that their time stamps look like time stamps."""


@define(eq=False)
class SimulatedClock:
    """Runs with Trio's clock, and can be set like any other, or stand."""

    epoch: float = EPOCH
    _stands_at: float | None = field(init=False, default=None)
    """What it shows while it stands."""
    _seen: SystemClock = field(
        init=False, default=Factory(lambda clock: SystemClock(clock.shown, trio.current_time), takes_self=True)
    )

    def shown(self) -> float:
        """Return what it shows, in seconds since 1970-01-01 UTC."""
        return self.epoch + trio.current_time() if self._stands_at is None else self._stands_at

    def now(self) -> float:
        """Return the seconds since 1970-01-01 UTC, as a program sees them."""
        return self._seen.now()

    def step(self, by_s: float) -> None:
        """Set the clock forward, or back, as an administrator or NTP does. Deadlines are not touched by it."""
        self.epoch += by_s

    def stop(self) -> None:
        """Let it stand."""
        self._stands_at = self.shown()

    def go_on(self, *, behind_s: float = 0.0) -> None:
        """Let it run again, so much behind the time that it would show if it had never stood."""
        self.epoch -= behind_s
        self._stands_at = None
