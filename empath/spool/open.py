"""Opening a spool: whose it is, what is left over, and who writes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import PurePath
from typing import Final, Protocol

import trio

from empath.spool.belonging import BODIES, unite
from empath.spool.committer import Committer
from empath.spool.contract import Spool, SpoolError, SpoolHeld
from empath.spool.grouped import GroupedSpool
from empath.spool.store import Store
from empath.world.errors import DiskError, LockHeld
from empath.world.ports import World

LOCK: Final = "lock"
"""The name of the lock file in the directory of a spool."""


class OpenSpool(Protocol):
    """Opens a spool of some backend."""

    def __call__(self, world: World, path: PurePath, /, *, holder: str) -> AbstractAsyncContextManager[Spool]:
        """The spool in a directory of this machine, for the time of the context. Raises SpoolError."""


@asynccontextmanager
async def open_spool(
    world: World,
    path: PurePath,
    open_store: Callable[[], Store],
    *,
    holder: str,
    beside: Sequence[Callable[[GroupedSpool], Awaitable[None]]] = (),
) -> AsyncIterator[GroupedSpool]:
    """A spool whose large bodies lie below ``path``, for the time of the context. ``holder`` says who we are.

    Tasks that run ``beside`` it end with it; if one fails, it ends.

    A second daemon is refused with SpoolHeld, which names the first: the kernel holds the lock, and lets go when the
    process dies. On leaving, all operations that wait are done before the store is closed.
    """
    bodies = path / BODIES
    try:
        await world.disk.make_directory(bodies)
        await world.disk.check_permission(bodies)
        lock = await world.disk.lock(path / LOCK, holder=holder)
    except LockHeld as problem:
        raise SpoolHeld(f"the spool at {path} is in use by {problem.holder}") from problem
    except DiskError as problem:
        raise SpoolError(f"the spool cannot be opened: {problem}") from problem
    try:
        offload = world.offload.own("spool", threads=1)
        store = await offload.run(open_store)
        committer: Committer[Store] = Committer(store, offload)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(committer.run)
                try:
                    spool = GroupedSpool(committer, world.disk, bodies, world.offload)
                    await unite(committer, world, path)
                    await spool.sweep()
                    for task in beside:
                        nursery.start_soon(task, spool)
                    yield spool
                finally:
                    committer.close()
                    nursery.cancel_scope.cancel()  # not of the committer, which is shielded
        finally:
            with trio.CancelScope(shield=True):
                await offload.run(store.close)
    finally:
        # The kernel lets go of the lock even if closing its file fails.
        with trio.CancelScope(shield=True), suppress(DiskError):
            await lock.release()
