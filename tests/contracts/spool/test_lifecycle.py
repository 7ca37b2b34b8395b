"""The Spool contract, how deliveries end and what is kept of them; what is urgent; what comes twice."""

import pytest
import trio
from attrs import evolve

from empath.mail.delivery import Status
from empath.sim.disk import Trouble
from empath.spool.contract import (
    EVERYTHING,
    Acceptance,
    Delete,
    DeliveryKey,
    Demand,
    Fingerprint,
    Finished,
    Hold,
    Retention,
    Selector,
    Spool,
    SpoolError,
    Statistics,
    Waiting,
)
from tests.contracts.spools import NOW, Machine, Place, claim, message, mid, numbers

DAY_S = 86_400.0
RETENTION = Retention(failed_s=DAY_S, trash_s=3600.0, fingerprints_s=600.0)


async def claimed_key(spool: Spool) -> DeliveryKey:
    return (await claim(spool)).claims[0].deliveries[0].key


@pytest.mark.parametrize("status", [Status.FAILED, Status.EXPIRED])
async def test_what_is_given_up_is_kept_as_it_ended_and_not_claimed(spool: Spool, status: Status) -> None:
    await spool.accept(message(1))
    key = await claimed_key(spool)
    await spool.record([Finished(key=key, status=status, at=NOW + 5, attempts=3, last=b"no")])
    (row,) = (await spool.find(EVERYTHING, now=NOW)).rows
    assert (row.status, row.since, row.attempts, row.last, row.mid) == (status, NOW + 5, 3, b"no", mid(1))
    claimed = await claim(spool, now=NOW + DAY_S)
    assert (claimed.claims, claimed.next_due) == ([], None)
    (kept,) = [await spool.statistics()]
    assert (kept.messages, kept.waiting, kept.claimed, kept.failed + kept.expired) == (1, 0, 0, 1)


async def test_what_has_ended_does_not_end_again_nor_wait_again_but_delivered_is_delivered(spool: Spool) -> None:
    await spool.accept(message(1))
    key = await claimed_key(spool)
    await spool.record([Finished(key=key, status=Status.FAILED, at=NOW)])
    await spool.record([Finished(key=key, status=Status.EXPIRED, at=NOW + 1)])
    await spool.record([Waiting(key=key, next_attempt=NOW, attempts=1)])
    assert await spool.statistics() == Statistics(messages=1, waiting=0, claimed=0, failed=1)
    await spool.record([Finished(key=key)])
    assert await spool.statistics() == Statistics(messages=0, waiting=0, claimed=0)


async def test_what_was_kept_long_enough_goes_with_its_body(spool: Spool, place: Place) -> None:
    draft = await spool.draft_body(mid(1))
    await draft.write(b"large")
    await spool.accept(message(1, body=await draft.commit()))
    await spool.record([Finished(key=await claimed_key(spool), status=Status.FAILED, at=NOW)])
    assert await spool.purge(now=NOW + DAY_S - 1, retention=RETENTION) == 0
    assert len(await place.world.disk.list(place.path / "bodies")) == 1
    assert await spool.purge(now=NOW + DAY_S, retention=RETENTION) == 1
    assert await place.world.disk.list(place.path / "bodies") == ()
    assert await spool.statistics() == Statistics(messages=0, waiting=0, claimed=0)


async def test_what_was_deleted_is_kept_for_a_time_of_its_own(spool: Spool) -> None:
    await spool.accept(message(1))
    await spool.apply(Delete(), EVERYTHING, now=NOW)
    assert await spool.purge(now=NOW + 3599, retention=RETENTION) == 0
    assert await spool.purge(now=NOW + 3600, retention=RETENTION) == 1
    assert await spool.count(Selector(in_trash=True), now=NOW) == 0


async def test_what_ended_when_the_clock_was_far_ahead_does_not_stay_for_ever(spool: Spool) -> None:
    for number in (1, 2):
        await spool.accept(message(number))
        at = NOW + number * 0.9 * DAY_S
        await spool.record([Finished(key=await claimed_key(spool), status=Status.EXPIRED, at=at)])
    assert await spool.purge(now=NOW, retention=RETENTION) == 1
    (row,) = (await spool.find(EVERYTHING, now=NOW)).rows
    assert row.mid == mid(1)


