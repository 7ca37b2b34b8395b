"""The backends that keep the contract: what people do with a queue, and what becomes of it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import PurePosixPath

import pytest

from empath.sim import SimulatedWorld
from empath.spool.contract import Spool
from empath.spool.memory import MemoryStore
from tests.contracts.spools import Machine, Place

LASTING = ["sqlite", "files"]
"""The backends whose spools outlive the process."""


@pytest.fixture(params=["memory", *LASTING, "postgres"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "memory":
        yield Place(SimulatedWorld(1).world, PurePosixPath("/spool"), MemoryStore)
        return
    if request.param == "postgres":
        yield request.getfixturevalue("database")
        return
    made = Machine.make(backend=request.param)
    with made.vfs:
        yield made.place


@pytest.fixture(params=LASTING)
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    made = Machine.make(backend=request.param)
    with made.vfs:
        yield made


@pytest.fixture
async def spool(place: Place) -> AsyncIterator[Spool]:
    async with place.open() as opened:
        yield opened
