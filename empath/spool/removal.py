"""The removal of body files that no message needs any more.

A message is recorded as done with first, and its file goes afterwards. So a file that cannot be removed costs room, and
nothing else: it is tried again, less and less often, for as long as the daemon runs, and found by the sweep of the next
start. It is counted, since a disk that does not let go of files wants to be looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import Final

import trio
from attrs import define, field

from empath.world.errors import DiskError, FileMissing
from empath.world.ports import Disk

MOST: Final = 100_000
"""Files that are remembered; the sweep of the next start finds the others.

No key sets this: it bounds memory (to some 10 MB) and not what happens, since each of them is removed in any case.
"""
FIRST_PAUSE_S: Final = 30.0
LONGEST_PAUSE_S: Final = 3600.0


@define(eq=False)
class Removal:
    """Removes files."""

    _disk: Disk
    _bodies: PurePath
    failures: int = field(init=False, default=0)
    """How often one could not be removed."""
    _left: dict[str, None] = field(init=False, factory=dict)
    """Those that are still to be removed, the oldest first."""
    _is_held: bool = field(init=False, default=False)
    _pause_s: float = field(init=False, default=FIRST_PAUSE_S)
    _not_before: float = field(init=False, default=0.0)
    """Of Trio's clock."""

    @property
    def left(self) -> int:
        """How many are still to be removed."""
        return len(self._left)

    async def remove(self, names: Iterable[str]) -> None:
        """Remove files that nobody needs, now or later. Never fails."""
        for name in names:
            if (self._is_held or not await self._unlink(name)) and len(self._left) < MOST:
                self._left[name] = None

    def hold(self) -> None:
        """Remove nothing from now on, and remember what was to go."""
        self._is_held = True

    async def let_go(self) -> None:
        """Remove again, and what was to go meanwhile, as far as this is not cancelled; the rest later. Never fails."""
        self._is_held, self._not_before = False, 0.0
        await self.again()

    async def again(self) -> None:
        """Try those again that could not be removed, if it is time to. One that fails ends it for now."""
        if not self._left or self._is_held or trio.current_time() < self._not_before:
            return
        for name in list(self._left):
            if not await self._unlink(name):
                self._not_before = trio.current_time() + self._pause_s
                self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
                return
            self._left.pop(name, None)
        self._pause_s = FIRST_PAUSE_S

    async def _unlink(self, name: str) -> bool:
        """Remove a file; whether it is gone."""
        try:
            await self._disk.unlink(self._bodies / name)
        except FileMissing:
            return True
        except DiskError:
            self.failures += 1
            return False
        return True
