"""The system calls that `empath.world.disk` is made of.

They are an interface so that the simulation can replace the calls and keep the order in which they are made: the code
that decides what is synced before what is the same in both worlds, and every fault is tried on the real thing. All of
them block, and raise `OSError` with the number that the system would give.
"""

from __future__ import annotations

import errno
import fcntl
import os
from typing import Final, Protocol

from attrs import frozen

_NOT_AT_ONCE: Final = frozenset({errno.EAGAIN, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})
"""Not in memory; or a file system, or a kernel, that cannot tell."""
OWNER_READS_AND_WRITES = 0o600
OWNER_ENTERS = 0o700


class FileCalls(Protocol):
    """Calls on paths and handles. A handle is a number that `create` or `open` gave and `close` ends."""

    def create(self, path: str) -> int:
        """Make a file that must not exist and open it for writing."""

    def open(self, path: str) -> int:
        """Open a file for reading."""

    def extend(self, path: str) -> int:
        """Open a file for writing, which is made if it is missing."""

    def write_at(self, handle: int, data: memoryview, offset: int) -> int:
        """Write and return how many bytes it was, which may be fewer than were given."""

    def read_at(self, handle: int, size_bytes: int, offset: int) -> bytes:
        """Return at most so many bytes; none at the end of the file."""

    def read_at_once(self, handle: int, size_bytes: int, offset: int) -> bytes | None:
        """Do as `read_at` if that needs no waiting, since the bytes are in memory; None: it does, or nobody knows."""

    def sync(self, handle: int) -> None:
        """Return when the content is on the disk."""

    def close(self, handle: int) -> None:
        """End the handle, even when it raises."""

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, in place of a file that has it."""

    def unlink(self, path: str) -> None:
        """Take a name away."""

    def sync_directory(self, path: str) -> None:
        """Return when the names in a directory are on the disk."""

    def make_directory(self, path: str) -> None:
        """Make one directory, which must not exist."""

    def names(self, directory: str) -> list[str]:
        """Return the names in a directory in any order."""

    def size_bytes(self, path: str) -> int:
        """Return the size of a file."""

    def free_bytes(self, directory: str) -> int:
        """Return the room on the file system that is free for us."""

    def check_permission(self, directory: str) -> None:
        """Raise the `OSError` that adding a name to a directory would, as far as it is for want of permission."""

    def lock(self, path: str, holder: str) -> int:
        """Lock a file, which is made if needed, and write ``holder`` into it. `BlockingIOError` if it is locked."""

    def holder(self, path: str) -> str:
        """Return what stands in a lock file."""


@frozen
class SystemFiles:
    """The real calls."""

    def create(self, path: str) -> int:
        """See `FileCalls`. Only our own user may read the file."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, OWNER_READS_AND_WRITES)

    def open(self, path: str) -> int:
        """See `FileCalls`."""
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def extend(self, path: str) -> int:
        """See `FileCalls`. Only our own user may read the file."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, OWNER_READS_AND_WRITES)

    def write_at(self, handle: int, data: memoryview, offset: int) -> int:
        """See `FileCalls`."""
        return os.pwrite(handle, data, offset)

    def read_at(self, handle: int, size_bytes: int, offset: int) -> bytes:
        """See `FileCalls`."""
        return os.pread(handle, size_bytes, offset)

    def read_at_once(self, handle: int, size_bytes: int, offset: int) -> bytes | None:
        """See `FileCalls`. What was written a moment ago is in memory, and asking costs less than waking a thread."""
        flag = getattr(os, "RWF_NOWAIT", None)
        if flag is None:
            return None
        room = bytearray(size_bytes)
        try:
            count = os.preadv(handle, [room], offset, flag)
        except OSError as error:
            if error.errno in _NOT_AT_ONCE:
                return None
            raise
        with memoryview(room) as view:
            return bytes(view[:count])

    def sync(self, handle: int) -> None:
        """See `FileCalls`."""
        os.fsync(handle)

    def close(self, handle: int) -> None:
        """See `FileCalls`."""
        os.close(handle)

    def rename(self, old: str, new: str) -> None:
        """See `FileCalls`."""
        os.rename(old, new)

    def unlink(self, path: str) -> None:
        """See `FileCalls`."""
        os.unlink(path)

    def sync_directory(self, path: str) -> None:
        """See `FileCalls`."""
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def make_directory(self, path: str) -> None:
        """See `FileCalls`. Only our own user may enter the directory."""
        os.mkdir(path, OWNER_ENTERS)

    def names(self, directory: str) -> list[str]:
        """See `FileCalls`."""
        return os.listdir(directory)

    def size_bytes(self, path: str) -> int:
        """See `FileCalls`."""
        return os.stat(path).st_size

    def free_bytes(self, directory: str) -> int:
        """See `FileCalls`. What the system reserves for its administrator is not counted."""
        room = os.statvfs(directory)
        return room.f_bavail * room.f_frsize

    def check_permission(self, directory: str) -> None:
        """See `FileCalls`. Whether it is our user whom the directory is closed to, or a disk that nobody may write."""
        if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
            number = errno.EROFS if os.statvfs(directory).f_flag & os.ST_RDONLY else errno.EACCES
            raise OSError(number, os.strerror(number), directory)

    def lock(self, path: str, holder: str) -> int:
        """See `FileCalls`. The kernel lets go of the lock when the process ends, so a stale one cannot exist."""
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, OWNER_READS_AND_WRITES)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(handle, 0)
            os.pwrite(handle, holder.encode(), 0)
        except BaseException:
            os.close(handle)
            raise
        return handle

    def holder(self, path: str) -> str:
        """See `FileCalls`."""
        handle = self.open(path)
        try:
            return os.pread(handle, 1024, 0).decode(errors="replace").strip()
        finally:
            os.close(handle)
