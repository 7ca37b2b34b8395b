"""Changing a small file that people keep: as a whole or not at all, one at a time, and with the owner that it had.

All of it blocks, and raises OSError: it is for commands, and for a thread of the daemon.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OWNER_READS_AND_WRITES: Final = 0o600
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the lock of a directory. What was renamed in it meanwhile is durable when the lock is let go."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
        os.fsync(handle)
    finally:
        os.close(handle)


def replace(
    path: Path, content: bytes, *, owner: tuple[int, int] | None = None, mode: int = OWNER_READS_AND_WRITES
) -> None:
    """Put a new file in the place of the old one. `empath.world.draft` says why in this order.

    ``owner``: its user and group; None: ours.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    handle = os.open(draft, _NEW, OWNER_READS_AND_WRITES)
    try:
        with os.fdopen(handle, "wb") as file:
            made = os.fstat(handle)
            if owner not in (None, (made.st_uid, made.st_gid)):
                os.fchown(handle, *owner)
            if mode != OWNER_READS_AND_WRITES:
                os.fchmod(handle, mode)
            file.write(content)
            file.flush()
            os.fsync(handle)
        draft.rename(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
