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
from tests.spool.courses import (
    COURSES,
    Course,
    Promises,
    calls_of,
    check,
    finish_with_reports,
    lives,
    moments_of,
    reborn,
)
from tests.spool.recorder import Moment, Outcomes, RecordedFiles

OUTCOMES = int(os.environ.get("POWER_OUTCOMES", "3"))
OPENINGS_STEP = 6 if OUTCOMES < 10 else 1
BACKENDS = ("sqlite", "files")
FAILING = {
    Trouble.IO_ERROR: (1, 2),
    Trouble.NO_SPACE: (2, 2),
    Trouble.OVER_QUOTA: (3, 5),
    Trouble.SHORT_WRITE: (1, 2),
}
"""The first call that fails in CI, and how far it is to the next."""


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture(params=COURSES, ids=lambda course: course.__name__)
def course(request: pytest.FixtureRequest) -> Course:
    chosen: Course = request.param
    return chosen


def hold(files: SimulatedFiles, backend: str, promises: object) -> None:
    """See that this disk keeps them."""
    assert isinstance(promises, Promises)
    machine = reborn(files, backend)
    with machine.vfs:
        trio.run(check, machine, promises)


def test_no_loss_of_power_takes_what_was_promised(course: Course, backend: str) -> None:
    moments, disks = moments_of(course, backend), 0
    for moment in moments:
        for disk in Outcomes(moment.disk, OUTCOMES):
            hold(disk, backend, moment.known)
            disks += 1
    print(f"{course.__name__}, {backend}: {len(moments)} crash points, {disks} disks")


@pytest.mark.parametrize("course", COURSES if OUTCOMES >= 10 else [finish_with_reports], ids=lambda one: one.__name__)
def test_an_opening_that_is_cut_off_is_repeated_whatever_it_had_done(course: Course, backend: str) -> None:
    points = disks = 0
    for moment in moments_of(course, backend)[::OPENINGS_STEP]:
        *_, kept = Outcomes(moment.disk, 2)
        for second in moments_of_opening(kept, backend)[::OPENINGS_STEP]:
            points += 1
            for again in Outcomes(second.disk, 2):
                hold(again, backend, moment.known)
                disks += 1
    print(f"recovery after {course.__name__}, {backend}: {points} crash points, {disks} disks")


def moments_of_opening(disk: SimulatedFiles, backend: str) -> list[Moment]:
    """Each moment, while what is on a disk is opened and closed, at which the power may fail once more."""
    assert isinstance(disk, RecordedFiles)
    machine = reborn(disk, backend)
    disk.begin(lambda: None)
    with machine.vfs:
        trio.run(opened, machine)
    return disk.end()


async def opened(machine: Machine) -> None:
    async with machine.place.open():
        pass


@pytest.mark.parametrize("trouble", FAILING, ids=lambda one: one.name)
def test_no_failing_call_takes_what_was_promised_even_if_power_fails_later(
    course: Course, trouble: Trouble, backend: str
) -> None:
    first, step = FAILING[trouble] if OUTCOMES < 10 else (1, 1)
    for at in range(first, calls_of(course, backend) + 1, step):
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
