"""The one connection to a SQLite database: how it is opened, its transactions, and the log behind them.

The database is in WAL mode: a commit appends to the log, and now and then a checkpoint copies the log into the
database. ``synchronous`` is FULL for a transaction that must survive a loss of power, so its commit syncs the log; and
NORMAL for the others, which the next sync takes along. The connection has the file to itself (``locking_mode`` is
EXCLUSIVE), which also spares the shared memory of WAL.

A sync that fails is the one fault that must not be passed over. The system marks as clean what it could not write, so
the next sync succeeds without it (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020).
The log then has a hole: after a loss of power nothing behind it would be found, whatever had been promised. So after
such an error nothing is committed before a checkpoint has gone through. It reads what the log says, which is still in
memory, writes it into the database, syncs that, and begins the log anew. For the same reason checkpoints are asked for
here: those that SQLite makes by itself keep their errors to themselves.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final
from urllib.parse import quote

import apsw
from attrs import define, field

from empath.spool.contract import SpoolError, SpoolForbidden, SpoolFull, SpoolHeld
from empath.world.reserve import Reserve

PAGE_BYTES: Final = 4096
CHECKPOINT_PAGES: Final = 4000
"""Pages in the log before they are copied into the database: the log stays at about 16 MiB."""
SPARE_PAGES: Final = 4000
"""Free pages that the database keeps, for the messages to come."""
_PORTION_PAGES: Final = 250
"""Free pages that go back to the disk in one transaction."""
_LARGE_PORTION_PAGES: Final = 2000
"""The same while the disk is full: as much as the log may take before it is copied."""
_INCREMENTAL: Final = 2
"""Of ``PRAGMA auto_vacuum``."""
RESERVE: Final = "reserve"
"""The name of the file beside the database that takes room for the day when the disk is full."""
RESERVE_BYTES: Final = 6 * CHECKPOINT_PAGES * PAGE_BYTES // 4
"""What copying a log may take, and a batch of messages more than it should have."""


@define(eq=False)
class Database:
    """An open database. To be used by one thread at a time."""

    connection: apsw.Connection
    reserve: Reserve | None = None
    """What is given up when the disk is full, for the log to be copied into the database all the same."""
    _durable: bool = field(init=False, default=True)
    _log_pages: int = field(init=False, default=0)
    _doubtful: bool = field(init=False, default=False)
    """A write or sync has failed: the log on the disk may not be what SQLite takes it for."""
    _owed_pages: int = field(init=False, default=0)
    """So much smaller has the database become in its log, and the disk has the room once that is copied."""
    _owes_now: bool = field(init=False, default=False)
    """That is not to wait until the log is long: little is written while much goes."""

    def can_shrink(self) -> None:
        """See to it that free pages can go back to the disk a few at a time. For the opening, before all else.

        A new database is made so. One of an earlier version has to be written anew for that, once, and only is while
        that takes a tenth of a second at most: at the first opening at which little is in it.
        """
        self.connection.pragma("auto_vacuum", _INCREMENTAL)
        pages = self.connection.pragma("page_count")
        if not pages or self.connection.pragma("auto_vacuum") == _INCREMENTAL:
            return
        if pages - self.connection.pragma("freelist_count") > 2 * SPARE_PAGES:
            return
        with suppress(apsw.FullError), self._saying_full():  # no room even for that: the free pages are used
            self.connection.execute("VACUUM")

    def give_room_back(self) -> bool:
        """Give some of the free pages back to the disk; whether more are to go soon. Within a transaction.

        Some are kept, since the next messages use them. A portion takes a few milliseconds, whatever the database
        holds: its last pages go where the free ones are. While the disk has no room for the reserve nothing is
        accepted, so then all of them go, faster, and what becomes free next is waited for.
        """
        is_full = not self.keeps_reserve()
        kept, portion = (0, _LARGE_PORTION_PAGES) if is_full else (SPARE_PAGES, _PORTION_PAGES)
        spare = self.connection.pragma("freelist_count") - kept
        if spare <= 0 or self.connection.pragma("auto_vacuum") != _INCREMENTAL:
            return is_full
        self.connection.execute(f"PRAGMA incremental_vacuum({min(spare, portion)})").fetchall()
        self._owed_pages += min(spare, portion)
        self._owes_now = is_full or spare <= portion or self._owed_pages >= CHECKPOINT_PAGES
        return bool(spare > portion) or is_full

    @contextmanager
    def transaction(self, *, durable: bool) -> Iterator[None]:
        """Commit at the end of the block, or undo it all when anything fails. Raises ``apsw.Error``.

        With ``durable`` it is on the disk at the end; without, when the next durable one is.
        """
        if self._doubtful:
            self._mend()
        if durable is not self._durable:
            self.connection.pragma("synchronous", "FULL" if durable else "NORMAL")
            self._durable = durable
        try:
            with self._saying_full():
                self.connection.execute("BEGIN IMMEDIATE")
                yield
                self.connection.execute("COMMIT")
        except BaseException as problem:
            self._doubtful |= isinstance(problem, apsw.IOError)
            self._undo()
            if isinstance(problem, apsw.FullError):
                self._make_room()
            raise

    def use_log(self) -> None:
        """Write to a log from now on. What an earlier process has left in one is in the database afterwards."""
        self.connection.pragma("journal_mode", "WAL")
        self.connection.pragma("synchronous", "FULL")
        self.connection.pragma("wal_autocheckpoint", 0)
        self.connection.pragma("temp_store", "MEMORY")
        self.connection.set_wal_hook(self._committed)
        self._checkpoint(apsw.SQLITE_CHECKPOINT_RESTART)

    def widen_log(self) -> None:
        """Let the log take its room on the disk now, once.

        A sync that makes a file longer has to write the file's description too; one that writes over octets that are
        there costs a third less. What a transaction writes is in the log before it ends, if it is more than the cache
        holds; undone, it leaves nothing but a long log. It takes some fifty milliseconds, whatever the database holds.
        """
        try:
            with self._saying_full():
                self.connection.execute("BEGIN IMMEDIATE")
                self.connection.execute("CREATE TABLE room (octets BLOB)")
                self.connection.execute("INSERT INTO room VALUES (zeroblob(?))", (CHECKPOINT_PAGES * PAGE_BYTES,))
        except apsw.FullError:
            return  # what is here can be delivered with a log that grows as it must
        finally:
            self._undo()

    def keep_log_short(self) -> None:
        """Copy the log into the database when it is long. For between transactions; what was committed stays so."""
        if self._log_pages < CHECKPOINT_PAGES and not self._owes_now:
            return
        try:
            self._copy_log()
        except apsw.IOError:
            self._doubtful = True
        except apsw.Error:  # the disk is full, say: the log grows on, and the next commit tries again
            return

    def _copy_log(self) -> None:
        self._checkpoint(apsw.SQLITE_CHECKPOINT_PASSIVE)
        self._log_pages = 0
        self._owed_pages = 0
        self._owes_now = False

    def _checkpoint(self, mode: int) -> None:
        try:
            with self._saying_full():
                self.connection.wal_checkpoint(mode=mode)
        except apsw.FullError:
            if not self._make_room():
                raise
            self.connection.wal_checkpoint(mode=mode)

    @contextmanager
    def _saying_full(self) -> Iterator[None]:
        """Let an error of a write say that the disk is full where a quota is. SQLite says it of ENOSPC (os_unix.c).

        Nothing of what was to be written is on the disk then, so it leaves no doubt; a sync that fails does.
        """
        try:
            yield
        except apsw.IOError as problem:
            is_write = getattr(problem, "extendedresult", 0) == apsw.SQLITE_IOERR_WRITE  # apsw's stubs do not know it
            if not is_write or self.connection.system_errno != errno.EDQUOT:
                raise
            raise apsw.FullError(f"{problem}; the quota of our user is used up") from problem

    def keeps_reserve(self) -> bool:
        """Whether what is written now can leave the disk again, should it become full."""
        return self.reserve is None or self.reserve.is_kept()

    def _make_room(self) -> bool:
        return self.reserve is not None and self.reserve.give_up()

    def close(self) -> None:
        """Copy the log into the database and close it. If that fails the next start copies it."""
        with suppress(apsw.Error):
            self.connection.close()

    def _mend(self) -> None:
        self._undo()
        self._checkpoint(apsw.SQLITE_CHECKPOINT_RESTART)
        self._doubtful = False
        self._log_pages = 0

    def _undo(self) -> None:
        # A failure is no news here: the error that led here is raised, or the next statement meets it again.
        with suppress(apsw.Error):
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")

    def _committed(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._log_pages = pages
        return apsw.SQLITE_OK


def connect(path: str, *, vfs: str | None, mode_of: str | None) -> apsw.Connection:
    """Open the file, or make it, with the permissions of the file ``mode_of``; else all may read it. `apsw.Error`."""
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    if mode_of is not None:
        path = f"file:{quote(path)}?modeof={quote(mode_of)}"
        flags |= apsw.SQLITE_OPEN_URI
    connection = apsw.Connection(path, vfs=vfs, flags=flags)
    connection.pragma("locking_mode", "EXCLUSIVE")
    return connection


def explained(problem: apsw.Error, path: str | None = None) -> SpoolError:
    """What an error of the database means: its kind, and a text that says what to try. ``path``: when opening it."""
    where = "the queue" if path is None else f"the queue database {path}"
    match problem:
        case apsw.FullError():
            return SpoolFull(f"the disk of {where} is full ({problem}); make room")
        case apsw.BusyError() | apsw.LockedError():
            return SpoolHeld(f"{where} is in use by another process ({problem}); end it, or use another directory")
        case apsw.NotADBError() | apsw.CorruptError():
            return SpoolError(f"{where} is damaged or no database ({problem}); move it away, or restore a backup")
        case apsw.CantOpenError() | apsw.ReadOnlyError() | apsw.PermissionsError():
            return SpoolForbidden(
                f"{where} cannot be written ({problem}); see to the permissions of it and its directory"
            )
        case _:
            return SpoolError(f"{where} has failed ({problem}); see to the disk")
