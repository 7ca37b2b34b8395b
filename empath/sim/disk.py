"""The system calls of a disk in memory, which can be switched off, fill up and fail.

`empath.world.disk.DurableDisk` runs on top of it unchanged, so what is tried here is the order of calls that runs in
production. Errors are those of the system, with its numbers.
"""

from __future__ import annotations

import enum
import errno
import math
import os
from collections import deque
from copy import deepcopy
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from empath.sim.platter import Directory, File, Link, Rename, Resize, Tree, Unlink, Write, refusal

if TYPE_CHECKING:
    from typing import Self

    from empath.sim.platter import Node
    from empath.world import Entropy

HISTORY = 10_000


class Trouble(enum.Enum):
    """What may happen at a call."""

    NO_SPACE = "no space"
    OVER_QUOTA = "over quota"
    IO_ERROR = "i/o error"
    """At a sync, what was not synced before is lost for good, though it can still be read (see `File.fail_to_sync`)."""
    SHORT_WRITE = "short write"
    """Half of the data is taken. The call succeeds, as it may."""
    POWER_OFF = "power off"
    """The call and all that follow fail and do nothing, until ``crash``."""


NUMBERS = {
    Trouble.NO_SPACE: errno.ENOSPC,
    Trouble.OVER_QUOTA: errno.EDQUOT,
    Trouble.IO_ERROR: errno.EIO,
    Trouble.POWER_OFF: errno.EIO,
}


@define
class Fault:
    """Trouble at a call that is still to come."""

    trouble: Trouble
    calls_until: int
    call: str | None


@frozen
class Handle:
    """What an open handle leads to."""

    path: PurePosixPath
    file: File


