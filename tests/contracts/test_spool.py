"""The Spool contract: memory, SQLite on a directory of this machine, SQLite on a simulated disk."""

from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path, PurePosixPath

import pytest
import trio
from attrs import evolve

from empath.sim import SimulatedWorld
from empath.spool.contract import (
    BodyFile,
    Damage,
    Fate,
    Finished,
    Quarantined,
    Spool,
    SpoolDamaged,
    SpoolError,
    SpoolFull,
    SpoolHeld,
    Statistics,
    Waiting,
)
from empath.spool.files import open_files
from empath.spool.memory import MemoryStore
from empath.spool.sqlite import open_database
from empath.world.disk import DurableDisk
from empath.world.entropy import SystemEntropy
from empath.world.files import SystemFiles
from empath.world.offload import ThreadOffload
from tests.contracts.spools import NOW, InDatabase, Machine, Place, claim, content, message, mid, numbers

HOUR = 3600.0


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Place]:
    offload = ThreadOffload("test", threads=2)
    disk = DurableDisk(SystemFiles(), offload, SystemEntropy())
    world = evolve(SimulatedWorld(1).world, disk=disk, offload=offload)
    yield Place(world, tmp_path, partial(open_database, str(tmp_path / "queue.sqlite3")))
    offload.close()


@pytest.fixture
def machine() -> Iterator[Machine]:
    made = Machine.make()
    with made.vfs:
        yield made


@pytest.fixture
def files(directory: Place) -> Place:
    return evolve(directory, open_store=partial(open_files, str(directory.path), SystemFiles()))


@pytest.fixture
def machine_with_files() -> Place:
    return Machine.make(backend="files").place


@pytest.fixture
def memory() -> Place:
    return Place(SimulatedWorld(1).world, PurePosixPath("/spool"), MemoryStore)


def fixture(request: pytest.FixtureRequest) -> Place:
    made: Place | Machine = request.getfixturevalue(request.param)
    return made if isinstance(made, Place) else made.place


@pytest.fixture(params=["memory", "directory", "machine", "files", "machine_with_files", "database"])
def place(request: pytest.FixtureRequest) -> Place:
    return fixture(request)


@pytest.fixture(params=["directory", "machine", "files", "machine_with_files", "database"])
def lasting(request: pytest.FixtureRequest) -> Place:
    """A place where what was accepted is there when it is opened again."""
    return fixture(request)


@pytest.fixture
async def spool(place: Place) -> AsyncIterator[Spool]:
    async with place.open() as opened:
        yield opened


async def large(spool: Spool, number: int, size_bytes: int = 200_000) -> tuple[BodyFile, bytes]:
    written = bytes(at % 251 for at in range(size_bytes))
    draft = await spool.draft_body(mid(number))
    for start in range(0, size_bytes, 50_000):
        await draft.write(written[start : start + 50_000])
    return await draft.commit(), written


async def bodies(place: Place) -> tuple[str, ...]:
    return await place.world.disk.list(place.path / "bodies")


async def test_what_was_accepted_is_claimed_as_it_was(spool: Spool) -> None:
    await spool.accept(message(1, "a.example", "b.example", body=b"text\r\n"))
    (one,) = (await claim(spool)).claims
    assert (one.mid, one.received, one.envelope, one.body) == (mid(1), NOW, b"envelope of 1", b"text\r\n")
    assert [(each.domain, each.key.ordinal, each.attempts, each.last) for each in one.deliveries] == [
        ("a.example", 0, 0, b""),
        ("b.example", 1, 0, b""),
    ]


async def test_the_longest_due_comes_first_and_of_equals_the_oldest(spool: Spool) -> None:
    for number, due in ((1, NOW - 1), (2, NOW - 5), (3, NOW - 5), (4, NOW)):
        await spool.accept(message(number, next_attempt=due))
    assert numbers(await claim(spool)) == [2, 3, 1, 4]


async def test_no_more_is_claimed_than_there_is_room_for(spool: Spool) -> None:
    await spool.accept(message(1, "a.example", "b.example", "c.example"))
    first, second = await claim(spool, room=2), await claim(spool, room=2)
    assert [len(claimed.claims[0].deliveries) for claimed in (first, second)] == [2, 1]
    assert (first.next_due, second.next_due) == (NOW, None)
    assert (await claim(spool, room=0)).claims == []


async def test_what_is_not_due_is_announced_and_left(spool: Spool) -> None:
    await spool.accept(message(1, next_attempt=NOW + 10))
    claimed = await claim(spool)
    assert (claimed.claims, claimed.next_due) == ([], NOW + 10)
    assert numbers(await claim(spool, now=NOW + 10)) == [1]


