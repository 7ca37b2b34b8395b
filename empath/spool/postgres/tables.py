"""What all of a store on PostgreSQL stands on: the transaction at hand, and how much there is.

Every transaction is durable, those too that only move deliveries along. The server may crash and come back while this
process goes on; what it then had forgotten of a claim or of a fate would be done twice by a daemon that remembers it.
One flush for a batch is what that costs, and deliveries are recorded in the batches that messages are accepted in.

Deliveries are counted once, when the connection is made, and from then on by what each statement says it has changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Self

import outcome
import psycopg
from attrs import define, field

from empath.spool.committer import Operation
from empath.spool.contract import SpoolError
from empath.spool.finding import Ages
from empath.spool.postgres import statements as sql
from empath.spool.postgres.link import CommitUnknown, Link
from empath.spool.postgres.server import Connection

MESSAGES = -1
"""Messages, among the states of deliveries that are counted."""


@define(eq=False)
class Tables:
    """The tables of a queue, for one thread."""

    _link: Link
    _connection: Connection = field(init=False)
    """The one of the transaction at hand."""
    _tally: Counter[int] = field(init=False, factory=Counter)
    """How many deliveries are in which state, when the last transaction was committed."""
    _more: Counter[int] = field(init=False, factory=Counter)
    """What the transaction at hand adds to it."""
    _changes: list[psycopg.Cursor[tuple[Any, ...]]] = field(init=False, factory=list)
    """Statements of the transaction at hand whose results say what they have changed, and were not looked at yet."""
    _ages: Ages = field(init=False, factory=Ages)
    _unreadable: set[int] = field(init=False, factory=set)
    """The numbers of messages whose rows this process has failed to read."""

    def __attrs_post_init__(self) -> None:
        self._connection = self._link.connected()
        self._recount()

    def commit(self, operations: Sequence[Operation[Self]], *, durable: bool) -> list[outcome.Outcome[object]]:
        """See ``committer.Transactions``. All are durable.

        If one operation fails, each is done again in a transaction of its own; if the connection was broken already,
        all of them on a new one.
        """
        for is_last in (False, True):
            self._reach()
            try:
                return self._transact(operations, together=True)
            except CommitUnknown as problem:
                raise self._unknown(problem) from problem
            except psycopg.Error as problem:
                if self._link.is_alive:
                    break
                if is_last:
                    raise self._link.server.explained(problem) from problem
            except Exception:
                if is_last or self._link.is_alive:
                    break
        return [self._alone(operation) for operation in operations]

    def _reach(self) -> None:
        connection = self._link.connected()
        if connection is not self._connection:
            self._connection = connection
            try:
                self._recount()
            except psycopg.Error as problem:
                raise self._link.server.explained(problem) from problem

    def _recount(self) -> None:
        self._connection.execute(sql.READ_ALL)
        ((messages,),) = self._connection.execute(sql.COUNT_MESSAGES).fetchall()
        ((first, last),) = self._connection.execute(sql.RANGE).fetchall()
        self._ages.expect(first, last)
        self._tally = Counter({MESSAGES: messages})
        for run, state, count, earliest, latest in self._connection.execute(sql.COUNT_RUNS, (self._ages.bits,)):
            self._tally[state] += count
            self._ages.add_run(run, earliest, latest)
        self._connection.execute(sql.GO_BY_INDEX)

    def _transact(self, operations: Sequence[Operation[Self]], *, together: bool) -> list[outcome.Outcome[object]]:
        self._more.clear()
        self._changes.clear()
        with self._link.transaction(self._connection, together=together):
            results: list[outcome.Outcome[object]] = [outcome.Value(operation(self)) for operation in operations]
        self._settle()
        self._tally.update(self._more)
        return results

    def _settle(self) -> None:
        """Count what the statements so far have changed."""
        for cursor in self._changes:
            for before, after in cursor.fetchall():
                self._count(before, after)
        self._changes.clear()

    def _alone(self, operation: Operation[Self]) -> outcome.Outcome[object]:
        """Do one operation; again, if it has found another row that cannot be read and is to be passed over."""
        while True:
            known = len(self._unreadable)
            try:
                # A connection that breaks now is made again by the next batch: each could take its time.
                return self._transact([operation], together=False)[0]
            except CommitUnknown as problem:
                return outcome.Error(self._unknown(problem))
            except psycopg.Error as problem:
                if len(self._unreadable) == known:
                    return outcome.Error(self._link.server.explained(problem))
            except Exception as problem:
                return outcome.Error(problem)

    def _unknown(self, problem: CommitUnknown) -> SpoolError:
        return SpoolError(f"{self._link.server} did not say whether it has kept what it was given: {problem}")

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows of a query. The types of their columns are those of the schema."""
        return self._connection.execute(query.encode(), values, binary=True).fetchall()

    def _named(self, query: str, values: dict[str, object]) -> list[tuple[Any, ...]]:
        return self._connection.execute(query.encode(), values, binary=True).fetchall()

    def _do(self, statement: str, *values: object) -> None:
        """Do something that says nothing."""
        self._connection.execute(statement.encode(), values)

    def _change(self, statement: str, values: dict[str, object] | Sequence[object]) -> None:
        """Do something that says what it has changed. Nobody waits for that."""
        self._changes.append(self._connection.execute(statement.encode(), values))

    def _count(self, before: int | None, after: int | None, number: int = 1) -> None:
        if before is not None:
            self._more[before] -= number
        if after is not None:
            self._more[after] += number

    def close(self) -> None:
        """See ``store.Store``."""
        self._link.close()
