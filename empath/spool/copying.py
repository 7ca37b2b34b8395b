"""The copy of a SQLite database that is in use: a portion of its pages after each transaction, and no pause in between.

SQLite's backup does it (https://www.sqlite.org/backup.html). What a transaction changes of pages that were copied goes
into the copy as well, since both share a connection; so the copy is the database as it is when its last page was taken.
The copy is synced by another thread, afterwards: that may take seconds, and mail does not wait for it.
"""

from __future__ import annotations

from contextlib import closing, suppress
from typing import Any, Final, Protocol

import apsw
from attrs import define, field, frozen

from empath.spool import statements as sql
from empath.spool.contract import BodyFile, SpoolError
from empath.spool.database import explained

DATABASE: Final = "queue.sqlite3"
"""The name of the file of a queue in its directory."""
_PAGES: Final = 200
_BODIES: Final = "SELECT body_file, size_bytes, body_crc FROM message WHERE body_file IS NOT NULL"


@frozen(kw_only=True)
class Copied:
    """What a copy has."""

    messages: int
    bodies: tuple[BodyFile, ...]
    """Large ones, which are still to be copied."""


class Copying(Protocol):
    """A copy that is being made. All but ``finish`` is called in the thread of the store."""

    backend: str
    """Which kind of store the copy is for."""

    def go_on(self) -> bool:
        """Copy a portion, between two transactions; whether there is more. A SpoolError, an `OSError`: it failed."""

    def finish(self) -> Copied:
        """Make the copy durable, once there is no more. It may take long. Raises SpoolError, `OSError`."""

    def end(self) -> None:
        """Have nothing to do with the copy any more, complete or not. Never fails."""


@define(eq=False)
class DatabaseCopy:
    """See ``Copying``."""

    _source: apsw.Connection
    _path: str
    _vfs: str
    backend: str = "sqlite"
    _target: apsw.Connection | None = field(init=False, default=None)
    _backup: apsw.Backup | None = field(init=False, default=None)

    def go_on(self) -> bool:
        """See ``Copying``."""
        try:
            if self._backup is None:
                self._target = apsw.Connection(self._path, vfs=self._vfs)
                self._target.pragma("synchronous", "OFF")
                self._backup = self._target.backup("main", self._source, "main")
            if self._backup.step(_PAGES):
                self.end()
                return False
        except apsw.Error as problem:
            self.end()
            raise explained(problem, self._path) from problem
        return True

    def finish(self) -> Copied:
        """See ``Copying``. The header is written anew without a log; its sync is that of the whole file."""
        try:
            with closing(apsw.Connection(self._path, vfs=self._vfs)) as copy:
                copy.pragma("locking_mode", "EXCLUSIVE")
                copy.pragma("journal_mode", "DELETE")
                copy.pragma("synchronous", "FULL")
                copy.pragma("user_version", copy.pragma("user_version"))
                counted: list[tuple[Any, ...]] = copy.execute(sql.COUNT_MESSAGES).fetchall()
                bodies = tuple(
                    [
                        BodyFile(name=name, size_bytes=size_bytes, checksum=check)
                        for name, size_bytes, check in copy.execute(_BODIES)
                    ]
                )
        except apsw.Error as problem:
            raise explained(problem, self._path) from problem
        return Copied(messages=counted[0][0], bodies=bodies)

    def end(self) -> None:
        """See ``Copying``."""
        with suppress(apsw.Error):
            if self._backup is not None:
                self._backup.close(True)
        with suppress(apsw.Error):
            if self._target is not None:
                self._target.close()
        self._backup = self._target = None


@define(eq=False)
class Copies:
    """The one copy that a store may be making."""

    _copy: Copying | None = None
    _problem: Exception | None = None
    _has_more: bool = False
    _is_asked: bool = False

    def begin(self, copy: Copying) -> None:
        """Make this one from now on."""
        self.end()
        self._copy, self._problem, self._has_more = copy, None, True

    def step(self) -> None:
        """Copy a portion, if somebody has asked for one. For between transactions; never fails."""
        if not self._is_asked:
            return
        self._is_asked = False
        if self._copy is None or not self._has_more:
            return
        try:
            self._has_more = self._copy.go_on()
        except (SpoolError, OSError) as problem:
            self._problem, self._has_more = problem, False

    def ask(self) -> bool:
        """Ask for a portion after this transaction; whether there is more to be copied. Raises what has gone wrong.

        Other transactions copy nothing: somebody waits for them.
        """
        self._is_asked = True
        if self._problem is not None:
            raise SpoolError(f"the copy cannot be made: {self._problem}") from self._problem
        return self._has_more

    def end(self) -> None:
        """Make no copy any more."""
        if self._copy is not None:
            self._copy.end()
        self._copy, self._problem, self._has_more = None, None, False
