"""Blocking work without threads.

`trio.testing.MockClock` sees tasks, not threads: while one works it would take the program for idle and jump hours
ahead. In a simulation everything that blocks is therefore done on the spot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import trio
from attrs import define

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@define(eq=False)
class InlineOffload:
    """Calls the function right here. ``latency_s`` is how long it seems to take, for example for a slow disk."""

    latency_s: float = 0.0

    async def run(self, function: Callable[[], T]) -> T:
        """Call the function; like a thread it cannot be stopped once it is under way."""
        await trio.lowlevel.checkpoint_if_cancelled()
        with trio.CancelScope(shield=True):
            await trio.sleep(self.latency_s)
        return function()

    def own(self, name: str, *, threads: int) -> InlineOffload:
        """Return one with the same latency, which may then be changed alone."""
        return InlineOffload(self.latency_s)