async def test_much_that_has_ended_goes_all_at_once(spool: Spool) -> None:
    for number in range(1200):
        await spool.accept(message(number, *["a.example"] * (2 if number % 100 == 0 else 1)))
    await spool.apply(Delete(), EVERYTHING, now=NOW)
    assert await spool.purge(now=NOW + DAY_S, retention=RETENTION) == 1212
    assert (await spool.statistics()).messages == 0


async def test_what_a_delivery_waits_for_is_remembered(spool: Spool) -> None:
    statuses = [Status.PENDING, Status.RETRY, Status.UNCERTAIN]
    for number, status in enumerate(statuses):
        await spool.accept(message(number))
        key = await claimed_key(spool)
        await spool.record([Waiting(key=key, next_attempt=NOW + 60, attempts=1, status=status)])
    assert [row.status for row in (await spool.find(EVERYTHING, now=NOW)).rows] == statuses
    counted = await spool.statistics()
    assert (counted.pending, counted.retry, counted.uncertain, counted.waiting) == (1, 1, 1, 3)
    claims = (await claim(spool, now=NOW + 60)).claims
    assert [one.deliveries[0].status for one in claims] == statuses


async def test_what_was_claimed_when_the_process_ended_may_have_arrived(machine: Machine) -> None:
    async with machine.place.open() as spool:
        await spool.accept(message(1))
        await spool.accept(message(2))
        await claim(spool, room=1)
    async with machine.place.open() as spool:
        statuses = [row.status for row in (await spool.find(EVERYTHING, now=NOW)).rows]
        assert statuses == [Status.UNCERTAIN, Status.PENDING]
        counted = await spool.statistics()
        assert (counted.messages, counted.waiting, counted.uncertain, counted.claimed) == (2, 2, 1, 0)


async def test_all_that_is_counted_is_counted_again_at_the_next_start(machine: Machine) -> None:
    async with machine.place.open() as spool:
        for number in range(5):
            await spool.accept(message(number))
        keys = [one.deliveries[0].key for one in (await claim(spool, room=3)).claims]
        await spool.record([Finished(key=keys[0], status=Status.FAILED, at=NOW)])
        await spool.record([Finished(key=keys[1], status=Status.EXPIRED, at=NOW)])
        await spool.record([Waiting(key=keys[2], next_attempt=NOW, attempts=1)])
        await spool.apply(Hold("wait"), Selector(ids=frozenset({mid(3)})), now=NOW)
        await spool.apply(Delete(), Selector(ids=frozenset({mid(4)})), now=NOW)
        before = await spool.statistics()
    async with machine.place.open() as spool:
        assert await spool.statistics() == before
    assert before == Statistics(messages=5, waiting=1, claimed=0, retry=1, held=1, failed=1, expired=1, deleted=1)


async def test_an_operation_that_fails_is_not_counted(spool: Spool) -> None:
    await spool.accept(message(1))
    key = await claimed_key(spool)
    before = await spool.statistics()
    with pytest.raises(SpoolError):
        await spool.record([Finished(key=key)], [message(2), message(2)])
    assert await spool.statistics() == before


async def test_urgent_mail_passes_what_was_due_a_little_longer_and_no_other(spool: Spool) -> None:
    for number, priority, age_s in ((1, 0, 100), (2, 0, 250), (3, 2, 90), (4, -1, 260), (5, 0, 0)):
        await spool.accept(evolve(message(number, next_attempt=NOW - age_s), priority=priority))
    demand = Demand(head_start_s=60.0)
    assert numbers(await claim(spool, room=3, demand=demand)) == [2, 3, 4]
    assert numbers(await claim(spool, demand=demand)) == [1, 5]


