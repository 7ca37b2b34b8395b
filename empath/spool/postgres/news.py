"""Hearing of changes that somebody else makes: LISTEN, on a connection of its own, and without a thread.

What this process changes it knows by itself. ``NOTIFY`` is for who mends something by hand, and for when a
connection is made anew: then deliveries may wait that were thought to be under way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import psycopg
import trio

from empath.spool.contract import SpoolError
from empath.spool.postgres.server import Connection, Server
from empath.world.ports import Offload

_AGAIN_S: Final = 1.0
"""After a connection was lost, or could not be made."""


async def listen(server: Server, offload: Offload, tell: Callable[[], None]) -> None:
    """Call ``tell`` when there may be news, until cancelled."""
    while True:
        try:
            connection = await offload.run(lambda: _connect(server))
        except (SpoolError, psycopg.Error):
            # The writer says so where it matters, and when somebody waits for it.
            await trio.sleep(_AGAIN_S)
            continue
        try:
            tell()
            await _hear(connection, tell)
        except psycopg.Error:
            await trio.sleep(_AGAIN_S)
        finally:
            connection.close()


def _connect(server: Server) -> Connection:
    return server.connect(role="empath news", first=f"LISTEN {server.schema}")


async def _hear(connection: Connection, tell: Callable[[], None]) -> None:
    while True:
        await trio.lowlevel.wait_readable(connection.fileno())
        for _ in connection.notifies(timeout=0):
            tell()
