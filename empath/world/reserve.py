"""Room that is set aside on a disk, for the day when it is full.

What waits leaves a disk only by writing to it. So a file takes some room while there is enough, and gives it up when a
write has failed for want of it.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from attrs import define, field

if TYPE_CHECKING:
    from empath.world.files import FileCalls

_BLOCK: Final = bytes(1 << 20)
_LOG: Final = logging.getLogger(__name__)


@define(eq=False)
class Reserve:
    """A file of zeros. Used by one thread at a time; every call may block."""

    _calls: FileCalls
    _path: PurePath
    _size_bytes: int
    _is_there: bool = field(init=False, default=False)
    _told: bool = field(init=False, default=False)
    """Whether it was said that it cannot be made."""

    def is_kept(self) -> bool:
        """Whether the room is set aside. It is from now on, if there is twice as much."""
        if not self._is_there:
            try:
                self._is_there = self._has_its_size() or self._make()
            except OSError as problem:
                if not self._told:
                    _LOG.warning("no room can be set aside in %s: %s", self._path, problem)
                self._told = True
        return self._is_there

    def give_up(self) -> bool:
        """Let others have the room; whether there was any."""
        was_there, self._is_there = self._is_there, False
        with suppress(OSError):
            was_there = was_there or self._has_its_size()
            self._remove()
        if was_there:
            _LOG.error(
                "the disk of %s is full: no new mail is taken, and what is here is delivered; make room",
                self._path.parent,
            )
        return was_there

    def _has_its_size(self) -> bool:
        try:
            return self._calls.size_bytes(str(self._path)) == self._size_bytes
        except FileNotFoundError:
            return False

    def _make(self) -> bool:
        self._remove()
        if self._calls.free_bytes(str(self._path.parent)) < 2 * self._size_bytes:
            return False
        handle = self._calls.create(str(self._path))
        try:
            whole = self._fill(handle)
        except OSError:
            self._remove()
            raise
        finally:
            self._calls.close(handle)
        if not whole:
            self._remove()
        return whole

    def _fill(self, handle: int) -> bool:
        for at in range(0, self._size_bytes, len(_BLOCK)):
            block = memoryview(_BLOCK)[: self._size_bytes - at]
            if self._calls.write_at(handle, block, at) < len(block):
                return False
        self._calls.sync(handle)
        return True

    def _remove(self) -> None:
        with suppress(FileNotFoundError):
            self._calls.unlink(str(self._path))
