"""Places for a spool: each store on each disk, and messages to put there."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from math import inf
from pathlib import PurePath, PurePosixPath
from typing import Self

from attrs import define, evolve, field, frozen

from empath.mail.ids import MessageId
from empath.sim import SimulatedWorld
from empath.sim.vfs import SimulatedVfs
from empath.spool.contract import ANYTHING, Acceptance, Body, Claimed, Demand, Spool
from empath.spool.files import open_files
from empath.spool.grouped import GroupedSpool
from empath.spool.open import open_spool
from empath.spool.postgres import Server, open_postgres
from empath.spool.postgres.bodies import BodyRows
from empath.spool.sqlite import open_database
from empath.spool.store import Store
from empath.world import World
from empath.world.disk import DurableDisk
from empath.world.files import SystemFiles

NOW = 1_800_000_000.0
SPOOL = PurePosixPath("/spool")


@frozen
class Place:
    """Where a spool lies, and how its store is opened."""

    world: World
    path: PurePath
    open_store: Callable[[], Store]

    def open(self, holder: str = "this test") -> AbstractAsyncContextManager[GroupedSpool]:
        return open_spool(self.world, self.path, self.open_store, holder=holder)


@frozen
class InDatabase(Place):
    """A spool in PostgreSQL. ``world.disk`` shows its large bodies."""

    server: Server = field(kw_only=True)
    rows: BodyRows = field(kw_only=True)
    """To be ended."""

    @classmethod
    def make(cls, url: str, directory: PurePath, world: World) -> Self:
        server = Server(url, "the file of this test")
        rows = BodyRows(server, directory, SystemFiles())
        disk = DurableDisk(rows, world.offload, world.entropy)

        def no_store() -> Store:
            raise AssertionError("it is opened as a whole")

        return cls(evolve(world, disk=disk), directory, no_store, server=server, rows=rows)

    def open(self, holder: str = "this test") -> AbstractAsyncContextManager[GroupedSpool]:
        return open_postgres(self.world, self.path, self.server, holder=holder)


@define(eq=False)
class Machine:
    """A simulated machine with a spool in a database, or in files, which can lose power."""

    simulation: SimulatedWorld
    vfs: SimulatedVfs
    place: Place
    backend: str

    @classmethod
    def make(cls, seed: int = 1, backend: str = "sqlite") -> Self:
        return cls.on(SimulatedWorld(seed), backend)

    @classmethod
    def on(
        cls,
        simulation: SimulatedWorld,
        backend: str,
        path: PurePosixPath = SPOOL,
        queue: PurePosixPath | None = None,
    ) -> Self:
        """One whose disk has been used before. The queue lies with the spool unless it is elsewhere."""
        vfs, queue = SimulatedVfs(simulation.files), queue or path
        database = str(queue / "queue.sqlite3")
        openings: dict[str, Callable[[], Store]] = {
            "sqlite": lambda: open_database(database, vfs.name),
            "files": lambda: open_files(str(queue), simulation.files),
        }
        return cls(simulation, vfs, Place(simulation.world, path, openings[backend]), backend)


def mid(number: int) -> MessageId:
    return MessageId.make(NOW, number)


def message(number: int, *domains: str, body: Body = b"body", next_attempt: float = NOW) -> Acceptance:
    return Acceptance(
        mid=mid(number),
        received=NOW,
        envelope=b"envelope of %d" % number,
        body=body,
        domains=domains or ("example.org",),
        next_attempt=next_attempt,
    )


async def claim(
    spool: Spool,
    *,
    now: float = NOW,
    until: float | None = None,
    latest: float = inf,
    room: int = 100,
    demand: Demand = ANYTHING,
) -> Claimed:
    """Claim with the arguments that most tests do not care about."""
    until = now + 60 if until is None else until
    return await spool.claim(now=now, until=until, latest=latest, room=room, demand=demand)


def numbers(claimed: Claimed) -> list[int]:
    return [one.mid.number for one in claimed.claims]


async def content(spool: Spool, body: Body) -> bytes:
    """All of a body, wherever it lies."""
    if isinstance(body, bytes):
        return body
    blocks: AsyncIterator[bytes] = spool.read_body(body)
    return b"".join([block async for block in blocks])
