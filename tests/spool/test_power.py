"""Losing power, and a disk that fails: what was acknowledged is there, once and whole; nothing is there by half.

On the simulated disk, at every call that it sees. Once the disk forgets all that was not synced, once a part of it.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

import pytest
import trio
from attrs import define, field

from empath.sim.disk import Trouble
from empath.spool.contract import Demand, Finished, Quarantined, Spool, SpoolError, Waiting
from empath.spool.database import CHECKPOINT_PAGES, PAGE_BYTES
from tests.contracts.spools import NOW, Machine, claim, content, message, mid

LARGE = bytes(at % 251 for at in range(300_000))


@define
class Promises:
    """What the spool was asked for, and what of that it has acknowledged, by the numbers of messages."""

    accepted: set[int] = field(factory=set)
    offered: set[int] = field(factory=set)
    finished: set[int] = field(factory=set)
    """Durably: they must not come back."""
    may_be_gone: set[int] = field(factory=set)
    """They may come back, and need not."""
    quarantined: set[int] = field(factory=set)
    """Durably: they are listed, and not claimed."""

    async def accept(self, spool: Spool, number: int) -> None:
        self.offered.add(number)
        await spool.accept(message(number, "a.example", "b.example", body=b"body of %d" % number))
        self.accepted.add(number)

    async def accept_large(self, spool: Spool, number: int) -> None:
        self.offered.add(number)
        draft = await spool.draft_body(mid(number))
        await draft.write(LARGE)
        await spool.accept(message(number, "a.example", "b.example", body=await draft.commit()))
        self.accepted.add(number)


async def accept_some(spool: Spool, promises: Promises) -> None:
    for number in (10, 11):
        await promises.accept(spool, number)


async def accept_together(spool: Spool, promises: Promises) -> None:
    async with trio.open_nursery() as nursery:
        for number in range(10, 15):
            nursery.start_soon(promises.accept, spool, number)


async def accept_large(spool: Spool, promises: Promises) -> None:
    for number in (10, 11):
        await promises.accept_large(spool, number)


async def claim_and_postpone(spool: Spool, promises: Promises) -> None:
    for one in (await claim(spool)).claims:
        await spool.record([Waiting(key=each.key, next_attempt=NOW, attempts=1) for each in one.deliveries])
    await promises.accept(spool, 10)


async def claim_and_finish(spool: Spool, promises: Promises) -> None:
    for one in (await claim(spool)).claims:
        promises.may_be_gone.add(one.mid.number)
        await spool.record([Finished(key=each.key) for each in one.deliveries])
    await promises.accept(spool, 10)
    promises.finished |= promises.may_be_gone


async def finish_with_reports(spool: Spool, promises: Promises) -> None:
    for one in (await claim(spool)).claims:
        number = one.mid.number
        promises.may_be_gone.add(number)
        promises.offered.add(number + 100)
        report = message(number + 100, "a.example", "b.example", body=b"body of %d" % (number + 100))
        await spool.record([Finished(key=each.key) for each in one.deliveries], [report])
        promises.finished.add(number)
        promises.accepted.add(number + 100)


async def set_aside_and_recall(spool: Spool, promises: Promises) -> None:
    await claim(spool, latest=NOW + 100, demand=Demand(site_room=0))
    await promises.accept(spool, 10)
    await claim(spool, latest=NOW + 100, demand=Demand(recalled=("b.example", "a.example")))


async def quarantine(spool: Spool, promises: Promises) -> None:
    first = (await claim(spool)).claims[0]
    promises.may_be_gone.add(first.mid.number)
    await spool.record([Quarantined(key=each.key, reason="a test") for each in first.deliveries])
    await promises.accept(spool, 10)
    promises.quarantined.add(first.mid.number)


Course = Callable[[Spool, Promises], Awaitable[None]]
COURSES = [
    accept_some,
    accept_together,
    accept_large,
    claim_and_postpone,
    claim_and_finish,
    finish_with_reports,
    set_aside_and_recall,
    quarantine,
]


async def lives(machine: Machine, course: Course, trouble: Trouble, at: int) -> Promises:
    """Have some messages accepted, then trouble on the way; what was promised until then."""
    promises = Promises()
    with suppress(BaseExceptionGroup, SpoolError):
        async with machine.place.open() as spool:
            for number in (1, 2):
                await promises.accept(spool, number)
            await promises.accept_large(spool, 3)
            machine.simulation.files.plan(trouble, at=at)
            await course(spool, promises)
    return promises


async def check(machine: Machine, promises: Promises) -> None:
    """Open the spool anew and hold it to the promises."""
    async with machine.place.open() as spool:
        claims = (await claim(spool, now=NOW + 3600)).claims
        there = [one.mid.number for one in claims]
        assert len(there) == len(set(there))
        assert promises.accepted - promises.may_be_gone <= set(there) <= promises.offered
        assert not promises.finished & set(there)
        listed = {damage.mid for damage in await spool.quarantine()}
        assert {str(mid(number)) for number in promises.quarantined} <= listed
        assert not listed & {str(one.mid) for one in claims}
        for one in claims:
            number = one.mid.number
            assert [each.domain for each in one.deliveries] == ["a.example", "b.example"]
            assert one.envelope == b"envelope of %d" % number
            assert await content(spool, one.body) in (b"body of %d" % number, LARGE)


def calls_of(course: Course) -> int:
    """How many calls a course makes when nothing happens, closing included."""
    machine = Machine.make()
    before: list[int] = []

    async def undisturbed() -> None:
        async with machine.place.open() as spool:
            promises = Promises()
            for number in (1, 2):
                await promises.accept(spool, number)
            await promises.accept_large(spool, 3)
            before.append(len(machine.simulation.files.history))
            await course(spool, promises)

    with machine.vfs:
        trio.run(undisturbed)
    return len(machine.simulation.files.history) - before[0]


@pytest.fixture(params=COURSES, ids=lambda course: course.__name__)
def course(request: pytest.FixtureRequest) -> Course:
    chosen: Course = request.param
    return chosen


@pytest.mark.parametrize("survivors", [False, True], ids=["all-forgotten", "part-forgotten"])
def test_no_loss_of_power_takes_what_was_promised(course: Course, survivors: bool) -> None:
    for at in range(1, calls_of(course) + 1):
        machine = Machine.make(seed=at)
        with machine.vfs:
            promises = trio.run(lives, machine, course, Trouble.POWER_OFF, at)
            machine.simulation.crash(survivors=survivors)
            trio.run(check, machine, promises)


@pytest.mark.parametrize("trouble", [Trouble.IO_ERROR, Trouble.NO_SPACE, Trouble.SHORT_WRITE], ids=lambda one: one.name)
def test_no_failing_call_takes_what_was_promised_even_if_power_fails_later(course: Course, trouble: Trouble) -> None:
    for at in range(1, calls_of(course) + 1):
        machine = Machine.make(seed=at)
        with machine.vfs:
            promises = trio.run(lives, machine, course, trouble, at)
            machine.simulation.crash()
            trio.run(check, machine, promises)


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
