"""The one connection that writes, which is made again when it breaks, and what was doubtful when it did.

When a connection breaks before COMMIT was sent, nothing has happened. When it breaks after that, nobody knows. What was
claimed then has nobody who would record it: it is put back when the next connection is made. What was accepted then
may be there, and may be offered again by who was refused: the same message is not refused a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

import psycopg
from attrs import define, field
from psycopg.pq import PipelineStatus, TransactionStatus

from empath.spool.contract import DeliveryKey
from empath.spool.postgres import statements as sql
from empath.spool.postgres.lease import Lease, SpoolLost
from empath.spool.postgres.schema import prepare
from empath.spool.postgres.server import Connection, Server

MOST_KEPT: Final = 10_000
"""Names of messages that are remembered since nobody was told that they were accepted."""


class CommitUnknown(Exception):
    """The connection broke between COMMIT and its answer."""


@define(eq=False)
class Link:
    """To be used by one thread at a time."""

    server: Server
    lease: Lease
    tell_lost: Callable[[SpoolLost], None]
    """Called once, in the thread that uses the link, when the queue is another's."""
    _connection: Connection | None = field(init=False, default=None)
    _lost: SpoolLost | None = field(init=False, default=None)
    taken: list[DeliveryKey] = field(init=False, factory=list)
    """What the transaction at hand has claimed."""
    offered: list[str] = field(init=False, factory=list)
    """The names of the messages that the transaction at hand has accepted."""
    _doubtful_keys: list[DeliveryKey] = field(init=False, factory=list)
    _doubtful_names: list[str] = field(init=False, factory=list)
    _kept: dict[str, None] = field(init=False, factory=dict)
    """The names of messages that were accepted although nobody was told so, in the order of that."""
    was_cut: bool = field(init=False, default=False)
    """Whether a connection has broken since somebody has last cleared this."""

    @property
    def is_alive(self) -> bool:
        """Whether there is a connection that nothing bad is known of."""
        return self._connection is not None and not self._connection.closed

    def connected(self) -> Connection:
        """The connection: the one that there is, or a new one. A SpoolError: there cannot be one now."""
        if self._lost is not None:
            raise self._lost
        if self._connection is not None and not self._connection.closed:
            return self._connection
        connection = self.server.connect(role="empath writer")
        try:
            self._enter(connection)
        except psycopg.Error as problem:
            connection.close()
            raise self.server.explained(problem) from problem
        except SpoolLost as problem:
            connection.close()
            self._lost = problem
            self.tell_lost(problem)
            raise
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _enter(self, connection: Connection) -> None:
        self.lease.lock(connection)
        prepare(connection, self.server.schema)
        self.lease.take(connection)
        connection.execute(sql.UNCLAIM, (self.lease.epoch,))
        if self._doubtful_keys:
            numbers = ([key.message for key in self._doubtful_keys], [key.ordinal for key in self._doubtful_keys])
            connection.execute(sql.UNCLAIM_DOUBTFUL, numbers)
            self._doubtful_keys.clear()
        if self._doubtful_names:
            self._kept |= {name: None for (name,) in connection.execute(sql.KEPT, (self._doubtful_names,)).fetchall()}
            self._kept = dict.fromkeys(list(self._kept)[-MOST_KEPT:])
            self._doubtful_names.clear()
        connection.execute("SELECT pg_notify(%s, '')", (self.server.schema,))

    def has_kept(self, name: str) -> bool:
        """Whether a message was accepted when nobody could say so, and is offered again now. It is said once."""
        return bool(self._kept) and self._kept.pop(name, self) is None

    @contextmanager
    def transaction(self, connection: Connection, *, together: bool) -> Iterator[None]:
        """Commit at the end of the block, or undo it all when anything fails.

        ``together``: statements are sent without waiting for their results, so errors may come late. A CommitUnknown:
        the connection broke when nobody could say any more what happened. A `psycopg.Error`: nothing did.
        """
        self.taken.clear()
        self.offered.clear()
        try:
            connection.execute("BEGIN")
            if together:
                with connection.pipeline():
                    yield
            else:
                yield
        except BaseException:
            self._undo(connection)
            raise
        try:
            connection.execute("COMMIT")
        except psycopg.Error as problem:
            self._undo(connection)
            if not connection.closed:
                raise
            self._doubtful_keys += self.taken
            self._doubtful_names += self.offered
            raise CommitUnknown(str(problem)) from problem

    def _undo(self, connection: Connection) -> None:
        # A failure is no news here: the error that led here is raised, or the next statement meets it again.
        with suppress(psycopg.Error):
            if not connection.closed:
                connection.rollback()
        if not _is_idle(connection):
            connection.close()
        self.was_cut |= connection.closed

    def close(self) -> None:
        """End the lease and the connection."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with suppress(psycopg.Error):
            if not connection.closed:
                self.lease.give_back(connection)
        connection.close()


def _is_idle(connection: Connection) -> bool:
    """Whether a transaction can begin. When a server ends a connection in the middle of a pipeline it may look open."""
    info = connection.info
    return info.transaction_status is TransactionStatus.IDLE and info.pipeline_status is PipelineStatus.OFF
