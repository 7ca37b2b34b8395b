"""Opening a spool in PostgreSQL: what it is made of, and what ends it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import PurePath

import trio
from attrs import evolve

from empath.spool.contract import SpoolError
from empath.spool.grouped import GroupedSpool
from empath.spool.left_behind import ELSEWHERE
from empath.spool.open import open_spool
from empath.spool.postgres.bodies import BodyRows
from empath.spool.postgres.lease import Lease, SpoolLost
from empath.spool.postgres.link import Link
from empath.spool.postgres.news import listen
from empath.spool.postgres.server import Server
from empath.spool.postgres.store import PostgresStore
from empath.world.disk import DurableDisk
from empath.world.errors import DiskError
from empath.world.files import SystemFiles
from empath.world.ports import DISCARD_S, Disk, World

BODY_THREADS = 4
"""Calls about large bodies that the server does at a time."""


@asynccontextmanager
async def open_postgres(world: World, path: PurePath, /, server: Server, *, holder: str) -> AsyncIterator[GroupedSpool]:
    """A spool in a database, for the time of the context. ``path`` is a directory of this machine, for a lock.

    A second daemon is refused with SpoolHeld, on this machine and on any other. A SpoolLost, from within: another one
    has it now, since our connection was cut.
    """
    offload = world.offload.own("bodies", threads=BODY_THREADS)
    rows = BodyRows(server, path, SystemFiles())
    disk = DurableDisk(rows, offload, world.entropy)
    lost: list[SpoolLost] = []
    is_lost, token = trio.Event(), trio.lowlevel.current_trio_token()

    def tell_lost(problem: SpoolLost) -> None:
        lost.append(problem)
        token.run_sync_soon(is_lost.set)

    async def end_when_lost(_spool: GroupedSpool) -> None:
        await is_lost.wait()
        raise lost[0]

    async def hear(spool: GroupedSpool) -> None:
        await listen(server, world.offload.own("news", threads=1), spool.ring)

    open_store = partial(PostgresStore, Link(server, Lease(holder, server.schema), tell_lost))
    try:
        async with open_spool(
            evolve(world, disk=disk), path, open_store, holder=holder, beside=(end_when_lost, hear)
        ) as spool:
            await _leave_word(world.disk, path, server)
            yield spool
            await _take_back(world.disk, path, spool)
    finally:
        rows.end()


async def _leave_word(disk: Disk, path: PurePath, server: Server) -> None:
    """Let a daemon with another backend know that there may be mail in this one. A SpoolError: it cannot."""
    try:
        await disk.make_directory(path)
        await disk.write(path / ELSEWHERE, [f"{server}\n".encode()])
    except DiskError as problem:
        raise SpoolError(f"the spool cannot be opened: {problem}") from problem


async def _take_back(disk: Disk, path: PurePath, spool: GroupedSpool) -> None:
    """There is none."""
    with trio.move_on_after(DISCARD_S, shield=True), suppress(SpoolError, DiskError):
        if not (await spool.statistics()).messages:
            await disk.unlink(path / ELSEWHERE)
