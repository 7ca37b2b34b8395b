"""The pulse of the event loop: a task that wants to wake up once a second, and sees how late it is."""

from __future__ import annotations

from typing import Final

import trio
from attrs import define, field

from empath.ops.histogram import COMMIT_S, Histogram

BEAT_S: Final = 1.0
STILL_S: Final = 30.0
"""After so long without a beat a loop does not live any more."""


@define(eq=False)
class Pulse:
    """Beats while ``run`` runs."""

    lag: Histogram = field(init=False, factory=lambda: Histogram(COMMIT_S))
    _beat: float = field(init=False, factory=trio.current_time)

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            self._beat = trio.current_time()
            await trio.sleep(BEAT_S)
            self.lag.add(trio.current_time() - self._beat - BEAT_S)

    @property
    def alive(self) -> bool:
        """Whether the last beat is not too long ago."""
        return trio.current_time() - self._beat <= STILL_S