async def test_however_urgent_nothing_is_claimed_before_it_is_due(spool: Spool) -> None:
    await spool.accept(evolve(message(1, next_attempt=NOW + 10), priority=9))
    claimed = await claim(spool, demand=Demand(head_start_s=60.0))
    assert (claimed.claims, claimed.next_due) == ([], NOW + 10)


async def test_a_message_that_comes_again_is_not_kept_twice_even_if_the_first_is_gone(spool: Spool) -> None:
    def copy(number: int, *, received: float) -> Acceptance:
        fingerprint = Fingerprint(b"the same", received - 600)
        return evolve(message(number), received=received, fingerprint=fingerprint)

    assert await spool.accept(copy(1, received=NOW)) is None
    assert await spool.accept(copy(2, received=NOW + 600)) == mid(1)
    await spool.record([Finished(key=await claimed_key(spool))])
    assert await spool.accept(copy(3, received=NOW + 600)) == mid(1)
    assert await spool.accept(copy(4, received=NOW + 601)) is None
    assert await spool.accept(evolve(message(5), fingerprint=Fingerprint(b"another", 0.0))) is None
    assert await spool.accept(message(6)) is None
    assert (await spool.statistics()).messages == 3


async def test_the_file_of_a_repetition_is_removed(spool: Spool, place: Place) -> None:
    for number in (1, 2):
        draft = await spool.draft_body(mid(number))
        await draft.write(b"large")
        acceptance = evolve(message(number, body=await draft.commit()), fingerprint=Fingerprint(b"same", 0.0))
        await spool.accept(acceptance)
    assert len(await place.world.disk.list(place.path / "bodies")) == 1


async def test_a_repetition_in_the_same_batch_is_one(spool: Spool) -> None:
    answers: list[object] = []

    async def offer(number: int) -> None:
        answers.append(await spool.accept(evolve(message(number), fingerprint=Fingerprint(b"same", 0.0))))

    async with trio.open_nursery() as nursery:
        for number in range(5):
            nursery.start_soon(offer, number)
    assert answers.count(None) == 1
    assert (await spool.statistics()).messages == 1


async def test_what_is_refused_leaves_no_fingerprint(spool: Spool) -> None:
    await spool.accept(message(1))
    with pytest.raises(SpoolError):
        await spool.accept(evolve(message(1), fingerprint=Fingerprint(b"same", 0.0)))
    assert await spool.accept(evolve(message(2), fingerprint=Fingerprint(b"same", 0.0))) is None


async def test_fingerprints_are_forgotten_when_they_are_old(spool: Spool) -> None:
    await spool.accept(evolve(message(1), fingerprint=Fingerprint(b"same", NOW - 600)))
    await spool.purge(now=NOW + 600, retention=RETENTION)
    assert await spool.accept(evolve(message(2), fingerprint=Fingerprint(b"same", NOW - 600))) is None


async def test_a_body_that_cannot_be_removed_is_counted_and_removed_later(
    autojump_clock: trio.testing.MockClock,
) -> None:
    machine = Machine.make()  # the only unlinks there are those of bodies
    with machine.vfs:
        await cannot_remove(machine)


async def cannot_remove(machine: Machine) -> None:
    files = machine.simulation.files
    async with machine.place.open() as spool:
        draft = await spool.draft_body(mid(1))
        await draft.write(b"large")
        await spool.accept(message(1, body=await draft.commit()))
        key = await claimed_key(spool)
        others = {"sqlite": 0, "files": 2}[machine.backend]  # files that go before the body
        for at in (1, 2):
            files.plan(Trouble.IO_ERROR, at=others + at, call="unlink")
        await spool.record([Finished(key=key)])
        counted = await spool.statistics()
        assert (counted.messages, counted.undeleted_files, counted.deletion_failures) == (0, 1, 1)
        await spool.tend()
        for _ in range(5):
            await trio.sleep(60)
            await spool.tend()
        counted = await spool.statistics()
        assert (counted.undeleted_files, counted.deletion_failures) == (0, 2)
        assert await machine.place.world.disk.list(machine.place.path / "bodies") == ()
