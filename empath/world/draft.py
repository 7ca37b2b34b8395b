"""A durable file in the making: which call comes before which, and what is done when one fails.

All of it blocks; `empath.world.disk` runs it in threads. The order of calls is what the durability of large bodies
rests on::

    create  name.<token>.tmp     in the same directory, so that the rename does not copy
    write   ...
    sync    the file             before it has its name: a name never leads to half a file
    close                        may report an error that writing did not
    rename  to its name          atomic, also for those who read at this moment
    sync    the directory        a name that is not synced may be gone after a loss of power

POSIX promises nothing less, even where today's file systems often do more. An error anywhere before the rename removes
the temporary file; an error of the last sync removes the file, since nobody could say whether it would stay. After a
failed sync nothing is tried a second time: the kernel marks the pages clean and the next sync would succeed without
having written them (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020).
"""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import trio
from attrs import define, field

from empath.world.errors import DiskError, DiskFailed, DiskFull, FileMissing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import PurePath

    from empath.world.files import FileCalls


@define(eq=False)
class Draft:
    """What will be the file ``path``. Every method raises `DiskError`, and has thrown the draft away then."""

    calls: FileCalls
    path: PurePath
    temporary: PurePath
    size_bytes: int = field(init=False, default=0)
    _handle: int | None = field(init=False, default=None)
    _on_disk: bool = field(init=False, default=False)

    @property
    def pending(self) -> bool:
        """Tell whether there is something to throw away."""
        return self._on_disk

    def begin(self) -> None:
        """Make the temporary file."""
        with explaining("write", self.path):
            self._handle = self.calls.create(str(self.temporary))
        self._on_disk = True

    def append(self, data: bytes) -> None:
        """Write all of it: a system that took a part is asked again, and then says why."""
        handle, rest = self._open_handle(), memoryview(data)
        with self._or_throw_away("write"):
            while rest:
                count = self.calls.write_at(handle, rest, self.size_bytes)
                rest = rest[count:]
                self.size_bytes += count

    def finish(self) -> int:
        """Make the content durable, then the name. Returns the size in bytes."""
        handle = self._open_handle()
        with self._or_throw_away("sync"):
            self.calls.sync(handle)
            self._handle = None
            self.calls.close(handle)
            self.calls.rename(str(self.temporary), str(self.path))
        self._on_disk = False
        with explaining("sync", self.path):
            try:
                self.calls.sync_directory(str(self.path.parent))
            except OSError:
                with suppress(OSError):
                    self.calls.unlink(str(self.path))
                raise
        return self.size_bytes

    def throw_away(self) -> None:
        """Remove what is not finished. What fails here leaves rubbish behind and nothing worse."""
        if (handle := self._handle) is not None:
            self._handle = None
            with suppress(OSError):
                self.calls.close(handle)
        if self._on_disk:
            self._on_disk = False
            with suppress(OSError):
                self.calls.unlink(str(self.temporary))

    def _open_handle(self) -> int:
        if self._handle is None:
            raise trio.ClosedResourceError(f"{self.path} is committed, discarded or failed")
        return self._handle

    @contextmanager
    def _or_throw_away(self, doing: str) -> Iterator[None]:
        try:
            with explaining(doing, self.path):
                yield
        except DiskError:
            self.throw_away()
            raise


@contextmanager
def explaining(doing: str, path: PurePath) -> Iterator[None]:
    """Turn an `OSError` of the block into the `DiskError` that it means."""
    try:
        yield
    except OSError as error:
        raise explain(error, doing, path) from error


def explain(error: OSError, doing: str, path: PurePath) -> DiskError:
    """Return what an error of a file call means."""
    kind: type[DiskError] = DiskFailed
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        kind = DiskFull
    elif error.errno == errno.ENOENT:
        kind = FileMissing
    return kind(str(path), doing, error.strerror or os.strerror(error.errno or errno.EIO))
