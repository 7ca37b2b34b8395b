"""Whose the queue is: an advisory lock of the server, and the epoch of who holds it.

The lock belongs to the connection that writes, and ends with it: when the process dies, when the server does, and when
the connection is cut. Whoever gets it raises the epoch. So after a cut there are three cases. The lock is free, and the
epoch is ours: nobody was there in between, and what this process has claimed is its own. Our former connection has it
still, since the server has not noticed: it is ended. Or somebody else has it, or had it: then what this process has in
memory may be delivered by now, it must not send any more of it, and it ends.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final
from zlib import crc32

import psycopg
from attrs import define, field
from psycopg import errors

from empath.spool.contract import SpoolHeld
from empath.spool.postgres.schema import NODE
from empath.spool.postgres.server import Connection

_MARK: Final = 0x454D5051
"""The first half of the key of the lock: "EMPQ"."""
PATIENCE_S: Final = 3
"""How long a server may take to see that a process has died."""
_HOLDER: Final = """
SELECT lock.pid, activity.client_addr::text FROM pg_locks AS lock LEFT JOIN pg_stat_activity AS activity USING (pid)
WHERE lock.locktype = 'advisory' AND lock.granted AND lock.classid = %s AND lock.objid = %s
AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_TAKE: Final = """
UPDATE node SET holder = %s, pid = %s, epoch = epoch + %s, lease_until = 'infinity' WHERE id = %s RETURNING epoch
"""


class SpoolLost(SpoolHeld):
    """Another daemon has the spool, or has had it since we did."""


@define(eq=False)
class Lease:
    """The right to write, of one process over all its connections."""

    holder: str
    """Who we are."""
    schema: str
    """Where the tables are: each queue of a database has a lock."""
    epoch: int = field(init=False, default=0)
    """0: it was not taken yet."""
    _pid: int = field(init=False, default=0)
    """The process of the server behind the connection that has the lock."""

    def lock(self, connection: Connection) -> None:
        """Lock the queue for this connection. A SpoolHeld names who has it; it is a SpoolLost if we had it before."""
        if not self._locked(connection) and not self._locked_by_patience(connection):
            raise self._refusal(f"the queue is in use by {self._who(connection)}")
        self._pid = connection.info.backend_pid

    def take(self, connection: Connection) -> None:
        """Begin an epoch, or go on with ours. The tables are there. A SpoolLost: there was another one since."""
        ((holder, epoch),) = connection.execute("SELECT holder, epoch FROM node WHERE id = %s", (NODE,)).fetchall()
        if self.epoch not in (0, epoch):
            raise SpoolLost(f"the queue was in use by {holder} since our connection was cut, and may have changed")
        taken = (self.holder, self._pid, 0 if self.epoch else 1, NODE)
        ((self.epoch,),) = connection.execute(_TAKE, taken).fetchall()

    def give_back(self, connection: Connection) -> None:
        """End the lease in order."""
        connection.execute(
            "UPDATE node SET lease_until = now() WHERE id = %s AND epoch = %s RETURNING epoch", (NODE, self.epoch)
        )

    @property
    def _key(self) -> tuple[int, int]:
        return _MARK, crc32(self.schema.encode()) // 2 + NODE

    def _locked(self, connection: Connection) -> bool:
        ((is_ours,),) = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", self._key).fetchall()
        return bool(is_ours)

    def _locked_by_patience(self, connection: Connection) -> bool:
        """Whether the lock is ours after all: whoever has it may be gone, and the server about to see it."""
        if self._pid:
            for pid, _ in connection.execute(_HOLDER, self._key).fetchall():
                if pid == self._pid:
                    connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
                elif self.epoch:
                    return False
        try:
            with connection.transaction():
                connection.execute("SELECT set_config('lock_timeout', %s, true)", (f"{PATIENCE_S}s",))
                connection.execute("SELECT pg_advisory_lock(%s, %s)", self._key)
        except errors.LockNotAvailable:
            return False
        return True

    def _who(self, connection: Connection) -> str:
        found = connection.execute(_HOLDER, self._key).fetchall()
        pid, address = found[0] if found else (0, None)
        name = ""
        with suppress(psycopg.Error, ValueError):  # who has it has not made the tables yet, or has not entered itself
            ((name,),) = connection.execute("SELECT holder FROM node WHERE pid = %s", (pid,)).fetchall()
        where = address or "the host of the server"
        return f"{name or 'another process'}, connected from {where} (process {pid} there)"

    def _refusal(self, what: str) -> SpoolHeld:
        return SpoolLost(what) if self.epoch else SpoolHeld(what)