async def test_what_is_claimed_is_not_claimed_twice(spool: Spool) -> None:
    await spool.accept(message(1))
    assert numbers(await claim(spool)) == [1]
    assert numbers(await claim(spool, now=NOW + HOUR)) == []


async def test_what_no_right_clock_has_planned_is_due(spool: Spool) -> None:
    """The wall clock was a year ahead, and was set right."""
    await spool.accept(message(1, next_attempt=NOW + 365 * 24 * HOUR))
    await spool.accept(message(2, next_attempt=NOW + 24 * HOUR))
    await spool.accept(message(3))
    assert numbers(await claim(spool, latest=NOW + 24 * HOUR, room=2)) == [3, 1]
    assert (await claim(spool, latest=NOW + 24 * HOUR)).next_due == NOW + 24 * HOUR


async def test_what_is_recorded_as_waiting_comes_again_with_what_was_noted(spool: Spool) -> None:
    await spool.accept(message(1))
    key = (await claim(spool)).claims[0].deliveries[0].key
    await spool.record([Waiting(key=key, next_attempt=NOW + 60, attempts=3, last=b"greylisted")])
    assert (await claim(spool)).next_due == NOW + 60
    (again,) = (await claim(spool, now=NOW + 60)).claims
    assert [(each.attempts, each.last) for each in again.deliveries] == [(3, b"greylisted")]


async def test_a_message_goes_with_its_last_delivery(spool: Spool) -> None:
    await spool.accept(message(1, "a.example", "b.example"))
    first, second = (await claim(spool)).claims[0].deliveries
    await spool.record([Finished(key=first.key)])
    assert await spool.statistics() == Statistics(messages=1, waiting=0, claimed=1)
    await spool.record([Finished(key=second.key)])
    assert await spool.statistics() == Statistics(messages=0, waiting=0, claimed=0)


async def test_a_report_is_accepted_with_the_fate_it_reports(spool: Spool) -> None:
    await spool.accept(message(1))
    key = (await claim(spool)).claims[0].deliveries[0].key
    await spool.record([Finished(key=key)], [message(2)])
    assert numbers(await claim(spool)) == [2]


async def test_an_error_in_a_report_leaves_nothing_of_the_record(spool: Spool) -> None:
    await spool.accept(message(1, "a.example", "b.example"))
    await spool.accept(message(2, next_attempt=NOW + 10))
    first, second = (await claim(spool)).claims[0].deliveries
    fates: list[Fate] = [Finished(key=first.key), Waiting(key=second.key, next_attempt=NOW, attempts=1)]
    with pytest.raises(SpoolError):
        await spool.record(fates, [message(3), message(2)])
    assert await spool.statistics() == Statistics(messages=2, waiting=1, claimed=2)
    await spool.accept(message(3))


async def test_a_fate_that_was_recorded_already_touches_nothing_else(spool: Spool) -> None:
    """The number of a message that is gone must not be given to the next."""
    await spool.accept(message(1))
    key = (await claim(spool)).claims[0].deliveries[0].key
    await spool.record([Finished(key=key)])
    await spool.accept(message(2))
    await spool.record([Finished(key=key)])
    assert numbers(await claim(spool)) == [2]


async def test_a_message_with_a_name_that_is_taken_is_refused_and_harms_no_other(spool: Spool) -> None:
    await spool.accept(message(1, body=b"first"))
    refused: list[str] = []

    async def offer(number: int) -> None:
        try:
            await spool.accept(message(number, body=b"later"))
        except SpoolError as problem:
            refused.append(str(problem))

    async with trio.open_nursery() as nursery:
        for number in (2, 1, 3, 4):
            nursery.start_soon(offer, number)
    assert refused == [f"message {mid(1)} is here already"]
    claims = {one.mid.number: one.body for one in (await claim(spool)).claims}
    assert claims == {1: b"first", 2: b"later", 3: b"later", 4: b"later"}


async def test_a_new_message_is_news(spool: Spool, place: Place, autojump_clock: trio.testing.MockClock) -> None:
    if isinstance(place, InDatabase):
        await spool.wait_news()  # that it hears the server from now on is news, whenever that comes to pass
    with trio.move_on_after(HOUR) as nothing:
        await spool.wait_news()
    assert nothing.cancelled_caught
    await spool.accept(message(1))
    await spool.wait_news()


