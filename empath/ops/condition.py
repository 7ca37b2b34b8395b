"""What the condition of the daemon depends on: a few questions, whose answers serve for some seconds.

Probes come often and from several sides, and none of them may cost mail anything. So the disk and the queue are asked
at most once in `FRESH_S`, with a time limit, and whoever asks meanwhile gets the same answer. No question goes out to
the network.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import PurePath
from typing import Final

import trio
from attrs import define, field, frozen

from empath.spool.contract import Spool, SpoolError, Statistics
from empath.world.errors import DiskError
from empath.world.free_space import FreeSpace
from empath.world.ports import Disk

FRESH_S: Final = 5.0
_PATIENCE_S: Final = 5.0
_PROBE: Final = "probe"
"""The name of the file that is written to see whether writing works."""
_LOG: Final = logging.getLogger(__name__)


@frozen(kw_only=True)
class Condition:
    """What was found."""

    queue: Statistics | None
    """None: the spool did not answer."""
    free_bytes: int | None
    writable: bool
    """Whether a file could be written and synced."""
    trouble: str
    """What was said where something failed; else empty."""


@define(eq=False, kw_only=True)
class Examination:
    """Finds out, and remembers for a moment."""

    spool: Spool
    disk: Disk
    directory: PurePath
    """Of the spool."""
    free_space: FreeSpace
    is_draining: Callable[[], bool]
    """Whether the daemon is stopping."""
    _found: Condition | None = field(init=False, default=None)
    _found_at: float = field(init=False, default=0.0)
    _turn: trio.Lock = field(init=False, factory=trio.Lock)

    async def condition(self) -> Condition:
        """What is the case now, or was a moment ago."""
        async with self._turn:
            if self._found is None or trio.current_time() - self._found_at >= FRESH_S:
                self._found = await self._look()
                self._found_at = trio.current_time()
            return self._found

    async def _look(self) -> Condition:
        queue: Statistics | None = None
        free_bytes: int | None = None
        trouble = f"no answer within {_PATIENCE_S:g} s"
        with trio.move_on_after(_PATIENCE_S):
            try:
                queue = await self.spool.statistics()
                free_bytes = await self.free_space.free_bytes()
                await self.disk.write(self.directory / _PROBE, [b"can be written\n"])
                return Condition(queue=queue, free_bytes=free_bytes, writable=True, trouble="")
            except (SpoolError, DiskError) as problem:
                trouble = str(problem)
        _LOG.warning("the spool is not in order: %s", trouble)
        return Condition(queue=queue, free_bytes=free_bytes, writable=False, trouble=trouble)