@define(eq=False)
class SimulatedFiles:
    """The calls, on paths from ``/``. ``history`` has the last of them as pairs of a call's name and its path."""

    capacity_bytes: float = math.inf
    full: int = errno.ENOSPC
    """What is said where there is no room: EDQUOT where a quota is the bound."""
    refused_with: int = field(init=False, default=0)
    """The last error of what was planned, and of a full disk: the ``errno`` of who calls."""
    history: deque[tuple[str, str]] = field(init=False, factory=lambda: deque(maxlen=HISTORY))
    crashes: int = field(init=False, default=0)
    """How often power was lost."""
    _tree: Tree = field(init=False, factory=Tree)
    _handles: dict[int, Handle] = field(init=False, factory=dict)
    _locks: dict[PurePosixPath, int] = field(init=False, factory=dict)
    _opened: int = field(init=False, default=2)
    _used_bytes: int = field(init=False, default=0)
    _faults: list[Fault] = field(init=False, factory=list)
    _off: bool = field(init=False, default=False)

    def plan(self, trouble: Trouble, *, at: int = 1, call: str | None = None) -> None:
        """Let trouble happen at the next call, or at the one that is number ``at`` from now; counting, if ``call`` is
        given, only calls of that name.
        """
        self._faults.append(Fault(trouble, at, call))

    def crash(self, chance: Entropy | None = None) -> None:
        """Lose power and get it back. All handles, locks and plans are gone, and of what was not synced everything, or
        by ``chance`` any part that a disk might lose.
        """
        self.crashes += 1
        self._tree.root.crash(chance)
        self._handles.clear()
        self._locks.clear()
        self._faults.clear()
        self._off = False
        self._used_bytes = self._tree.size_bytes()

    def copied(self) -> Self:
        """Another disk with the same content, durable or not, which nobody has open."""
        made = type(self)(self.capacity_bytes, self.full)
        made._tree, made._used_bytes = deepcopy(self._tree), self._used_bytes
        return made

    def create(self, path: str) -> int:
        """See `FileCalls`."""
        self._call("create", path)
        directory, name = self._tree.directory_of(path)
        if name in directory.names:
            raise refusal(errno.EEXIST, path)
        file = File()
        directory.change(Link(name, file))
        return self._handle(path, file)

    def open(self, path: str) -> int:
        """See `FileCalls`."""
        self._call("open", path)
        return self._handle(path, self._tree.file(path))

    def extend(self, path: str) -> int:
        """See `FileCalls`."""
        self._call("extend", path)
        directory, name = self._tree.directory_of(path)
        if name not in directory.names:
            directory.change(Link(name, File()))
        return self._handle(path, self._tree.file(path))

    def write_at(self, handle: int, data: memoryview | bytes, offset: int) -> int:
        """See `FileCalls`."""
        opened = self._opened_as(handle)
        if self._call("write_at", opened.path) is Trouble.SHORT_WRITE:
            data = data[: max(1, len(data) // 2)]
        content = opened.file.content
        growth = max(0, offset + len(data) - len(content))
        if self._used_bytes + growth > self.capacity_bytes:
            raise self._refusal(self.full, opened.path)
        self._used_bytes += growth
        opened.file.change(Write(offset, bytes(data)))
        return len(data)

    def read_at(self, handle: int, size_bytes: int, offset: int) -> bytes:
        """See `FileCalls`."""
        opened = self._opened_as(handle)
        self._call("read_at", opened.path)
        return bytes(opened.file.content[offset : offset + size_bytes])

    def read_at_once(self, handle: int, size_bytes: int, offset: int) -> bytes | None:
        """See `FileCalls`. The beginning of a file is never in memory here, and the rest always is."""
        return self.read_at(handle, size_bytes, offset) if offset else None

    def resize(self, handle: int, size_bytes: int) -> None:
        """Cut or extend a file, which only a database wants to."""
        opened = self._opened_as(handle)
        self._call("resize", opened.path)
        self._used_bytes += size_bytes - len(opened.file.content)
        opened.file.change(Resize(size_bytes))

    def sync(self, handle: int) -> None:
        """See `FileCalls`."""
        opened = self._opened_as(handle)
        try:
            self._call("sync", opened.path)
        except OSError:
            if not self._off:
                opened.file.fail_to_sync()
            raise
        opened.file.sync()

    def close(self, handle: int) -> None:
        """See `FileCalls`."""
        opened = self._opened_as(handle)
        del self._handles[handle]
        if self._locks.get(opened.path) == handle:
            del self._locks[opened.path]
        self._call("close", opened.path)

    def rename(self, old: str, new: str) -> None:
        """See `FileCalls`. Across directories it is refused, as across file systems."""
        self._call("rename", old)
        directory, old_name = self._tree.directory_of(old)
        target, new_name = self._tree.directory_of(new)
        if directory is not target:
            raise refusal(errno.EXDEV, new)
        node = self._tree.file(old)
        self._release(directory.names.get(new_name))
        directory.change(Rename(old_name, new_name, node))

    def unlink(self, path: str) -> None:
        """See `FileCalls`."""
        self._call("unlink", path)
        directory, name = self._tree.directory_of(path)
        self._release(self._tree.file(path))
        directory.change(Unlink(name))

    def sync_directory(self, path: str) -> None:
        """See `FileCalls`."""
        self._call("sync_directory", path)
        self._tree.directory(path).sync()

    def make_directory(self, path: str) -> None:
        """See `FileCalls`."""
        self._call("make_directory", path)
        if PurePosixPath(path) == PurePosixPath("/"):
            raise refusal(errno.EEXIST, path)
        directory, name = self._tree.directory_of(path)
        if name in directory.names:
            raise refusal(errno.EEXIST, path)
        directory.change(Link(name, Directory()))

    def names(self, directory: str) -> list[str]:
        """See `FileCalls`."""
        self._call("names", directory)
        return list(self._tree.directory(directory).names)

    def size_bytes(self, path: str) -> int:
        """See `FileCalls`."""
        self._call("size_bytes", path)
        return len(self._tree.file(path).content)

    def free_bytes(self, directory: str) -> int:
        """See `FileCalls`. A disk without a bound says 1 TiB; so does one with a quota, as systems do."""
        self._call("free_bytes", directory)
        self._tree.directory(directory)
        has_bound = self.capacity_bytes != math.inf and self.full == errno.ENOSPC
        return int(self.capacity_bytes) - self._used_bytes if has_bound else 2**40

    def check_permission(self, directory: str) -> None:
        """See `FileCalls`. Nobody is forbidden anything here."""
        self._call("check_permission", directory)
        self._tree.directory(directory)

    def lock(self, path: str, holder: str) -> int:
        """See `FileCalls`."""
        self._call("lock", path)
        place = PurePosixPath(path)
        if place in self._locks:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), path)
        directory, name = self._tree.directory_of(path)
        if name not in directory.names:
            directory.change(Link(name, File()))
        file = self._tree.file(path)
        file.change(Resize(0))
        file.change(Write(0, holder.encode()))
        self._locks[place] = self._handle(path, file)
        return self._locks[place]

    def holder(self, path: str) -> str:
        """See `FileCalls`."""
        self._call("holder", path)
        return self._tree.file(path).content.decode()

    def _call(self, call: str, path: str | PurePosixPath) -> Trouble | None:
        """Note a call, and let the trouble happen that is planned for it."""
        self.history.append((call, str(path)))
        trouble = Trouble.POWER_OFF if self._off else self._due(call)
        if trouble is Trouble.POWER_OFF:
            self._off = True
        if trouble in NUMBERS:
            raise self._refusal(NUMBERS[trouble], path)
        return trouble

    def _refusal(self, number: int, path: str | PurePosixPath) -> OSError:
        self.refused_with = number
        return refusal(number, path)

    def _due(self, call: str) -> Trouble | None:
        for fault in self._faults:
            if fault.call in {None, call}:
                fault.calls_until -= 1
        due = next((fault for fault in self._faults if not fault.calls_until), None)
        if due is not None:
            self._faults.remove(due)
        return due.trouble if due is not None else None

    def _handle(self, path: str, file: File) -> int:
        self._opened += 1
        self._handles[self._opened] = Handle(PurePosixPath(path), file)
        return self._opened

    def _opened_as(self, handle: int) -> Handle:
        if handle not in self._handles:
            raise refusal(errno.EBADF, f"handle {handle}")
        return self._handles[handle]

    def _release(self, node: Node | None) -> None:
        if isinstance(node, File):
            self._used_bytes -= len(node.content)
