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
_LONGEST_PAUSE: Final = 64
"""Of the times that somebody asks: who keeps a queue does so with every message, and once a second."""
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

    _failures: int = field(init=False, default=0)
    """How often in a row there was room by the figures of the disk, and it could not be filled."""
    _pauses: int = field(init=False, default=0)
    """How often it is not tried, though somebody asks."""

    def is_kept(self) -> bool:
        """Whether the room is set aside. It is from now on, if there is twice as much.

        Where a quota is used up the figures of the disk say nothing, so it has to be tried; with every failure that is
        done half as often, since each takes the room for a moment that what waits may need.
        """
        if self._pauses:
            self._pauses -= 1
        elif not self._is_there:
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
            if self._has_room():  # which is not what was just met: there is a quota
                self._pauses = _LONGEST_PAUSE
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

    def _has_room(self) -> bool:
        return self._calls.free_bytes(str(self._path.parent)) >= 2 * self._size_bytes

    def _make(self) -> bool:
        self._remove()
        if not self._has_room():
            return False
        handle = self._calls.create(str(self._path))
        whole = False
        try:
            whole = self._fill(handle)
        finally:
            self._pauses = 0 if whole else min(2**self._failures, _LONGEST_PAUSE) - 1
            self._failures = 0 if whole else self._failures + 1
            if not whole:
                self._remove()
            self._calls.close(handle)
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
