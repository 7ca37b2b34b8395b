"""The default backend: one SQLite database in WAL mode, one connection, one writer.

A small body lies in the row of its message, so acceptance is one write to one file. ``synchronous`` is FULL for every
transaction that promises something to a peer; a transaction that only moves deliveries along is written without an own
flush: a loss of power may undo it, and then a claim is made again, or a message delivered twice (RFC 1047), but none is
lost. A mere crash of the process undoes nothing.

The connection has the database to itself (``locking_mode=EXCLUSIVE``), which also spares the shared memory of WAL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import apsw
import outcome
from attrs import define

from empath.mail.ids import MessageId
from empath.spool.committer import Operation
from empath.spool.contract import (
    Acceptance,
    Body,
    BodyFile,
    Claim,
    Claimed,
    ClaimedDelivery,
    DeliveryKey,
    Fate,
    Finished,
    SpoolError,
    SpoolFull,
    SpoolHeld,
    Statistics,
)
from empath.spool.store import Store

SCHEMA_VERSION: Final = 1
APPLICATION_ID: Final = 0x454D5051
"""Marks the file as ours: "EMPQ"."""
CHECKPOINT_PAGES: Final = 4000
"""Pages of 4 KiB in the log before they are copied into the database: the log stays at about 16 MiB."""

_SCHEMA: Final = """
CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    mid TEXT NOT NULL UNIQUE,
    received REAL NOT NULL,
    envelope BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    body_file TEXT,
    body BLOB
) STRICT;
CREATE TABLE delivery (
    message INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    domain TEXT NOT NULL,
    claimed INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt REAL NOT NULL,
    last BLOB NOT NULL,
    PRIMARY KEY (message, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX due ON delivery (next_attempt) WHERE claimed = 0;
"""

_ADD_MESSAGE: Final = "INSERT INTO message VALUES (NULL, ?, ?, ?, ?, ?, ?)"
_ADD_DELIVERY: Final = "INSERT INTO delivery VALUES (?, ?, ?, 0, 0, ?, x'')"
_DUE: Final = (
    "SELECT message, ordinal, domain, attempts, last FROM delivery"
    " WHERE claimed = 0 AND next_attempt <= ? ORDER BY next_attempt LIMIT ?"
)
_TAKE: Final = "UPDATE delivery SET claimed = 1, next_attempt = ? WHERE message = ? AND ordinal = ?"
_READ: Final = "SELECT mid, received, envelope, size_bytes, body_file, body FROM message WHERE id = ?"
_NEXT_DUE: Final = "SELECT next_attempt FROM delivery WHERE claimed = 0 ORDER BY next_attempt LIMIT 1"
_FINISH: Final = "DELETE FROM delivery WHERE message = ? AND ordinal = ?"
_RETIRE: Final = (
    "DELETE FROM message WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM delivery WHERE message = ?1) RETURNING body_file"
)
_POSTPONE: Final = (
    "UPDATE delivery SET claimed = 0, next_attempt = ?, attempts = ?, last = ? WHERE message = ? AND ordinal = ?"
)


def open_database(path: str, vfs: str | None = None) -> SqliteStore:
    """Open the database at ``path``, or make it. A SpoolError says why it cannot be used.

    What was claimed when the last daemon ended waits again, until the moment that the claim had set.
    """
    try:
        connection = apsw.Connection(path, vfs=vfs)
        connection.pragma("locking_mode", "EXCLUSIVE")
        connection.pragma("journal_mode", "WAL")
        connection.pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        connection.pragma("synchronous", "FULL")
        store = SqliteStore(connection)
        store.prepare()
        if vfs is None:
            store.widen_log()
    except apsw.Error as problem:
        raise _translate(problem) from problem
    return store


@define(eq=False)
class SqliteStore:
    """See ``store.Store``."""

    _connection: apsw.Connection
    _durable: bool = True

    def prepare(self) -> None:
        """Make the tables if this is a new database, and see to it that it is ours and of a version that we know."""
        version = self._connection.pragma("user_version")
        if version == 0 and not self._row("SELECT count(*) FROM sqlite_schema")[0]:
            with self._connection:
                self._connection.execute(_SCHEMA)
                self._connection.pragma("application_id", APPLICATION_ID)
                self._connection.pragma("user_version", SCHEMA_VERSION)
        elif self._connection.pragma("application_id") != APPLICATION_ID:
            raise SpoolError("the database is not an Empath queue; give delivery.queue_path a directory of its own")
        elif version != SCHEMA_VERSION:
            raise SpoolError(
                f"the queue has schema {version}, this program knows {SCHEMA_VERSION}: install its version"
            )
        self._connection.execute("UPDATE delivery SET claimed = 0 WHERE claimed = 1")

    def widen_log(self) -> None:
        """Let the log take its room on the disk now, once.

        A flush that makes a file longer has to write the file's description too; one that writes over octets that are
        there costs a third less. It takes some fifty milliseconds at the start.
        """
        with self._connection:
            self._connection.execute("CREATE TABLE room (octets BLOB)")
            self._connection.execute("INSERT INTO room VALUES (zeroblob(?))", (CHECKPOINT_PAGES * 3500,))
        with self._connection:
            self._connection.execute("DROP TABLE room")
        self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
        self._connection.execute("VACUUM")

    def commit(self, operations: Sequence[Operation[Store]], *, durable: bool) -> list[outcome.Outcome[object]]:
        """See ``committer.Transactions``. If one operation fails, each is done again in a transaction of its own."""
        if durable is not self._durable:
            self._connection.pragma("synchronous", "FULL" if durable else "NORMAL")
            self._durable = durable
        try:
            return self._together(operations)
        except Exception:
            return [self._alone(operation) for operation in operations]

    def _together(self, operations: Sequence[Operation[Store]]) -> list[outcome.Outcome[object]]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            results: list[outcome.Outcome[object]] = [outcome.Value(operation(self)) for operation in operations]
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return results

    def _alone(self, operation: Operation[Store]) -> outcome.Outcome[object]:
        try:
            return self._together([operation])[0]
        except apsw.Error as problem:
            return outcome.Error(_translate(problem))
        except Exception as problem:
            return outcome.Error(problem)

    def accept(self, acceptance: Acceptance) -> None:
        """See ``store.Store``."""
        body = acceptance.body
        stored = (body.size_bytes, body.name, None) if isinstance(body, BodyFile) else (len(body), None, body)
        execute = self._connection.execute
        execute(_ADD_MESSAGE, (str(acceptance.mid), acceptance.received, acceptance.envelope, *stored))
        message = self._connection.last_insert_rowid()
        for ordinal, domain in enumerate(acceptance.domains):
            execute(_ADD_DELIVERY, (message, ordinal, domain, acceptance.next_attempt))

    def claim(self, *, now: float, until: float, room: int) -> Claimed:
        """See ``contract.Spool``."""
        due: dict[int, list[ClaimedDelivery]] = {}
        rows: list[tuple[Any, ...]] = self._connection.execute(_DUE, (now, room)).fetchall()
        for message, ordinal, domain, attempts, last in rows:
            self._connection.execute(_TAKE, (until, message, ordinal))
            key = DeliveryKey(message, ordinal)
            due.setdefault(message, []).append(ClaimedDelivery(key=key, domain=domain, attempts=attempts, last=last))
        claims = [self._claim(message, tuple(deliveries)) for message, deliveries in due.items()]
        next_due: list[tuple[Any, ...]] = self._connection.execute(_NEXT_DUE).fetchall()
        return Claimed(claims=claims, next_due=float(next_due[0][0]) if next_due else None)

    def _claim(self, message: int, deliveries: tuple[ClaimedDelivery, ...]) -> Claim:
        mid, received, envelope, size_bytes, body_file, content = self._row(_READ, message)
        body: Body = content if body_file is None else BodyFile(name=body_file, size_bytes=size_bytes)
        return Claim(mid=MessageId.parse(mid), received=received, envelope=envelope, body=body, deliveries=deliveries)

    def record(self, fates: Iterable[Fate]) -> list[str]:
        """See ``store.Store``."""
        touched = set()
        for fate in fates:
            if isinstance(fate, Finished):
                self._connection.execute(_FINISH, (fate.key.message, fate.key.ordinal))
                touched.add(fate.key.message)
            else:
                postponed = (fate.next_attempt, fate.attempts, fate.last, fate.key.message, fate.key.ordinal)
                self._connection.execute(_POSTPONE, postponed)
        retired = [self._connection.execute(_RETIRE, (message,)).fetchone() for message in touched]
        return [row[0] for row in retired if row is not None and row[0] is not None]

    def body_files(self) -> set[str]:
        """See ``store.Store``."""
        return {row[0] for row in self._connection.execute("SELECT body_file FROM message WHERE body_file IS NOT NULL")}

    def statistics(self) -> Statistics:
        """See ``contract.Spool``. It reads all deliveries: not for the hot path."""
        messages = self._row("SELECT count(*) FROM message")[0]
        counts = dict(self._connection.execute("SELECT claimed, count(*) FROM delivery GROUP BY claimed"))
        return Statistics(messages=messages, waiting=counts.get(0, 0), claimed=counts.get(1, 0))

    def _row(self, query: str, *values: int) -> tuple[Any, ...]:
        """The one row of a query that has one. The types of its columns are those of the schema."""
        row: tuple[Any, ...] = self._connection.execute(query, values).fetchall()[0]
        return row

    def close(self) -> None:
        """See ``store.Store``. The last of the log is copied into the database."""
        self._connection.close()


def _translate(problem: apsw.Error) -> SpoolError:
    text = str(problem)
    if isinstance(problem, apsw.FullError):
        return SpoolFull(f"the disk is full: {text}")
    if isinstance(problem, apsw.BusyError | apsw.LockedError):
        return SpoolHeld(f"another process uses the database: {text}")
    return SpoolError(f"the database failed: {text}")
