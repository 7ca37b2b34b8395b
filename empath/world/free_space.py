"""How much room is left where mail is kept, and whether that is enough to take more.

Mail that waits leaves a disk only by being delivered, and that needs room too: a row is changed before it goes. So new
mail is refused while there still is some. The file systems are asked at most once a second, when somebody wants to
know, and not by every message; in between the last answer serves. What many clients send within that second may take
the room below the bound, which is why the bound is not the end of it.
"""

from __future__ import annotations

import logging
from math import inf
from typing import TYPE_CHECKING, Final

import trio
from attrs import define, field

from empath.world.errors import DiskError, FileMissing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import PurePath

    from empath.world.ports import Disk

FRESH_S: Final = 1.0
_LOG: Final = logging.getLogger(__name__)


@define(eq=False, kw_only=True)
class FreeSpace:
    """Keeps an eye on the file systems of some directories."""

    disk: Disk
    directories: tuple[PurePath, ...]
    min_free_bytes: int
    """Below this nothing more may be taken; 0: anything that fits may be."""
    keeps_up: Callable[[], bool] | None = None
    """Whether what is written besides, of each message, has room; None: nothing must be."""
    _free_bytes: int | None = field(init=False, default=None)
    _looked_at: float = field(init=False, default=-inf)
    _was_enough: bool = field(init=False, default=True)
    _turn: trio.Lock = field(init=False, factory=trio.Lock)

    async def free_bytes(self) -> int | None:
        """The room of the directory that has least, as of a second ago at most; None: the system does not say."""
        if trio.current_time() - self._looked_at >= FRESH_S:
            async with self._turn:
                # Who waited for the turn finds what the one before has found.
                if trio.current_time() - self._looked_at >= FRESH_S:
                    await self._look()
        return self._free_bytes

    async def is_enough(self, for_bytes: int = 0) -> bool:
        """Whether so much may be taken. If the system does not say: yes, and writing will tell."""
        if self.keeps_up is not None and not self.keeps_up():
            return False
        if not self.min_free_bytes:
            return True
        free_bytes = await self.free_bytes()
        return free_bytes is None or free_bytes - for_bytes >= self.min_free_bytes

    async def _look(self) -> None:
        found = [await self._ask(directory) for directory in self.directories]
        self._free_bytes = min((one for one in found if one is not None), default=None)
        self._looked_at = trio.current_time()
        self._tell()

    async def _ask(self, directory: PurePath) -> int | None:
        try:
            return await self.disk.free_bytes(directory)
        except FileMissing:
            return None  # nothing is kept there yet
        except DiskError as problem:
            if self._free_bytes is not None:
                _LOG.warning("nobody knows how much room is left for mail: %s", problem)
            return None

    def _tell(self) -> None:
        """Say so when it has become too little, or enough again."""
        enough = self._free_bytes is None or self._free_bytes >= self.min_free_bytes
        if enough is self._was_enough:
            return
        self._was_enough = enough
        if enough:
            _LOG.warning("there is room again: mail is taken")
            return
        _LOG.error(
            "only %d MiB are free at %s and spool.min_free asks for %d: no new mail is taken, what is here is "
            "delivered; make room on that disk",
            (self._free_bytes or 0) >> 20,
            " or ".join(map(str, self.directories)),
            self.min_free_bytes >> 20,
        )