async def test_a_delivery_that_waits_again_is_news(spool: Spool) -> None:
    """Whoever waits for what is due next must hear of something that is due before it."""
    await spool.accept(message(1))
    await spool.wait_news()
    key = (await claim(spool)).claims[0].deliveries[0].key
    await spool.record([Waiting(key=key, next_attempt=NOW + 60, attempts=1)])
    with trio.fail_after(5):
        await spool.wait_news()


async def test_a_large_body_is_read_as_it_was_written(spool: Spool) -> None:
    body, written = await large(spool, 1)
    await spool.accept(message(1, body=body))
    (one,) = (await claim(spool)).claims
    assert one.body == body
    assert await content(spool, one.body) == written


async def test_the_file_of_a_large_body_goes_with_its_message(spool: Spool, place: Place) -> None:
    body, _ = await large(spool, 1)
    await spool.accept(message(1, body=body))
    assert await bodies(place) == (body.name,)
    key = (await claim(spool)).claims[0].deliveries[0].key
    await spool.record([Finished(key=key)])
    assert await bodies(place) == ()
    with pytest.raises(SpoolError):
        await content(spool, body)


async def test_the_file_goes_even_if_who_recorded_it_is_cancelled(spool: Spool, place: Place) -> None:
    body, _ = await large(spool, 1)
    await spool.accept(message(1, body=body))
    key = (await claim(spool)).claims[0].deliveries[0].key

    async with trio.open_nursery() as nursery:
        nursery.start_soon(spool.record, [Finished(key=key)])
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert await bodies(place) == ()


async def test_a_draft_that_is_discarded_leaves_nothing_even_if_its_task_is_cancelled(
    spool: Spool, place: Place
) -> None:
    draft = await spool.draft_body(mid(1))
    await draft.write(bytes(300_000))
    assert len(await bodies(place)) == 1
    with trio.CancelScope() as scope:
        scope.cancel()
        await draft.discard()
    assert await bodies(place) == ()


async def test_nothing_happens_to_a_draft_after_its_commit(spool: Spool) -> None:
    draft = await spool.draft_body(mid(1))
    await draft.write(b"large")
    body = await draft.commit()
    await draft.discard()
    assert await content(spool, body) == b"large"


async def test_a_body_that_no_message_will_have_can_be_removed_even_if_the_task_is_cancelled(
    spool: Spool, place: Place
) -> None:
    body, _ = await large(spool, 1)
    for _ in range(2):  # there is nothing the second time
        with trio.CancelScope() as scope:
            scope.cancel()
            await spool.discard_body(body)
        assert await bodies(place) == ()


async def test_two_drafts_of_one_name_are_two_files(spool: Spool) -> None:
    """Else the second would take the body away from a message that was accepted."""
    first, written = await large(spool, 1)
    await spool.accept(message(1, body=first))
    second, _ = await large(spool, 1, size_bytes=10)
    with pytest.raises(SpoolError):
        await spool.accept(message(1, body=second))
    assert await content(spool, first) == written


async def test_a_body_that_is_not_what_was_accepted_is_said_to_be_damaged(spool: Spool, place: Place) -> None:
    body, written = await large(spool, 1)
    path = place.path / "bodies" / body.name
    with pytest.raises(SpoolDamaged, match="200001 were accepted"):
        await content(spool, evolve(body, size_bytes=200_001))
    await place.world.disk.write(path, [written[:-1], b"?"])
    with pytest.raises(SpoolDamaged, match="checksum"):
        await content(spool, body)
    assert await content(spool, evolve(body, checksum=None)) == written[:-1] + b"?"
    await place.world.disk.unlink(path)
    with pytest.raises(SpoolDamaged, match=f"{body.name} is missing"):
        await content(spool, body)


async def test_what_is_in_quarantine_is_kept_and_listed_and_not_claimed(spool: Spool) -> None:
    await spool.accept(message(1, "a.example", "b.example"))
    await spool.accept(message(2))
    first, second = (await claim(spool)).claims[0].deliveries
    await spool.record([Quarantined(key=first.key, reason="torn"), Quarantined(key=second.key, reason="again")])
    assert await spool.quarantine() == [Damage(mid=str(mid(1)), reason="torn")]
    assert await spool.statistics() == Statistics(messages=2, waiting=0, claimed=1, quarantined=2)
    await spool.record([Waiting(key=first.key, next_attempt=NOW, attempts=1)])
    claimed = await claim(spool, now=NOW + HOUR)
    assert (claimed.claims, claimed.next_due) == ([], None)


