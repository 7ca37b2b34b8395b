"""Losing power, and a disk that fails: what was acknowledged is there, once and whole; nothing is there by half.

On the simulated disk, at every call that it sees, for each backend that lives on a disk. A loss of power leaves of what
was not synced whatever a file system may leave: the outcomes are gone through, or as many of them as ``POWER_OUTCOMES``
says.
"""

import os
from collections.abc import Iterator
from contextlib import suppress

import pytest
import trio

from empath.sim.disk import SimulatedFiles, Trouble
from empath.spool.contract import SpoolError, Waiting
from empath.spool.database import CHECKPOINT_PAGES, PAGE_BYTES
from tests.contracts.spools import NOW, Machine, claim, message
from tests.spool.courses import COURSES, Course, Promises, calls_of, check, finish_with_reports, lives, reborn
from tests.spool.recorder import Outcomes

OUTCOMES = int(os.environ.get("POWER_OUTCOMES", "3"))
OPENINGS_STEP = 6 if OUTCOMES < 10 else 1
BACKENDS = ("sqlite", "files")


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture(params=COURSES, ids=lambda course: course.__name__)
def course(request: pytest.FixtureRequest) -> Course:
    chosen: Course = request.param
    return chosen


def cut(course: Course, backend: str, at: int) -> tuple[SimulatedFiles, Promises]:
    """A disk whose power has failed at a call of a course, and what had been promised."""
    machine = Machine.make(backend=backend)
    with machine.vfs:
        promises = trio.run(lives, machine, course, Trouble.POWER_OFF, at)
    return machine.simulation.files, promises


def hold(files: SimulatedFiles, backend: str, promises: Promises) -> None:
    """See that this disk keeps them."""
    machine = reborn(files, backend)
    with machine.vfs:
        trio.run(check, machine, promises)


def test_no_loss_of_power_takes_what_was_promised(course: Course, backend: str) -> None:
    for at in range(1, calls_of(course, backend) + 1):
        files, promises = cut(course, backend, at)
        for disk in Outcomes(files, OUTCOMES):
            hold(disk, backend, promises)


def test_an_opening_that_is_cut_off_is_repeated_whatever_it_had_done(backend: str) -> None:
    for at in range(1, calls_of(finish_with_reports, backend) + 1, OPENINGS_STEP):
        files, promises = cut(finish_with_reports, backend, at)
        *_, kept = Outcomes(files, 2)
        for call in range(1, calls_of_opening(kept, backend) + 1, OPENINGS_STEP):
            *_, disk = Outcomes(files, 2)
            machine = reborn(disk, backend)
            disk.plan(Trouble.POWER_OFF, at=call)
            with machine.vfs:
                trio.run(opened, machine)
            for again in Outcomes(disk, 2):
                hold(again, backend, promises)


def calls_of_opening(files: SimulatedFiles, backend: str) -> int:
    """How many calls it takes to open and close what is on a disk, which it changes."""
    machine = reborn(files, backend)
    files.history.clear()
    with machine.vfs:
        trio.run(opened, machine)
    return len(files.history)


async def opened(machine: Machine) -> None:
    with suppress(BaseExceptionGroup, SpoolError):
        async with machine.place.open():
            pass


@pytest.mark.parametrize("trouble", [Trouble.IO_ERROR, Trouble.NO_SPACE, Trouble.SHORT_WRITE], ids=lambda one: one.name)
def test_no_failing_call_takes_what_was_promised_even_if_power_fails_later(
    course: Course, trouble: Trouble, backend: str
) -> None:
    for at in range(1, calls_of(course, backend) + 1):
        machine = Machine.make(backend=backend)
        with machine.vfs:
            promises = trio.run(lives, machine, course, trouble, at)
        machine.simulation.crash()
        hold(machine.simulation.files, backend, promises)


@pytest.fixture
def machine() -> Iterator[Machine]:
    made = Machine.make()
    with made.vfs:
        yield made


async def test_a_sync_that_failed_is_not_trusted_when_it_succeeds(machine: Machine) -> None:
    """What was written without a sync before it is lost, and would be a hole in the log before what comes after."""
    files = machine.simulation.files
    async with machine.place.open() as spool:
        await spool.accept(message(1))
        key = (await claim(spool)).claims[0].deliveries[0].key
        await spool.record([Waiting(key=key, next_attempt=NOW, attempts=1)])
        files.plan(Trouble.IO_ERROR, call="sync")
        with suppress(SpoolError):
            await spool.accept(message(2))
        await spool.accept(message(3))
        machine.simulation.crash()
    async with machine.place.open() as spool:
        assert {1, 3} <= {one.mid.number for one in (await claim(spool, now=NOW + 60)).claims}


async def test_a_sync_that_failed_while_the_log_was_copied_is_not_trusted_either(machine: Machine) -> None:
    """The log is copied right after a commit that was not synced and made it long, and again after the next one."""
    async with machine.place.open() as spool:
        await spool.accept(message(1))
        key = (await claim(spool)).claims[0].deliveries[0].key
        for at in (1, 3):
            machine.simulation.files.plan(Trouble.IO_ERROR, at=at, call="sync")
        long = bytes(CHECKPOINT_PAGES * PAGE_BYTES)
        await spool.record([Waiting(key=key, next_attempt=NOW, attempts=1, last=long)])
        await spool.accept(message(2))
        machine.simulation.crash()
    async with machine.place.open() as spool:
        assert sorted(one.mid.number for one in (await claim(spool, now=NOW + 60)).claims) == [1, 2]


async def test_while_the_disk_stays_broken_nothing_is_accepted_and_then_all_is_well(machine: Machine) -> None:
    files = machine.simulation.files
    async with machine.place.open() as spool:
        await spool.accept(message(1))
        for at in range(1, 40):
            files.plan(Trouble.IO_ERROR, at=at)
        refused: dict[int, str] = {}
        for number in range(2, 42):
            try:
                await spool.accept(message(number))
            except SpoolError as problem:
                refused[number] = str(problem)
        assert 2 < len(refused) < 40
        assert all("the queue has failed" in text for text in refused.values())
        machine.simulation.crash()
    async with machine.place.open() as spool:
        there = {one.mid.number for one in (await claim(spool, now=NOW + 60)).claims}
        assert set(range(1, 42)) - refused.keys() <= there
