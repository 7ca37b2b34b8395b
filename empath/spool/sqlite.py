"""The default backend: one SQLite database, one connection, one writer.

A small body lies in the row of its message, so acceptance is one write to one file. A transaction that only moves
deliveries along is written without an own sync: a loss of power may undo it, and then a claim is made again, or a
message delivered twice, but none is lost. A mere crash of the process undoes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import apsw
import outcome
from attrs import define, field

from empath.mail.ids import MessageId
from empath.spool import statements as sql
from empath.spool.claiming import claim, claim_rows
from empath.spool.committer import Operation
from empath.spool.contract import (
    ANYTHING,
    Acceptance,
    Action,
    Claimed,
    Damage,
    DeliveryKey,
    Demand,
    Fate,
    Retention,
    Row,
    Selector,
    SpoolError,
    SpoolFull,
    Statistics,
)
from empath.spool.database import Database, connect, explained
from empath.spool.ending import Ending
from empath.spool.finding import Ages, DatabaseLookups, Finder
from empath.spool.keeping import Keeping, Listing
from empath.spool.reading import Reader
from empath.spool.schema import APPLICATION_ID, SCHEMA, SCHEMA_VERSION, upgrade
from empath.spool.sqlite_care import SqliteCare
from empath.spool.store import Look, Purged, Store
from empath.spool.stored import StoredMessage
from empath.spool.tally import CLAIMED, WAITS, Tally
from empath.spool.waiting import WaitingRows
from empath.spool.writes import Writes
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
class SqliteStore(SqliteCare):
    """See ``store.Store``."""

    _writes: Writes = field(init=False)
    _ending: Ending = field(init=False)
    _rows: WaitingRows = field(init=False)
    _finder: Finder = field(init=False)
    _listing: Listing = field(init=False)
    _ages: Ages = field(init=False, factory=Ages)
    _tally: Tally = field(init=False, factory=Tally)
    _number: int = field(init=False, default=0)
    """Of the latest message. None is given twice in a process: a fate that is recorded late meets no other message."""

    def __attrs_post_init__(self) -> None:
        connection = self._connection = self._database.connection
        self._reader = Reader(connection)
        self._writes = Writes(connection)
        self._ending = Ending(connection, self._reader, self._writes)
        self._rows = WaitingRows(connection, self._reader, self._ending, self._tally)
        self._finder = Finder(DatabaseLookups(connection, lambda: self._rows.priorities), self._ages)
        self._keeping = Keeping(connection)
        self._listing = Listing(connection)

    def prepare(self, path: str, *, widen: bool) -> None:
        """See to it that the database is ours and of a version that we know, or new; and take back what was claimed."""
        steps = self._steps(path)
        self._database.can_shrink()
        self._database.use_log()
        if widen:
            self._database.widen_log()
        with self._database.transaction(durable=True):
            self._connection.execute(steps)
            self._connection.pragma("application_id", APPLICATION_ID)
            self.touch()
            self._connection.execute(sql.UNCLAIM)
        self._number = self._row(sql.LATEST)[0]
        self._listing.open()
        self._ending.open()
        self._count()
        self._database.keeps_reserve()

    def _count(self) -> None:
        """See how much there is, and how old: the one time that all rows are counted."""
        self._tally.add_messages(self._row(sql.COUNT_MESSAGES)[0])
        first = self._row(sql.FIRST, -1)[0]
        if first is not None:
            self._ages.expect(first, self._row(sql.LAST)[0])
        while first is not None:
            first = self._count_run(first >> self._ages.bits)
        self._rows.open()

    def _count_run(self, run: int) -> int | None:
        """Count a run of messages; the number of the first one behind it."""
        begin, end = run << self._ages.bits, (run + 1) << self._ages.bits
        for claimed, mark, count, first, last in self._connection.execute(sql.COUNT_RUN, (begin, end)):
            self._tally.add(claimed, mark, count)
            self._ages.add_run(run, first, last)
        behind: int | None = self._row(sql.FIRST, end)[0]
        return behind

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
        self._copies.step()
        return results

    def _together(self, operations: Sequence[Operation[Store]], *, durable: bool) -> list[outcome.Outcome[object]]:
        saved, listed = self._tally.saved(), self._listing.upto
        try:
            with self._database.transaction(durable=durable):
                results: list[outcome.Outcome[object]] = [outcome.Value(operation(self)) for operation in operations]
                self._settle()
                return results
        except BaseException:
            self._writes.forget()
            self._tally.restore(saved)
            self._listing.upto = listed
            raise

    def _settle(self) -> None:
        """Write what was gathered so far: somebody is about to look."""
        self._writes.write()
        if completed := self._writes.take_completed():
            self._ending.complete(completed, self._tally)

    def _alone(self, operation: Operation[Store], *, durable: bool) -> outcome.Outcome[object]:
        """Do one operation; again, if it has found another row that cannot be read and is to be passed over."""
        while True:
            known = len(self._reader.unreadable)
            try:
                return self._together([operation], durable=durable)[0]
            except apsw.Error as problem:
                if len(self._reader.unreadable) == known:
                    return outcome.Error(explained(problem))
            except Exception as problem:
                return outcome.Error(problem)

    def accept(self, acceptance: Acceptance, claimed_until: float | None = None) -> int | MessageId:
        """See ``store.Store``."""
        if not self._database.keeps_reserve():
            raise SpoolFull("the disk of the queue is full, and what is here needs the rest of it; make room")
        if acceptance.fingerprint is not None and (earlier := self._keeping.repeated(acceptance)) is not None:
            return earlier
        self._number += 1
        message = self._number
        state = WAITS if claimed_until is None else CLAIMED
        self._writes.add(
            acceptance, message, state, acceptance.next_attempt if claimed_until is None else claimed_until
        )
        self._ages.add(message, acceptance.received)
        self._tally.add(state, 0, len(acceptance.domains))
        self._tally.add_messages(1)
        self._rows.expect(acceptance.priority)
        return message

    def claim(self, *, now: float, until: float, latest: float, room: int, demand: Demand = ANYTHING) -> Claimed:
        """See ``contract.Spool``."""
        self._settle()
        return claim(self._rows, now=now, until=until, latest=latest, room=room, demand=demand)

    def claim_rows(self, rows: Sequence[Row], *, until: float) -> Claimed:
        """See ``store.Store``."""
        self._settle()
        return claim_rows(self._rows, rows, until=until)

    def sites_aside(self) -> frozenset[str]:
        """See ``contract.Spool``."""
        self._settle()
        return frozenset(row[0] for row in self._connection.execute(sql.SITES))

    def record(self, fates: Iterable[Fate]) -> list[str]:
        """See ``store.Store``."""
        unneeded, others = self._writes.complete(fates)
        if others:
            self._settle()
            unneeded += self._ending.record(others, self._tally)
        return unneeded

    def message(self, number: int) -> StoredMessage | Damage:
        """See ``store.Store``."""
        self._settle()
        return self._reader.read(number)

    def find(self, selector: Selector, *, now: float, after: DeliveryKey | None, limit: int) -> Look:
        """See ``store.Store``."""
        self._settle()
        return self._finder.look(selector, now=now, after=after, limit=limit, listed=self._listing.upto)

    def apply(self, action: Action, rows: Sequence[Row], *, now: float) -> None:
        """See ``store.Store``."""
        self._settle()
        self._ending.apply(action, rows, self._tally, now=now)

    def purge(self, *, now: float, retention: Retention, limit: int) -> Purged:
        """See ``store.Store``."""
        self._settle()
        over = self._keeping.over(now=now, retention=retention, limit=limit)
        forgotten = self._keeping.forget_seen(now=now, kept_s=retention.fingerprints_s, limit=limit)
        files = self._ending.remove(over, self._tally)
        return Purged(len(over), files, is_all=len(over) < limit and forgotten < limit)

    def touch(self) -> None:
        """See ``store.Store``."""
        self._connection.pragma("user_version", SCHEMA_VERSION)

    def tend(self) -> bool:
        """See ``store.Store``. What has waited for a while is listed, and free pages go back to the disk."""
        self._settle()
        has_more = self._listing.go_on(self._number)
        return self._database.give_room_back() or has_more

    def statistics(self) -> Statistics:
        """See ``contract.Spool``."""
        self._settle()
        return self._tally.statistics()

    def quarantine(self) -> list[Damage]:
        """See ``contract.Spool``."""
        self._settle()
        return self._ending.quarantine()

    def release(self, mid: str) -> int:
        """See ``contract.Spool``."""
        self._settle()
        return self._ending.release(mid, self._tally)

    def _row(self, query: str, *values: int) -> tuple[Any, ...]:
        """The one row of a query that has one. The types of its columns are those of the schema."""
        row: tuple[Any, ...] = self._connection.execute(query, values).fetchall()[0]
        return row

    def close(self) -> None:
        """See ``store.Store``. The last of the log is copied into the database."""
        self._database.close()
