"""The Spool contract: a backup of a spool that is used."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import PurePath

import pytest
import trio
import trio.testing

from empath.sim import SimulatedWorld
from empath.sim.disk import Trouble
from empath.spool.contract import Finished, Spool, SpoolError
from empath.spool.copying import DATABASE
from empath.spool.files import open_files
from empath.spool.memory import MemoryStore
from empath.spool.snapshots import MANIFEST, QUEUE
from empath.spool.sqlite import open_database
from empath.spool.store import Store
from tests.contracts.spool.conftest import LASTING
from tests.contracts.spool.test_verify import LARGE, large, sound, verify
from tests.contracts.spools import NOW, Machine, Place, claim, content, numbers

COPY = PurePath("/backup")
CALLS = 180
"""More than the disk is asked for a small backup."""


def of_backup(machine: Machine) -> Place:
    """The backup as a spool: its two halves, where a daemon would look for them."""
    queue = str(COPY / QUEUE)
    openings: dict[str, Callable[[], Store]] = {
        "sqlite": lambda: open_database(f"{queue}/{DATABASE}", machine.vfs.name),
        "files": lambda: open_files(queue, machine.simulation.files),
    }
    return Place(machine.simulation.world, COPY, openings[machine.backend])


async def finish(spool: Spool, *, room: int = 100) -> list[int]:
    claimed = await claim(spool, room=room)
    await spool.record([Finished(key=one.key) for each in claimed.claims for one in each.deliveries])
    return numbers(claimed)


async def test_a_backup_has_all_that_was_there_and_the_spool_goes_on(machine: Machine) -> None:
    async with machine.place.open() as spool:
        for number in range(1, 200):
            await spool.accept(sound(number))
        await spool.accept(sound(200, await large(spool, 200)))
        made = await spool.backup(COPY, now=NOW)
        assert (made.messages, made.files, made.missing, made.at) == (200, 1, (), NOW)
        await finish(spool, room=1000)
        assert (await spool.statistics()).messages == 0
    machine.simulation.crash()
    async with of_backup(machine).open() as copy:
        assert (await copy.statistics()).messages == 200
        assert (await verify(copy))[1] == []
        claimed = await claim(copy, room=1000)
        assert numbers(claimed) == list(range(1, 201))
        assert await content(copy, claimed.claims[-1].body) == LARGE


async def test_what_comes_and_goes_meanwhile_is_there_as_it_was_at_one_moment(machine: Machine) -> None:
    gone: list[int] = []
    async with machine.place.open() as spool:
        for number in range(1, 400):
            await spool.accept(sound(number, await large(spool, number) if number % 50 == 0 else b"body"))
        done = trio.Event()

        async def work() -> None:
            number = 1000
            while not done.is_set():
                gone.extend(await finish(spool, room=1))
                await spool.accept(sound(number))
                number += 1
                await trio.sleep(0.001)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(work)
            made = await spool.backup(COPY, now=NOW)
            done.set()
        left = (await spool.statistics()).messages
        assert made.missing == ()
        assert left == 399
    async with of_backup(machine).open() as copy:
        assert (await verify(copy))[1] == []
        there = numbers(await claim(copy, room=5000))
        old = [number for number in there if number < 1000]
        new = [number for number in there if number >= 1000]
        # A moment: those that had gone are the first ones, and those that had come are the first ones.
        assert old == list(range(400 - len(old), 400))
        assert new == list(range(1000, 1000 + len(new)))
        assert 399 - len(old) - len(new) in (0, 1)
        assert len(gone) > 1


async def test_bodies_that_were_to_go_meanwhile_are_gone_afterwards(machine: Machine) -> None:
    async with machine.place.open() as spool:
        for number in range(1, 120):
            await spool.accept(sound(number))
        await spool.accept(sound(120, await large(spool, 120)))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(spool.backup, COPY, now=NOW))
            await trio.testing.wait_all_tasks_blocked()
            await finish(spool, room=1000)
        assert await machine.place.world.disk.list(machine.place.path / "bodies") == ()
        assert (await spool.statistics()).undeleted_files == 0


async def test_a_body_that_is_missing_is_named(machine: Machine) -> None:
    async with machine.place.open() as spool:
        body = await large(spool, 1)
        await spool.accept(sound(1, body))
        await machine.place.world.disk.unlink(machine.place.path / "bodies" / body.name)
        assert (await spool.backup(COPY, now=NOW)).missing == (body.name,)


async def test_a_directory_with_something_in_it_is_left_alone(machine: Machine) -> None:
    async with machine.place.open() as spool:
        await spool.backup(COPY, now=NOW)
        with pytest.raises(SpoolError, match="is not empty"):
            await spool.backup(COPY, now=NOW)


async def test_what_is_no_file_is_not_copied() -> None:
    async with Place(SimulatedWorld(1).world, PurePath("/spool"), MemoryStore).open() as spool:
        with pytest.raises(SpoolError, match="in memory only"):
            await spool.backup(COPY, now=NOW)


@pytest.mark.parametrize("backend", LASTING)
@pytest.mark.parametrize("trouble", [Trouble.POWER_OFF, Trouble.IO_ERROR, Trouble.NO_SPACE])
async def test_wherever_a_backup_is_cut_off_the_spool_is_whole_and_so_is_a_copy_that_says_so(
    backend: str, trouble: Trouble
) -> None:
    complete = []
    for at in range(1, CALLS, 5):
        machine = Machine.make(backend=backend)
        with machine.vfs:
            complete.append(await _cut_off(machine, trouble, at))
    assert not complete[0]
    assert complete[-1]


async def _cut_off(machine: Machine, trouble: Trouble, at: int) -> bool:
    """Whether the backup was complete all the same."""
    files = machine.simulation.files
    with suppress(SpoolError, BaseExceptionGroup):
        async with machine.place.open() as spool:
            await spool.accept(sound(1))
            await spool.accept(sound(2, await large(spool, 2)))
            files.plan(trouble, at=at)
            with suppress(SpoolError):
                await spool.backup(COPY, now=NOW)
            if trouble is not Trouble.POWER_OFF:
                assert (await spool.statistics()).messages == 2
    machine.simulation.crash()
    async with machine.place.open() as spool:
        assert (await verify(spool))[1] == []
        assert numbers(await claim(spool)) == [1, 2]
    with suppress(FileNotFoundError):
        files.size_bytes(str(COPY / MANIFEST))
        async with of_backup(machine).open() as copy:
            assert (await verify(copy))[1] == []
            assert numbers(await claim(copy)) == [1, 2]
        return True
    return False
