"""The default backend: one SQLite database, one connection, one writer.

A small body lies in the row of its message, so acceptance is one write to one file. A transaction that only moves
deliveries along is written without an own sync: a loss of power may undo it, and then a claim is made again, or a
message delivered twice, but none is lost. A mere crash of the process undoes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import starmap
from typing import Any

import apsw
import outcome
from attrs import define, field

from empath.spool import statements as sql
from empath.spool.claiming import claim
from empath.spool.committer import Operation
from empath.spool.contract import (
    ANYTHING,
    Acceptance,
    Claim,
    Claimed,
    ClaimedDelivery,
    Damage,
    DeliveryKey,
    Demand,
    Fate,
    Finished,
    Quarantined,
    SpoolError,
    SpoolFull,
    Statistics,
)
from empath.spool.database import Database, connect, explained
from empath.spool.schema import APPLICATION_ID, SCHEMA, SCHEMA_VERSION, upgrade
from empath.spool.store import Store
from empath.spool.stored import StoredMessage
from empath.world.reserve import Reserve


def open_database(
    path: str, vfs: str | None = None, *, mode_of: str | None = None, reserve: Reserve | None = None
) -> SqliteStore:
    """Open the database at ``path``, or make it, as private as the file ``mode_of``. A SpoolError: it cannot be used.

    What was claimed when the last daemon ended waits again, until the moment that the claim had set.
    """
    try:
        database = Database(connect(path, vfs=vfs, mode_of=mode_of), reserve)
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

    _has_damage: bool = field(init=False, default=False)
    """Whether there may be a row in ``damage``."""
    _unreadable: dict[int, Damage] = field(init=False, factory=dict)
    """Messages whose rows this process has failed to read."""

    def __attrs_post_init__(self) -> None:
        self._connection = self._database.connection

    def prepare(self, path: str, *, widen: bool) -> None:
        """See to it that the database is ours and of a version that we know, or new; and take back what was claimed."""
        steps = self._steps(path)
        self._database.use_log()
        if widen:
            self._database.widen_log()
        with self._database.transaction(durable=True):
            self._connection.execute(steps)
            self._connection.pragma("application_id", APPLICATION_ID)
            self.touch()
            self._connection.execute(sql.UNCLAIM)
        self._number = self._row(sql.LATEST)[0]
        self._has_damage = bool(self.quarantine())
        self._database.keeps_reserve()

    def _steps(self, path: str) -> str:
        """What makes the tables ours, of the present version. Nothing of a foreign database is touched."""
        version = self._connection.pragma("user_version")
        application = self._connection.pragma("application_id")
        if version == application == self._row("SELECT count(*) FROM sqlite_schema")[0] == 0:
            return SCHEMA
        if application != APPLICATION_ID:
            raise SpoolError(f"{path} is a database, but no queue; give delivery.queue_path a directory of its own")
        return upgrade(version, path)

    def commit(self, operations: Sequence[Operation[Store]], *, durable: bool) -> list[outcome.Outcome[object]]:
        """See ``committer.Transactions``. If one operation fails, each is done again in a transaction of its own."""
        try:
            results = self._together(operations, durable=durable)
        except Exception:
            results = [self._alone(operation, durable=durable) for operation in operations]
        self._database.keep_log_short()
        self._database.give_room_back()
        return results

    def _together(self, operations: Sequence[Operation[Store]], *, durable: bool) -> list[outcome.Outcome[object]]:
        with self._database.transaction(durable=durable):
            return [outcome.Value(operation(self)) for operation in operations]

    def _alone(self, operation: Operation[Store], *, durable: bool) -> outcome.Outcome[object]:
        """Do one operation; again, if it has found another row that cannot be read and is to be passed over."""
        while True:
            known = len(self._unreadable)
            try:
                return self._together([operation], durable=durable)[0]
            except apsw.Error as problem:
                if len(self._unreadable) == known:
                    return outcome.Error(explained(problem))
            except Exception as problem:
                return outcome.Error(problem)

    def accept(self, acceptance: Acceptance) -> None:
        """See ``store.Store``."""
        if not self._database.keeps_reserve():
            raise SpoolFull("the disk of the queue is full, and what is here needs the rest of it; make room")
        execute = self._connection.execute
        self._number += 1
        message = self._number
        row = StoredMessage.of(acceptance)
        try:
            execute(sql.ADD_MESSAGE, (message, *row.columns))
        except apsw.ConstraintError as problem:
            raise SpoolError(f"message {acceptance.mid} is here already") from problem
        for ordinal, domain in enumerate(acceptance.domains):
            execute(sql.ADD_DELIVERY, (message, ordinal, domain, acceptance.next_attempt))

    def claim(self, *, now: float, until: float, latest: float, room: int, demand: Demand = ANYTHING) -> Claimed:
        """See ``contract.Spool``."""
        return claim(self, now=now, until=until, latest=latest, room=room, demand=demand)

    def due(self, *, now: float, latest: float, limit: int) -> list[ClaimedDelivery]:
        """See ``claiming.Rows``."""
        due = list(starmap(_waiting, self._connection.execute(sql.DUE, (now, limit))))
        astray = self._connection.execute(sql.ASTRAY, (max(now, latest), limit - len(due)))
        return [*due, *starmap(_waiting, astray)]

    def aside(self, site: str, *, messages: int, limit: int) -> list[ClaimedDelivery]:
        """See ``claiming.Rows``."""
        return list(starmap(_waiting, self._connection.execute(sql.ASIDE, (site, messages, limit))))

    def envelope(self, message: int) -> bytes | None:
        """See ``claiming.Rows``."""
        found = [] if message in self._unreadable else self._look(sql.ENVELOPE, message)
        return found[0][0] if found else None

    def take(self, deliveries: tuple[ClaimedDelivery, ...], until: float) -> Claim | Damage:
        """See ``claiming.Rows``."""
        message = deliveries[0].key.message
        read = self._read(message)
        if isinstance(read, Damage):
            for one in deliveries:
                self._quarantine(one.key, read)
            return read
        for one in deliveries:
            self._connection.execute(sql.TAKE, (until, one.key.message, one.key.ordinal))
        return read.claim(deliveries)

    def _read(self, message: int) -> StoredMessage | Damage:
        """Read the row of a message. A page of it may be unreadable without harm to any other row."""
        known = self._unreadable.get(message)
        if known is not None:
            return known
        found = self._look(sql.READ, message)
        if not found:
            return Damage(mid=_nameless(message), reason="its row is not there")
        row = StoredMessage(*found[0])
        return row.damage() or row

    def _look(self, query: str, message: int) -> list[tuple[Any, ...]]:
        """Read columns of a message. If that fails the transaction is good for nothing, but can be made again."""
        try:
            return self._connection.execute(query, (message,)).fetchall()
        except apsw.CorruptError as problem:
            damage = Damage(mid=self._name(message), reason=f"its row cannot be read: {problem}")
            self._unreadable[message] = damage
            raise

    def _name(self, message: int) -> str:
        """The name of a message, as far as it can be known."""
        with suppress(apsw.CorruptError):
            for (mid,) in self._connection.execute(sql.NAME, (message,)):
                return str(mid)
        return _nameless(message)

    def _quarantine(self, key: DeliveryKey, damage: Damage) -> None:
        self._connection.execute(sql.QUARANTINE, (key.message, key.ordinal))
        if self._connection.changes():
            self._connection.execute(sql.ADD_DAMAGE, (key.message, damage.mid, damage.reason))
            self._has_damage = True

    def set_aside(self, key: DeliveryKey, site: str, next_attempt: float) -> None:
        """See ``claiming.Rows``."""
        self._connection.execute(sql.SET_ASIDE, (site, next_attempt, key.message, key.ordinal))

    def next_due(self) -> float | None:
        """See ``claiming.Rows``."""
        found: list[tuple[Any, ...]] = self._connection.execute(sql.NEXT_DUE).fetchall()
        return float(found[0][0]) if found else None

    def sites_aside(self) -> frozenset[str]:
        """See ``contract.Spool``."""
        return frozenset(row[0] for row in self._connection.execute(sql.SITES))

    def record(self, fates: Iterable[Fate]) -> list[str]:
        """See ``store.Store``."""
        touched = set()
        for fate in fates:
            if isinstance(fate, Finished):
                self._connection.execute(sql.FINISH, (fate.key.message, fate.key.ordinal))
                touched.add(fate.key.message)
            elif isinstance(fate, Quarantined):
                self._quarantine(fate.key, Damage(mid=self._name(fate.key.message), reason=fate.reason))
            else:
                postponed = (fate.next_attempt, fate.attempts, fate.last, fate.key.message, fate.key.ordinal)
                self._connection.execute(sql.POSTPONE, postponed)
        retired = [(message, row) for message in touched for row in self._connection.execute(sql.RETIRE, (message,))]
        if self._has_damage:
            for message, _ in retired:
                self._connection.execute(sql.FORGET_DAMAGE, (message,))
        return [body_file for _, (body_file,) in retired if body_file is not None]

    def touch(self) -> None:
        """See ``store.Store``."""
        self._connection.pragma("user_version", SCHEMA_VERSION)

    def body_files(self) -> set[str]:
        """See ``store.Store``."""
        return {row[0] for row in self._connection.execute(sql.FILES)}

    def statistics(self) -> Statistics:
        """See ``contract.Spool``. It reads all deliveries: not for the hot path."""
        messages = self._row(sql.COUNT_MESSAGES)[0]
        counts = dict(self._connection.execute(sql.COUNT_DELIVERIES))
        waiting, claimed, quarantined = (counts.get(state, 0) for state in range(3))
        return Statistics(messages=messages, waiting=waiting, claimed=claimed, quarantined=quarantined)

    def quarantine(self) -> list[Damage]:
        """See ``contract.Spool``."""
        found = self._connection.execute(sql.DAMAGE)
        return [Damage(mid=mid, reason=reason) for mid, reason in found]

    def release(self, mid: str) -> int:
        """See ``contract.Spool``."""
        self._connection.execute(sql.RELEASE, (mid,))
        released = self._connection.changes()
        self._connection.execute(sql.FORGET_NAMED_DAMAGE, (mid,))
        return released

    def identity(self) -> str | None:
        """See ``store.Store``."""
        found = self._connection.execute(sql.IDENTITY).fetchall()
        return str(found[0][0]) if found else None

    def identify(self, token: str) -> None:
        """See ``store.Store``."""
        self._connection.execute(sql.IDENTIFY, (token,))

    def _row(self, query: str, *values: int) -> tuple[Any, ...]:
        """The one row of a query that has one. The types of its columns are those of the schema."""
        row: tuple[Any, ...] = self._connection.execute(query, values).fetchall()[0]
        return row

    def close(self) -> None:
        """See ``store.Store``. The last of the log is copied into the database."""
        self._database.close()


def _waiting(message: int, ordinal: int, domain: str, attempts: int, last: bytes) -> ClaimedDelivery:
    return ClaimedDelivery(key=DeliveryKey(message, ordinal), domain=domain, attempts=attempts, last=last)


def _nameless(message: int) -> str:
    return f"number {message}"
