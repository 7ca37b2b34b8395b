"""A PostgreSQL server of Debian, in a directory of its own, that tests start, stop, crash and ask.

It refuses to run as root, so root starts it as the user whom the Debian package has made for it.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

import psycopg
from attrs import define, field

from tests.peers import demand

USER: Final = "postgres"
_VERSIONS: Final = Path("/usr/lib/postgresql")
"""Debian keeps the programs of a server apart by version, and off everybody's PATH."""
_SETTINGS: Final = """
listen_addresses = ''
max_connections = 50
shared_buffers = 32MB
log_min_messages = fatal
"""

_EMPTY: Final = """
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'empath' AND tablename NOT IN ('format', 'node')
    LOOP EXECUTE 'DELETE FROM empath.' || name; END LOOP;
END $$
"""
_MEMORY: Final = Path("/dev/shm")
"""A file system in memory: what is tried here are crashes of the server, and not of the machine."""
_ROOM_BYTES: Final = 512 * 1024 * 1024


def programs() -> Path | None:
    """Where initdb and pg_ctl of the newest version are."""
    found = sorted(_VERSIONS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@define(eq=False)
class PostgresServer:
    """Use it as a context manager."""

    home: Path
    _programs: Path
    _fresh: int = field(init=False, default=0)
    _used: str | None = field(init=False, default=None)

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            account = pwd.getpwnam(USER)
            os.chown(self.home, account.pw_uid, account.pw_gid)
        data = ("--pgdata", str(self.data))
        self._run(
            "initdb", *data, "--auth=trust", "--username=postgres", "--encoding=UTF8", "--data-checksums", "--no-sync"
        )
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write(f"{_SETTINGS}unix_socket_directories = '{self.home}'\n")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def data(self) -> Path:
        """The directory of the database cluster."""
        return self.home / "data"

    @property
    def log(self) -> str:
        """What it has written."""
        return (self.home / "log").read_text()

    def url(self, database: str = "postgres", **more: object) -> str:
        """The connection string for a database."""
        words = {"host": self.home, "user": "postgres", "dbname": database} | more
        return " ".join(f"{name}={value}" for name, value in words.items())

    def fresh(self) -> str:
        """Make an empty database, and return its connection string."""
        self._fresh += 1
        name = f"test{self._fresh}"
        self.ask(f"CREATE DATABASE {name}")
        return self.url(name)

    def emptied(self) -> str:
        """Empty a database that has been used before, or make it, and return its connection string: the fast way."""
        if self._used is None:
            self._used = self.fresh()
        self.ask(_EMPTY, url=self._used)
        return self._used

    def ask(self, statement: str, *values: object, url: str | None = None) -> list[tuple[Any, ...]]:
        """Do one statement, as the superuser."""
        with psycopg.connect(url or self.url(), autocommit=True) as connection:
            done = connection.execute(statement.encode(), values)
            return done.fetchall() if done.description else []

    def cut(self, role: str = "empath%") -> int:
        """End the connections whose application has such a name; how many there were."""
        statement = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE %s"
        return len(self.ask(statement, role))

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._run("pg_ctl", "--pgdata", str(self.data), "--log", str(self.home / "log"), "--wait", "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop: ``immediate`` is a crash."""
        self._run("pg_ctl", "--pgdata", str(self.data), "--mode", mode, "--wait", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        as_user = ("runuser", "-u", USER, "--") if os.geteuid() == 0 else ()
        command = [*as_user, str(self._programs / program), *arguments]
        # Into a file and no pipe: the server would keep the other end open.
        with (self.home / "said").open("a+") as said:
            done = subprocess.run(command, check=False, stdout=said, stderr=said, cwd="/", timeout=60)
            said.seek(0)
            assert done.returncode == 0, said.read()


@contextmanager
def running(below: Path | None = None) -> Iterator[PostgresServer]:
    """A server for some tests, which are skipped where there is none; in CI they fail then.

    ``below``: on the disk of this directory, for what is larger than memory; else in memory, if there is room.
    """
    found = programs()
    if found is None:
        demand("initdb", in_ci=bool(os.environ.get("CI")))
    where = below or (_MEMORY if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _ROOM_BYTES else None)
    with PostgresServer(Path(tempfile.mkdtemp(prefix="pg-", dir=where)), found or Path("/usr/bin")) as server:
        yield server
