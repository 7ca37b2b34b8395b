"""The room that is left: how often the system is asked, and what is said when it becomes too little."""

import logging
from pathlib import PurePosixPath

import pytest
import trio
from attrs import field, frozen
from trio.testing import MockClock

from empath.sim import SimulatedWorld
from empath.sim.disk import Trouble
from empath.world.free_space import FRESH_S, FreeSpace

SPOOL, QUEUE = PurePosixPath("/spool"), PurePosixPath("/queue")


@frozen
class Place:
    """A disk with nothing on it but two directories."""

    world: SimulatedWorld = field(factory=lambda: SimulatedWorld(1))

    async def space(self, min_free_bytes: int) -> FreeSpace:
        for directory in (SPOOL, QUEUE):
            await self.world.world.disk.make_directory(directory)
        self.world.files.capacity_bytes = 1000
        return FreeSpace(disk=self.world.world.disk, directories=(SPOOL, QUEUE), min_free_bytes=min_free_bytes)

    @property
    def asked(self) -> int:
        return [call for call, _ in self.world.files.history].count("free_bytes")


@pytest.mark.parametrize(("min_free", "coming", "enough"), [(1000, 0, True), (1001, 0, False), (900, 101, False)])
async def test_what_comes_must_leave_min_free(
    autojump_clock: MockClock, min_free: int, coming: int, enough: bool
) -> None:
    space = await Place().space(min_free)
    assert await space.is_enough(coming) is enough


async def test_the_disk_is_asked_once_a_second_however_many_ask(autojump_clock: MockClock) -> None:
    place = Place()
    space = await place.space(1)
    async with trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(space.is_enough)
    assert place.asked == 2  # for each directory once
    await trio.sleep(FRESH_S)
    await space.is_enough()
    assert place.asked == 4


async def test_with_a_bound_of_0_it_is_never_asked(autojump_clock: MockClock) -> None:
    place = Place()
    assert await (await place.space(0)).is_enough(10**12)
    assert place.asked == 0


async def test_it_is_said_once_that_there_is_too_little_and_once_that_there_is_enough(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    place = Place()
    space = await place.space(1)
    for capacity in (1000, 0, 0, 1000, 1000):
        place.world.files.capacity_bytes = capacity
        assert await space.is_enough() is bool(capacity)
        await trio.sleep(FRESH_S)
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]
    assert "spool.min_free" in caplog.messages[0]
    assert "room again" in caplog.messages[1]


async def test_if_the_system_does_not_say_nothing_is_refused(autojump_clock: MockClock) -> None:
    place = Place()
    space = await place.space(1)
    for at in (1, 2):
        place.world.files.plan(Trouble.IO_ERROR, at=at, call="free_bytes")
    assert await space.free_bytes() is None
    assert await space.is_enough(10**12)


async def test_a_directory_that_is_not_there_yet_is_passed_over(autojump_clock: MockClock) -> None:
    place = Place()
    await place.space(1)
    missing = PurePosixPath("/nowhere")
    space = FreeSpace(disk=place.world.world.disk, directories=(SPOOL, missing), min_free_bytes=1)
    assert await space.free_bytes() == 1000
