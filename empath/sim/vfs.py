# ruff: noqa: N802 - the names of the methods are SQLite's
"""SQLite on a simulated disk.

A VFS is what SQLite knows of the operating system. This one makes the calls of `empath.sim.disk`, so a database loses
at ``crash()`` the pages that it has not synced, and meets a full disk or a broken one wherever a test wants it.

It has no shared memory, so WAL mode works only for a connection that has said ``PRAGMA locking_mode = EXCLUSIVE``
before, and no locks: whoever opens a database here has made sure that nobody else does, as the spool does with
`Disk.lock`. After a crash an open connection belongs to a program that is dead: close it, and expect that to fail like
everything else that it tries.

What SQLite draws by chance is not from our seed (it asks its default VFS, once in a process). It shows in the salt of
the log only, and nothing depends on that.
"""

from __future__ import annotations

import errno
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, cast

import apsw
from attrs import define, field
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from empath.sim.disk import SimulatedFiles

SECTOR_BYTES = 4096

JOURNALS = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL | apsw.SQLITE_OPEN_WAL
"""Files for which SQLite's own VFS syncs the directory at the first sync, if it has made them (os_unix.c)."""

_numbers = count(1)


class SimulatedVfs(apsw.VFS):
    """The VFS under its ``name``, which is what `apsw.Connection` takes. ``close`` when no connection uses it any more.

    Each has a name of its own, so several worlds can live in one process.
    """

    def __init__(self, files: SimulatedFiles) -> None:
        """Register it."""
        self.name = f"empath-simulated-{next(_numbers)}"
        self.files = files
        super().__init__(self.name, base="")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Take it out of SQLite's list."""
        self.unregister()

    @override
    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        """Open a file, or make it."""
        path = f"/temporary-{next(_numbers)}.sqlite" if name is None else _path(name)
        with explaining(apsw.SQLITE_CANTOPEN):
            made = not self._exists(path)
            if made and not flags[0] & apsw.SQLITE_OPEN_CREATE:
                raise apsw.exception_for(apsw.SQLITE_CANTOPEN)
            handle = self.files.create(path) if made else self.files.open(path)
        flags[1] = flags[0]
        file = DatabaseFile(self.files, path, handle)
        file.sync_directory = made and bool(flags[0] & JOURNALS)
        file.vanishes = bool(flags[0] & apsw.SQLITE_OPEN_DELETEONCLOSE)
        # Any object with the methods will do; deriving from apsw's class would bring the shared memory of real files.
        return cast("apsw.VFSFile", file)

    @override
    def xDelete(self, filename: str, syncdir: bool) -> None:
        """Remove a file, durably if asked to."""
        with explaining(apsw.SQLITE_IOERR_DELETE):
            self.files.unlink(filename)
            if syncdir:
                self.files.sync_directory(str(PurePosixPath(filename).parent))

    @override
    def xAccess(self, pathname: str, flags: int) -> bool:
        """Tell whether a file is there; whatever is there may be read and written."""
        with explaining(apsw.SQLITE_IOERR_ACCESS):
            return self._exists(pathname)

    @override
    def xGetLastError(self) -> tuple[int, str]:
        """Return the number of the last error of the system, as `apsw.Connection.system_errno` has it."""
        return self.files.refused_with, ""

    @override
    def xFullPathname(self, name: str) -> str:
        """Return the path as it is: all paths here begin at the root."""
        return name

    def _exists(self, path: str) -> bool:
        try:
            self.files.size_bytes(path)
        except FileNotFoundError:
            return False
        return True


@define(eq=False)
class DatabaseFile:
    """A file that SQLite has open; the methods are those of its VFS interface."""

    _files: SimulatedFiles
    _path: str
    _handle: int
    sync_directory: bool = field(init=False, default=False)
    vanishes: bool = field(init=False, default=False)

    def xRead(self, amount: int, offset: int) -> bytes:
        """Return what there is; SQLite knows what a short answer means."""
        with explaining(apsw.SQLITE_IOERR_READ):
            return self._files.read_at(self._handle, amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:
        """Write all of it."""
        rest = memoryview(data)
        with explaining(apsw.SQLITE_IOERR_WRITE):
            while rest:
                written = self._files.write_at(self._handle, rest, offset)
                rest, offset = rest[written:], offset + written

    def xTruncate(self, newsize: int) -> None:
        """Cut the file."""
        with explaining(apsw.SQLITE_IOERR_TRUNCATE):
            self._files.resize(self._handle, newsize)

    def xSync(self, flags: int) -> None:
        """Make the content durable, and the name of a journal too when it is new."""
        with explaining(apsw.SQLITE_IOERR_FSYNC):
            self._files.sync(self._handle)
            if self.sync_directory:
                self._files.sync_directory(str(PurePosixPath(self._path).parent))
                self.sync_directory = False

    def xFileSize(self) -> int:
        """Return the size in bytes."""
        with explaining(apsw.SQLITE_IOERR_FSTAT):
            return self._files.size_bytes(self._path)

    def xClose(self) -> None:
        """Close the file. After a crash its handle is gone already."""
        with suppress(OSError):
            self._files.close(self._handle)
            if self.vanishes:
                self._files.unlink(self._path)

    def xLock(self, level: int) -> None:
        """Lock nothing; see above."""

    def xUnlock(self, level: int) -> None:
        """Unlock nothing."""

    def xCheckReservedLock(self) -> bool:
        """Tell that nobody else is about to write."""
        return False

    def xFileControl(self, op: int, ptr: int) -> bool:
        """Know no special operations."""
        return False

    def xSectorSize(self) -> int:
        """Return how much a disk writes at once."""
        return SECTOR_BYTES

    def xDeviceCharacteristics(self) -> int:
        """Promise that a loss of power harms nothing beside what was being written, as SQLite assumes on Unix."""
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE


@contextmanager
def explaining(code: int) -> Iterator[None]:
    """Turn an `OSError` of the block into SQLite's code for it."""
    try:
        yield
    except FileNotFoundError as error:
        missing = apsw.SQLITE_IOERR_DELETE_NOENT if code == apsw.SQLITE_IOERR_DELETE else code
        raise apsw.exception_for(missing) from error
    except OSError as error:
        # As in os_unix.c: only a write says that the disk is full, a sync that fails for want of room has just failed.
        full = error.errno == errno.ENOSPC and code == apsw.SQLITE_IOERR_WRITE
        raise apsw.exception_for(apsw.SQLITE_FULL if full else code) from error


def _path(name: str | apsw.URIFilename) -> str:
    return name if isinstance(name, str) else name.filename()
