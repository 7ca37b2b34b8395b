"""The server: how a connection to it is made, what is asked of it, and what its errors mean.

The connection string is a secret: it is read from a file, and no text that leaves this module has more of it than the
host, the port, the database and the user.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import psycopg
from attrs import field, frozen
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from empath.spool.contract import SpoolError, SpoolFull

Connection = psycopg.Connection[tuple[Any, ...]]
"""Its rows are tuples, whose types are those of the columns."""

OLDEST: Final = 14
"""The first version that looks whether its client is there while it works for it."""
_DEFAULTS: Final[Mapping[str, str | int]] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""A host that has vanished is noticed within half a minute, and not when the kernel's two hours are over."""
_SESSION: Final = """
SET search_path TO {schema};
SET client_min_messages TO warning;
SET synchronous_commit TO {synchronous_commit};
SET tcp_keepalives_idle TO 10;
SET tcp_keepalives_interval TO 5;
SET tcp_keepalives_count TO 3;
SET enable_seqscan TO off;
SET enable_bitmapscan TO off;
SET enable_hashjoin TO off;
SET enable_mergejoin TO off;
"""
"""All statements go by index, some rows at a time. A server whose statistics are old would think that all rows at once
are cheaper, since they are few.
"""
_MOST_CHARACTERS: Final = 300
"""Of what a server, or libpq, says."""
_STRONGER: Final = "remote_apply"
"""What is more than ``on``, and is left to who has set it."""
_KNOWN: Final = {
    "password authentication failed": "correct the password in {file}",
    "no password supplied": "put the password into {file}",
    "does not exist": "make the role and the database (CREATE ROLE, CREATE DATABASE), or name those that there are",
    "no pg_hba.conf entry": "let the role in from this host, in pg_hba.conf of the server",
    "starting up": "wait until the server has recovered",
    "shutting down": "start the server again",
    "too many": "raise max_connections of the server, or end what else uses it",
}
"""What libpq says, of which it gives no code, and what helps."""


@frozen
class Server:
    """Where the queue is: a connection string of libpq, and the file that it was read from."""

    _url: str = field(repr=False)
    file: str
    schema: str = "empath"
    """The schema of the tables, and the channel of their news. It needs no quotes."""

    def __attrs_post_init__(self) -> None:
        try:
            conninfo_to_dict(self._url)
        except psycopg.ProgrammingError:
            # The text of the error would show what may be a password.
            raise SpoolError(
                f"{self.file} holds no connection string of PostgreSQL; write one into it, such as "
                "postgresql://empath:password@db.example.org/empath or host=/run/postgresql dbname=empath"
            ) from None

    def __str__(self) -> str:
        """The server without its secrets."""
        known = conninfo_to_dict(self._url)
        named = [f"{name} {known[name]}" for name in ("host", "hostaddr", "port", "dbname", "user") if known.get(name)]
        return f"PostgreSQL ({', '.join(named) or 'as libpq finds it'})"

    def connect(self, *, role: str, first: str = "") -> Connection:
        """A new connection that keeps what it commits, after a ``first`` statement. Raises SpoolError.

        ``role`` is its name in ``pg_stat_activity``.
        """
        given = {name: value for name, value in conninfo_to_dict(self._url).items() if value is not None}
        settings = {**_DEFAULTS, **given, "fallback_application_name": role}
        try:
            connection = psycopg.connect(make_conninfo("", **settings), autocommit=True)
            try:
                self._prepare(connection)
                if first:
                    connection.execute(first.encode())
            except BaseException:
                connection.close()
                raise
        except errors.DiskFull as problem:
            raise self.explained(problem) from problem
        except psycopg.Error as problem:
            raise self.unreachable(problem) from problem
        return connection

    def _prepare(self, connection: Connection) -> None:
        version = connection.info.server_version // 10_000
        if version < OLDEST:
            raise SpoolError(f"{self} is version {version}, and a queue needs {OLDEST} at least; upgrade the server")
        if self._shown(connection, "fsync") != "on":
            raise SpoolError(
                f"{self} runs with fsync = off: it would forget mail that was answered for when the power fails; "
                "set fsync = on in its configuration"
            )
        if self._shown(connection, "server_encoding") != "UTF8":
            raise SpoolError(f"the database of {self} is not in UTF8; make one with ENCODING 'UTF8' TEMPLATE template0")
        wanted = _STRONGER if self._shown(connection, "synchronous_commit") == _STRONGER else "on"
        connection.execute(_SESSION.format(schema=self.schema, synchronous_commit=wanted).encode())

    def _shown(self, connection: Connection, name: str) -> str:
        (value,) = connection.execute("SELECT current_setting(%s)", (name,)).fetchall()[0]
        return str(value)

    def unreachable(self, problem: psycopg.Error) -> SpoolError:
        """What it means that no connection could be made."""
        said = _said(problem)
        advice = next(
            (remedy for text, remedy in _KNOWN.items() if text in said),
            "see that the server runs and that {file} says where",
        )
        return SpoolError(f"{self} cannot be used ({said}); {advice.format(file=self.file)}")

    def explained(self, problem: psycopg.Error) -> SpoolError:
        """What an error of a statement means: its kind, and a text that says what to try."""
        said = _said(problem)
        match problem:
            case errors.DiskFull() | errors.InsufficientResources():
                return SpoolFull(f"the disk of {self} is full ({said}); make room")
            case errors.InsufficientPrivilege():
                return SpoolError(
                    f"{self} does not let us ({said}); make the role the owner of the database, or of its schema "
                    f"{self.schema}"
                )
            case errors.ReadOnlySqlTransaction():
                return SpoolError(f"{self} is a standby, or read-only ({said}); name the primary in {self.file}")
            case errors.DataCorrupted() | errors.IndexCorrupted():
                return SpoolError(f"a table of {self} is damaged ({said}); see the log of the server, restore a backup")
            case psycopg.OperationalError() if problem.sqlstate is None or problem.sqlstate[:2] in {"08", "57"}:
                return SpoolError(f"the connection to {self} was lost ({said}); see that the server runs")
            case _:
                return SpoolError(f"{self} has failed ({said}); see the log of the server")


def _said(problem: psycopg.Error) -> str:
    """The text of an error in one line. libpq may put all that it has said since the beginning into one."""
    return " ".join(str(problem).split())[:_MOST_CHARACTERS]
