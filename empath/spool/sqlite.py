"""The default backend: one SQLite database, one connection, one writer.

A small body lies in the row of its message, so acceptance is one write to one file. A transaction that only moves
deliveries along is written without an own sync: a loss of power may undo it, and then a claim is made again, or a
message delivered twice, but none is lost. A mere crash of the process undoes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import starmap
from typing import Any, Final

import apsw
import outcome
from attrs import define, field

from empath.mail.ids import MessageId
from empath.spool.claiming import claim
from empath.spool.committer import Operation
from empath.spool.contract import (
    ANYTHING,
    Acceptance,
    Body,
    BodyFile,
    Claim,
    Claimed,
    ClaimedDelivery,
    DeliveryKey,
    Demand,
    Fate,
    Finished,
    SpoolError,
    Statistics,
)
from empath.spool.database import Database, connect, explained
from empath.spool.schema import APPLICATION_ID, SCHEMA, SCHEMA_VERSION
from empath.spool.store import Store

_ADD_MESSAGE: Final = "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?)"
_ADD_DELIVERY: Final = "INSERT INTO delivery VALUES (?, ?, ?, 0, 0, ?, x'', NULL)"
_WAITING: Final = "SELECT message, ordinal, domain, attempts, last FROM delivery WHERE claimed = 0"
_ORDER: Final = "ORDER BY next_attempt, message, ordinal LIMIT ?"
_DUE: Final = f"{_WAITING} AND next_attempt <= ? {_ORDER}"
_ASTRAY: Final = f"{_WAITING} AND next_attempt > ? {_ORDER}"
_ASIDE: Final = """
SELECT message, ordinal, domain, attempts, last FROM delivery WHERE aside = ?1 AND message <= (
    SELECT max(message) FROM (SELECT DISTINCT message FROM delivery WHERE aside = ?1 ORDER BY message LIMIT ?2)
) ORDER BY message, ordinal LIMIT ?3
"""
_TAKE: Final = "UPDATE delivery SET claimed = 1, next_attempt = ?, aside = NULL WHERE message = ? AND ordinal = ?"
_SET_ASIDE: Final = "UPDATE delivery SET aside = ?, next_attempt = ? WHERE message = ? AND ordinal = ?"
_READ: Final = "SELECT mid, received, envelope, size_bytes, body_file, body FROM message WHERE id = ?"
_NEXT_DUE: Final = "SELECT next_attempt FROM delivery WHERE claimed = 0 ORDER BY next_attempt LIMIT 1"
_SITES: Final = "SELECT DISTINCT aside FROM delivery WHERE aside IS NOT NULL"
_FINISH: Final = "DELETE FROM delivery WHERE message = ? AND ordinal = ?"
_RETIRE: Final = (
    "DELETE FROM message WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM delivery WHERE message = ?1) RETURNING body_file"
)
_POSTPONE: Final = (
    "UPDATE delivery SET claimed = 0, next_attempt = ?, attempts = ?, last = ?, aside = NULL"
    " WHERE message = ? AND ordinal = ?"
)


def open_database(path: str, vfs: str | None = None, *, mode_of: str | None = None) -> SqliteStore:
    """Open the database at ``path``, or make it, as private as the file ``mode_of``. A SpoolError: it cannot be used.

    What was claimed when the last daemon ended waits again, until the moment that the claim had set.
    """
    try:
        database = Database(connect(path, vfs=vfs, mode_of=mode_of))
        try:
            store = SqliteStore(database)
            store.prepare(path, widen=vfs is None)
        except BaseException:
            database.close()
            raise
    except apsw.Error as problem:
        raise explained(problem, path) from problem
    return store


@define(eq=False)
class SqliteStore:
    """See ``store.Store``."""

    _database: Database
    _connection: apsw.Connection = field(init=False)
    _number: int = field(init=False, default=0)
    """Of the latest message. None is given twice in a process: a fate that is recorded late meets no other message."""

    def __attrs_post_init__(self) -> None:
        self._connection = self._database.connection

    def prepare(self, path: str, *, widen: bool) -> None:
        """See to it that the database is ours and of a version that we know, or new; and take back what was claimed."""
        new = self._is_new(path)
        self._database.use_log()
        if widen:
            self._database.widen_log()
        with self._database.transaction(durable=True):
            if new:
                self._connection.execute(SCHEMA)
                self._connection.pragma("application_id", APPLICATION_ID)
            self.touch()
            self._connection.execute("UPDATE delivery SET claimed = 0 WHERE claimed = 1")
        self._number = self._row("SELECT coalesce(max(id), 0) FROM message")[0]

    def _is_new(self, path: str) -> bool:
        """Whether there is nothing in it yet. Nothing of a foreign database is touched."""
        version = self._connection.pragma("user_version")
        application = self._connection.pragma("application_id")
        if version == application == self._row("SELECT count(*) FROM sqlite_schema")[0] == 0:
            return True
        if application != APPLICATION_ID:
            raise SpoolError(f"{path} is a database, but no queue; give delivery.queue_path a directory of its own")
        if version != SCHEMA_VERSION:
            known = f"this program knows {SCHEMA_VERSION}"
            raise SpoolError(f"the queue {path} has schema {version}, {known}; install the version that wrote it")
        return False

    def commit(self, operations: Sequence[Operation[Store]], *, durable: bool) -> list[outcome.Outcome[object]]:
        """See ``committer.Transactions``. If one operation fails, each is done again in a transaction of its own."""
        try:
            results = self._together(operations, durable=durable)
        except Exception:
            results = [self._alone(operation, durable=durable) for operation in operations]
        self._database.keep_log_short()
        return results

    def _together(self, operations: Sequence[Operation[Store]], *, durable: bool) -> list[outcome.Outcome[object]]:
        with self._database.transaction(durable=durable):
            return [outcome.Value(operation(self)) for operation in operations]

    def _alone(self, operation: Operation[Store], *, durable: bool) -> outcome.Outcome[object]:
        try:
            return self._together([operation], durable=durable)[0]
        except apsw.Error as problem:
            return outcome.Error(explained(problem))
        except Exception as problem:
            return outcome.Error(problem)

    def accept(self, acceptance: Acceptance) -> None:
        """See ``store.Store``."""
        body = acceptance.body
        stored = (body.size_bytes, body.name, None) if isinstance(body, BodyFile) else (len(body), None, body)
        execute = self._connection.execute
        self._number += 1
        message = self._number
        try:
            execute(_ADD_MESSAGE, (message, str(acceptance.mid), acceptance.received, acceptance.envelope, *stored))
        except apsw.ConstraintError as problem:
            raise SpoolError(f"message {acceptance.mid} is here already") from problem
        for ordinal, domain in enumerate(acceptance.domains):
            execute(_ADD_DELIVERY, (message, ordinal, domain, acceptance.next_attempt))

    def claim(self, *, now: float, until: float, latest: float, room: int, demand: Demand = ANYTHING) -> Claimed:
        """See ``contract.Spool``."""
        return claim(self, now=now, until=until, latest=latest, room=room, demand=demand)

    def due(self, *, now: float, latest: float, limit: int) -> list[ClaimedDelivery]:
        """See ``claiming.Rows``."""
        due = list(starmap(_waiting, self._connection.execute(_DUE, (now, limit))))
        astray = self._connection.execute(_ASTRAY, (max(now, latest), limit - len(due)))
        return [*due, *starmap(_waiting, astray)]

    def aside(self, site: str, *, messages: int, limit: int) -> list[ClaimedDelivery]:
        """See ``claiming.Rows``."""
        return list(starmap(_waiting, self._connection.execute(_ASIDE, (site, messages, limit))))

    def envelope(self, message: int) -> bytes:
        """See ``claiming.Rows``."""
        return bytes(self._row("SELECT envelope FROM message WHERE id = ?", message)[0])

    def take(self, deliveries: tuple[ClaimedDelivery, ...], until: float) -> Claim:
        """See ``claiming.Rows``."""
        for one in deliveries:
            self._connection.execute(_TAKE, (until, one.key.message, one.key.ordinal))
        mid, received, envelope, size_bytes, body_file, content = self._row(_READ, deliveries[0].key.message)
        body: Body = content if body_file is None else BodyFile(name=body_file, size_bytes=size_bytes)
        return Claim(mid=MessageId.parse(mid), received=received, envelope=envelope, body=body, deliveries=deliveries)

    def set_aside(self, key: DeliveryKey, site: str, next_attempt: float) -> None:
        """See ``claiming.Rows``."""
        self._connection.execute(_SET_ASIDE, (site, next_attempt, key.message, key.ordinal))

    def next_due(self) -> float | None:
        """See ``claiming.Rows``."""
        found: list[tuple[Any, ...]] = self._connection.execute(_NEXT_DUE).fetchall()
        return float(found[0][0]) if found else None

    def sites_aside(self) -> frozenset[str]:
        """See ``contract.Spool``."""
        return frozenset(row[0] for row in self._connection.execute(_SITES))

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

    def touch(self) -> None:
        """See ``store.Store``."""
        self._connection.pragma("user_version", SCHEMA_VERSION)

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
        self._database.close()


def _waiting(message: int, ordinal: int, domain: str, attempts: int, last: bytes) -> ClaimedDelivery:
    return ClaimedDelivery(key=DeliveryKey(message, ordinal), domain=domain, attempts=attempts, last=last)
