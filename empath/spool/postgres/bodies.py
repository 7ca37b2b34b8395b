"""Large bodies in chunk rows, under the calls that a disk is made of.

So what is written, synced and renamed in which order is the same code as for files (``empath.world.draft``), and a
table stands below it. A chunk is written without waiting for the disk of the server. ``sync`` waits, for all that was
written before, and counts: a server that crashed in between may have forgotten a chunk, and then the body is refused.

Each call takes a connection that is idle, or makes one: as many as there are threads that call. One that was idle may
have broken since; then the call is made once more, on a new one. All calls can be repeated.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import PurePath
from typing import Any, Final, TypeVar

import psycopg
from attrs import define, field

from empath.spool.contract import SpoolError, SpoolFull
from empath.spool.postgres.server import Connection, Server
from empath.world.files import FileCalls

T = TypeVar("T")

_CREATE: Final = "INSERT INTO file (name) VALUES (%s) ON CONFLICT (name) DO UPDATE SET size_bytes = 0 RETURNING id"
_OPEN: Final = "SELECT id FROM file WHERE name = %s"
_SIZE: Final = "SELECT size_bytes FROM file WHERE name = %s"
_WRITE: Final = "INSERT INTO chunk VALUES (%s, %s, %s, %b) ON CONFLICT DO NOTHING RETURNING start"
_SYNC: Final = """
UPDATE file SET size_bytes = %(size)s
WHERE id = %(file)s AND %(size)s = (SELECT coalesce(sum(size_bytes), 0) FROM chunk WHERE file = %(file)s) RETURNING id
"""
_READ: Final = """
SELECT substring(octets FROM (%(at)s - start + 1)::integer FOR %(size)s::integer) FROM chunk
WHERE file = %(file)s AND start <= %(at)s ORDER BY start DESC LIMIT 1
"""
_REPLACE: Final = "DELETE FROM file WHERE name = %s AND EXISTS (SELECT FROM file WHERE name = %s)"
_RENAME: Final = "UPDATE file SET name = %s WHERE name = %s RETURNING id"
_UNLINK: Final = "DELETE FROM file WHERE name = %s RETURNING id"
_NAMES: Final = "SELECT name FROM file WHERE starts_with(name, %s)"


@define(eq=False)
class _Handle:
    file: int
    written_bytes: int = 0


@define(eq=False)
class BodyRows:
    """See ``world.files.FileCalls``. Names are those below ``root``; the lock is a file of this machine."""

    _server: Server
    _root: PurePath
    _local: FileCalls
    """What the lock is taken with, and the directory for it made."""
    _idle: list[Connection] = field(init=False, factory=list)
    _handles: dict[int, _Handle] = field(init=False, factory=dict)
    _numbers: Iterator[int] = field(init=False, factory=lambda: count(-1, -1))
    """Of handles: those of the system are not negative."""

    def create(self, path: str) -> int:
        """See ``FileCalls``."""
        return self._handle(self._rows(_CREATE, self._name(path)), path)

    def open(self, path: str) -> int:
        """See ``FileCalls``."""
        return self._handle(self._rows(_OPEN, self._name(path)), path)

    def extend(self, path: str) -> int:
        """See ``FileCalls``. A body is never made longer."""
        raise OSError(errno.EOPNOTSUPP, "a body is written once", path)

    def write_at(self, handle: int, data: memoryview, offset: int) -> int:
        """See ``FileCalls``. All of it becomes one chunk."""
        one, size_bytes = self._handles[handle], len(data)
        self._rows(_WRITE, one.file, offset, size_bytes, bytes(data))
        one.written_bytes += size_bytes
        return size_bytes

    def read_at(self, handle: int, size_bytes: int, offset: int) -> bytes:
        """See ``FileCalls``."""
        asked = {"file": self._handles[handle].file, "at": offset, "size": size_bytes}
        found = self._use(lambda connection: connection.execute(_READ, asked, binary=True).fetchall())
        return bytes(found[0][0]) if found else b""

    def read_at_once(self, handle: int, size_bytes: int, offset: int) -> None:
        """See ``FileCalls``. The server has to be asked."""

    def sync(self, handle: int) -> None:
        """See ``FileCalls``."""
        one = self._handles[handle]
        asked = {"file": one.file, "size": one.written_bytes}
        if not self._durably(lambda connection: connection.execute(_SYNC, asked).fetchall()):
            raise OSError(errno.EIO, "the server has lost a part of it")

    def close(self, handle: int) -> None:
        """See ``FileCalls``."""
        if handle < 0:
            self._handles.pop(handle, None)
        else:
            self._local.close(handle)

    def rename(self, old: str, new: str) -> None:
        """See ``FileCalls``. When it is repeated, it may have happened."""
        before, after = self._name(old), self._name(new)

        def replace(connection: Connection) -> list[tuple[Any, ...]]:
            connection.execute(_REPLACE, (after, before))
            return connection.execute(_RENAME, (after, before)).fetchall() or self._found(connection, after)

        self._one(self._durably(replace), old)

    def _found(self, connection: Connection, name: str) -> list[tuple[Any, ...]]:
        return connection.execute(_OPEN, (name,)).fetchall()

    def unlink(self, path: str) -> None:
        """See ``FileCalls``. A crash of the server soon after may bring it back."""
        self._one(self._rows(_UNLINK, self._name(path)), path)

    def sync_directory(self, path: str) -> None:
        """See ``FileCalls``. A name is durable when its transaction is."""

    def make_directory(self, path: str) -> None:
        """See ``FileCalls``. What is below the root is no directory; the root has the lock."""
        if PurePath(path) == self._root or not PurePath(path).is_relative_to(self._root):
            self._local.make_directory(path)

    def names(self, directory: str) -> list[str]:
        """See ``FileCalls``."""
        above = f"{self._name(directory)}/"
        return [str(name).removeprefix(above) for (name,) in self._rows(_NAMES, above)]

    def size_bytes(self, path: str) -> int:
        """See ``FileCalls``."""
        return self._one(self._rows(_SIZE, self._name(path)), path)

    def free_bytes(self, directory: str) -> int:
        """See ``FileCalls``. Of this machine: a server does not tell its room."""
        return self._local.free_bytes(directory)

    def check_permission(self, directory: str) -> None:
        """See `FileCalls`. The server says it with the first statement."""

    def lock(self, path: str, holder: str) -> int:
        """See ``FileCalls``."""
        return self._local.lock(path, holder)

    def holder(self, path: str) -> str:
        """See ``FileCalls``."""
        return self._local.holder(path)

    def end(self) -> None:
        """Close the connections. No call is under way."""
        while self._idle:
            self._idle.pop().close()

    def _name(self, path: str) -> str:
        return str(PurePath(path).relative_to(self._root))

    def _handle(self, found: list[tuple[Any, ...]], path: str) -> int:
        number = next(self._numbers)
        self._handles[number] = _Handle(self._one(found, path))
        return number

    def _one(self, found: list[tuple[Any, ...]], path: str) -> int:
        if not found:
            raise FileNotFoundError(errno.ENOENT, "there is no such body in the database", path)
        return int(found[0][0])

    def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        return self._use(lambda connection: connection.execute(statement, values).fetchall())

    def _durably(self, work: Callable[[Connection], T]) -> T:
        def committed(connection: Connection) -> T:
            with connection.transaction():
                connection.execute("SET LOCAL synchronous_commit TO on")
                return work(connection)

        return self._use(committed)

    def _use(self, work: Callable[[Connection], T]) -> T:
        """Do something with a connection, which commits by itself and does not wait for the disk. Raises OSError."""
        with suppress(IndexError):
            connection = self._idle.pop()
            try:
                return self._do(work, connection)
            except psycopg.Error as problem:
                if not connection.closed:
                    raise self._explained(problem) from problem
            self._forget_idle()
        try:
            connection = self._server.connect(role="empath bodies", first="SET synchronous_commit TO off")
            return self._do(work, connection)
        except (psycopg.Error, SpoolError) as problem:
            raise self._explained(problem) from problem

    def _do(self, work: Callable[[Connection], T], connection: Connection) -> T:
        try:
            return work(connection)
        finally:
            if not connection.closed:
                self._idle.append(connection)

    def _forget_idle(self) -> None:
        """What broke one has probably broken all."""
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def _explained(self, problem: psycopg.Error | SpoolError) -> OSError:
        known = self._server.explained(problem) if isinstance(problem, psycopg.Error) else problem
        return OSError(errno.ENOSPC if isinstance(known, SpoolFull) else errno.EIO, str(known))
