"""A shift: where the senders of a lane wait that have nothing to do, and what wakes the lane itself.

Only a lane that runs has one. All others share ``OFF_DUTY``, where nobody waits: there are many of them, and each would
keep half a kilobyte for nothing.
"""

from __future__ import annotations

from math import inf
from typing import Final

import trio
from attrs import define, field


@define(eq=False)
class Shift:
    """See the module."""

    parked: trio.lowlevel.ParkingLot = field(init=False, factory=trio.lowlevel.ParkingLot)
    changed: trio.Event = field(init=False, factory=trio.Event)
    """Set when the lane has to look again; made anew before it looks."""

    async def wait(self, until: float) -> None:
        """Return when something has changed, or at that moment; inf: there is none, and most lanes wait for none."""
        if until == inf:
            await self.changed.wait()
        else:
            with trio.move_on_at(until):
                await self.changed.wait()


OFF_DUTY: Final = Shift()
