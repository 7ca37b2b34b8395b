"""Looking at all of a spool that nobody has open: is each message what was accepted, and is all that it needs there?

Nothing is changed. Both directions are looked at: rows whose files are missing or are other ones, and files that no row
needs. One message is in memory at a time, however many there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import PurePath
from typing import Any, Final

import apsw
from attrs import define, field

from empath.spool import statements as sql
from empath.spool.belonging import BODIES, MARK, Halves
from empath.spool.checking import file_objection, objection
from empath.spool.contract import BodyFile, Fault, Finding, SpoolError
from empath.spool.database import explained
from empath.spool.schema import APPLICATION_ID, SCHEMA_VERSION
from empath.spool.stored import StoredMessage
from empath.world.files import FileCalls
from empath.world.ports import TEMPORARY_SUFFIX

_MOST_LINES: Final = 100
"""What SQLite says about a database that is damaged all over."""
_ORPHANS: Final = (
    "SELECT DISTINCT message FROM delivery WHERE NOT EXISTS (SELECT 1 FROM message WHERE id = message) ORDER BY message"
)


@define(eq=False)
class Verification:
    """Goes through a spool once. ``findings`` first; the counts are right when it has ended."""

    _connection: apsw.Connection
    _calls: FileCalls
    _path: PurePath
    messages: int = field(init=False, default=0)
    deliveries: int = field(init=False, default=0)
    files: int = field(init=False, default=0)
    size_bytes: int = field(init=False, default=0)
    """Of the bodies."""
    _needed: set[str] = field(init=False, factory=set)

    def findings(self) -> Iterator[Finding]:
        """All that is not as it should be. Raises SpoolError and OSError: it cannot be looked at."""
        try:
            yield from self._all()
        except apsw.Error as problem:
            yield Finding(Fault.DATABASE, self._connection.filename, f"it cannot be read any further: {problem}")

    def _all(self) -> Iterator[Finding]:
        self._needed = {name for (name,) in self._connection.execute(sql.FILES)}
        self._belong_together()
        for (line,) in self._connection.execute(f"PRAGMA integrity_check({_MOST_LINES})"):
            if line != "ok":
                yield Finding(Fault.DATABASE, self._connection.filename, str(line))
        ((self.deliveries,),) = self._connection.execute("SELECT count(*) FROM delivery")
        yield from self._messages()
        yield from self._leftovers()

    def _messages(self) -> Iterator[Finding]:
        quarantine: dict[int, tuple[str, str]] = {
            message: (mid, reason)
            for message, mid, reason in self._connection.execute("SELECT message, mid, reason FROM damage")
        }
        rows = self._connection.execute("SELECT id FROM message ORDER BY id")
        for (message,) in chain(rows, self._connection.execute(_ORPHANS)):
            self.messages += 1
            mid, damage = self._look_at(message)
            if message in quarantine:
                mid, reason = quarantine[message]
                yield Finding(Fault.QUARANTINED, mid, damage or f"{reason} (when it was due; now nothing is wrong)")
            elif damage is not None:
                yield Finding(Fault.DAMAGED, mid, damage)

    def _look_at(self, message: int) -> tuple[str, str | None]:
        """The name of a message, and what is wrong with it."""
        try:
            found: list[tuple[Any, ...]] = self._connection.execute(sql.READ, (message,)).fetchall()
        except apsw.CorruptError as problem:
            return f"number {message}", f"its row cannot be read: {problem}"
        if not found:
            return f"number {message}", "its row is not there"
        row = StoredMessage(*found[0])
        self.size_bytes += row.size_bytes
        damage = row.damage()
        return row.mid, damage.reason if damage else objection(row, self._ordinals(message)) or self._file(row)

    def _file(self, row: StoredMessage) -> str | None:
        body = row.body
        return file_objection(self._calls, self._path / BODIES, body) if isinstance(body, BodyFile) else None

    def _ordinals(self, message: int) -> list[int]:
        return [ordinal for (ordinal,) in self._connection.execute(sql.ORDINALS, (message,))]

    def _leftovers(self) -> Iterator[Finding]:
        for name in sorted(self._names()):
            if name in self._needed:
                self.files += 1
            else:
                why = "it was not finished" if name.endswith(TEMPORARY_SUFFIX) else "no message needs it"
                detail = f"{why}; the next start removes it"
                yield Finding(Fault.LEFTOVER, str(self._path / BODIES / name), detail)

    def _names(self) -> list[str]:
        try:
            return self._calls.names(str(self._path / BODIES))
        except FileNotFoundError:
            return []

    def _belong_together(self) -> None:
        """Raise SpoolError if the next start would do so."""
        found = self._connection.execute(sql.IDENTITY).fetchall()
        bodies = frozenset(name for name in self._names() if not name.endswith(TEMPORARY_SUFFIX))
        Halves(
            path=self._path,
            queue_token=str(found[0][0]) if found else None,
            bodies_token=self._mark(),
            bodies=bodies,
            needed=frozenset(self._needed),
        ).token()

    def _mark(self) -> str | None:
        try:
            handle = self._calls.open(str(self._path / MARK))
        except FileNotFoundError:
            return None
        try:
            return self._calls.read_at(handle, 1024, 0).decode(errors="replace").strip()
        finally:
            self._calls.close(handle)


def open_to_look(database: str, calls: FileCalls) -> apsw.Connection:
    """Open the database of a queue without changing it. A SpoolError: it cannot be, or is of another version."""
    try:
        calls.size_bytes(database)
    except FileNotFoundError:
        raise SpoolError(f"there is no queue {database}") from None
    try:
        connection = apsw.Connection(database, flags=apsw.SQLITE_OPEN_READWRITE)
        # What a daemon that died has left in its log is read, and left there for the next one.
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, int(_has_log(database, calls)))
        connection.pragma("locking_mode", "EXCLUSIVE")
        application, version = connection.pragma("application_id"), connection.pragma("user_version")
    except apsw.Error as problem:
        raise explained(problem, database) from problem
    if application != APPLICATION_ID:
        raise SpoolError(f"{database} is no queue")
    if version != SCHEMA_VERSION:
        known = f"this program looks at {SCHEMA_VERSION}: an earlier one becomes that when the daemon starts"
        raise SpoolError(f"the queue {database} has schema {version}, and {known}")
    return connection


def _has_log(database: str, calls: FileCalls) -> bool:
    try:
        return calls.size_bytes(f"{database}-wal") > 0
    except FileNotFoundError:
        return False
