"""Opening a queue in PostgreSQL for a command, while no daemon runs: its store and its bodies, with the same lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath

from empath.spool.postgres.bodies import BodyRows
from empath.spool.postgres.lease import Lease
from empath.spool.postgres.link import Link
from empath.spool.postgres.server import Server
from empath.spool.postgres.store import PostgresStore
from empath.world.files import FileCalls


@contextmanager
def open_alone(
    server: Server, path: PurePath, local: FileCalls, *, holder: str
) -> Iterator[tuple[PostgresStore, BodyRows]]:
    """The two, for the time of the context. A SpoolError: they cannot be used; a SpoolHeld: a daemon has them."""
    store = PostgresStore(Link(server, Lease(holder, server.schema), lambda lost: None))
    rows = BodyRows(server, path, local)
    try:
        yield store, rows
    finally:
        rows.end()
        store.close()