async def test_what_was_in_quarantine_and_has_ended_is_not_listed(spool: Spool) -> None:
    await spool.accept(message(1))
    key = (await claim(spool)).claims[0].deliveries[0].key
    await spool.record([Quarantined(key=key, reason="torn")])
    await spool.record([Finished(key=key)])
    assert await spool.quarantine() == []
    assert await spool.statistics() == Statistics(messages=0, waiting=0, claimed=0)


async def test_what_is_released_from_quarantine_is_claimed_as_before(spool: Spool) -> None:
    for number in (1, 2):
        await spool.accept(message(number, "a.example", "b.example"))
        keys = [each.key for each in (await claim(spool)).claims[0].deliveries]
        await spool.record([Quarantined(key=key, reason="torn") for key in keys])
    assert await spool.release(str(mid(1))) == 2
    assert await spool.release(str(mid(3))) == 0
    assert await spool.quarantine() == [Damage(mid=str(mid(2)), reason="torn")]
    claimed = await claim(spool, now=NOW + HOUR)
    assert (numbers(claimed), len(claimed.claims[0].deliveries)) == ([1], 2)


async def test_quarantine_outlives_the_process(lasting: Place) -> None:
    async with lasting.open() as spool:
        await spool.accept(message(1))
        key = (await claim(spool)).claims[0].deliveries[0].key
        await spool.record([Quarantined(key=key, reason="torn")])
    async with lasting.open() as spool:
        assert await spool.quarantine() == [Damage(mid=str(mid(1)), reason="torn")]
        assert numbers(await claim(spool, now=NOW + HOUR)) == []


async def test_files_that_no_message_needs_are_swept_at_the_start(lasting: Place) -> None:
    async with lasting.open() as spool:
        needed, written = await large(spool, 1)
        await spool.accept(message(1, body=needed))
        await large(spool, 2)
        await (await spool.draft_body(mid(3))).write(bytes(300_000))
        assert len(await bodies(lasting)) == 3
    async with lasting.open() as spool:
        assert await bodies(lasting) == (needed.name,)
        assert await content(spool, needed) == written


async def test_what_was_claimed_waits_again_after_opening_but_not_before_its_moment(lasting: Place) -> None:
    async with lasting.open() as spool:
        await spool.accept(message(1))
        await spool.accept(message(2))
        await claim(spool, until=NOW + 60, room=1)
    async with lasting.open() as spool:
        assert numbers(await claim(spool)) == [2]
        assert numbers(await claim(spool, now=NOW + 60)) == [1]


async def test_a_second_daemon_is_refused_and_told_who_is_first(place: Place) -> None:
    async with place.open("empath serve, pid 42"):
        with pytest.raises(SpoolHeld, match="in use by empath serve, pid 42"):
            async with place.open("another"):
                pytest.fail("two have it")
    async with place.open("another"):
        pass


async def test_a_spool_whose_user_fails_or_is_cancelled_can_be_opened_again(lasting: Place) -> None:
    with pytest.RaisesGroup(ValueError):
        async with lasting.open() as spool:
            await spool.accept(message(1))
            raise ValueError("a fault of its user")
    with trio.CancelScope() as scope:
        async with lasting.open() as spool:
            await spool.accept(message(2))
            scope.cancel()
            await trio.lowlevel.checkpoint()
    async with lasting.open() as spool:
        assert numbers(await claim(spool)) == [1, 2]


async def test_a_write_is_not_abandoned_when_its_task_is_cancelled(spool: Spool) -> None:
    done: list[int] = []

    async def offer(number: int) -> None:
        await spool.accept(message(number))
        done.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(10):
            nursery.start_soon(offer, number)
        await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    assert sorted(numbers(await claim(spool))) == sorted(done)


async def test_closing_waits_for_what_is_under_way(lasting: Place) -> None:
    async with trio.open_nursery() as nursery:
        async with lasting.open() as spool:
            for number in range(10):
                nursery.start_soon(spool.accept, message(number))  # noqa: ASYNC111  that it closes first is the point
            await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(trio.ClosedResourceError):
            await spool.accept(message(99))
    async with lasting.open() as spool:
        assert sorted(numbers(await claim(spool))) == list(range(10))


async def test_a_full_disk_is_said_to_be_full_and_nothing_is_left_of_what_did_not_fit(machine: Machine) -> None:
    async with machine.place.open() as spool:
        body, _ = await large(spool, 1)
        machine.simulation.files.capacity_bytes = 0
        with pytest.raises(SpoolFull, match="full"):
            await spool.accept(message(1, body=body))
        assert await bodies(machine.place) == ()
        machine.simulation.files.capacity_bytes = 10_000_000
        await spool.accept(message(2))
        assert numbers(await claim(spool)) == [2]
