"""The Spool contract, what people do to deliveries: to those that they have chosen, counted exactly, and durably."""

import pytest
import trio
from attrs import evolve

from empath.mail.delivery import Status
from empath.spool.contract import (
    EVERYTHING,
    Action,
    Delete,
    Demand,
    Fail,
    Finished,
    Hold,
    Quarantined,
    Release,
    RetryNow,
    Row,
    Selector,
    Spool,
    Undelete,
    Waiting,
)
from tests.contracts.spools import NOW, Machine, claim, message, mid, numbers

FIRST = Selector(ids=frozenset({mid(1)}))


async def only(spool: Spool, selector: Selector = EVERYTHING) -> Row:
    (row,) = (await spool.find(selector, now=NOW)).rows
    return row


async def test_what_is_held_is_not_claimed_until_it_is_released(spool: Spool) -> None:
    for number in (1, 2):
        await spool.accept(message(number))
    changed = await spool.apply(Hold("somebody asked"), FIRST, now=NOW)
    assert (changed.done, changed.skipped) == (1, 0)
    assert numbers(await claim(spool, now=NOW + 86_400, until=NOW + 90_000)) == [2]
    assert await spool.apply(Release(), FIRST, now=NOW + 100) == changed
    assert numbers(await claim(spool, now=NOW + 99)) == []
    assert numbers(await claim(spool, now=NOW + 100)) == [1]


async def test_what_is_made_due_is_due_now_set_aside_or_not(spool: Spool) -> None:
    await spool.accept(message(1, "a.example", next_attempt=NOW + 5000))
    await spool.accept(message(2, "b.example"))
    await claim(spool, latest=NOW + 6000, demand=Demand(rooms={"b.example": 0}))
    assert (await spool.apply(RetryNow(), EVERYTHING, now=NOW + 10)).done == 2
    assert await spool.sites_aside() == frozenset()
    assert numbers(await claim(spool, now=NOW + 10)) == [1, 2]


async def test_what_is_failed_without_a_report_has_failed(spool: Spool) -> None:
    await spool.accept(message(1))
    await spool.apply(Fail("bad send"), FIRST, now=NOW + 7)
    row = await only(spool)
    assert (row.status, row.since, row.note) == (Status.FAILED, NOW + 7, "bad send")
    assert numbers(await claim(spool, now=NOW + 100)) == []


async def test_what_was_deleted_comes_back_as_it_was(spool: Spool) -> None:
    for number in range(1, 6):
        await spool.accept(message(number, next_attempt=NOW + number))
    keys = [one.deliveries[0].key for one in (await claim(spool, now=NOW + 10)).claims]
    await spool.record(
        [
            Waiting(key=keys[0], next_attempt=NOW + 50, attempts=1),
            Finished(key=keys[1], status=Status.FAILED, at=NOW),
            Quarantined(key=keys[2], reason="torn"),
            Waiting(key=keys[3], next_attempt=NOW + 60, attempts=0, status=Status.PENDING),
            Waiting(key=keys[4], next_attempt=NOW + 70, attempts=1, status=Status.UNCERTAIN),
        ]
    )
    await spool.apply(Hold("wait"), Selector(ids=frozenset({mid(4)})), now=NOW)
    before, counted = (await spool.find(EVERYTHING, now=NOW)).rows, await spool.statistics()
    assert (await spool.apply(Delete("a mistake"), EVERYTHING, now=NOW + 20)).done == 5
    assert (await spool.statistics()).deleted == 5
    assert await spool.quarantine() == []
    assert (await spool.find(EVERYTHING, now=NOW)).rows == ()
    assert numbers(await claim(spool, now=NOW + 1000)) == []
    assert (await spool.apply(Undelete(), EVERYTHING, now=NOW + 30)).done == 5
    assert await spool.statistics() == counted
    after = (await spool.find(EVERYTHING, now=NOW)).rows
    assert [evolve(row, since=0.0, note="") for row in after] == [evolve(row, since=0.0, note="") for row in before]
    assert numbers(await claim(spool, now=NOW + 1000)) == [1, 5]


async def test_undelete_brings_back_what_is_chosen_and_no_other(spool: Spool) -> None:
    for number in (1, 2):
        await spool.accept(message(number))
    await spool.apply(Delete(), EVERYTHING, now=NOW)
    assert (await spool.apply(Undelete(), FIRST, now=NOW)).done == 1
    assert [row.mid for row in (await spool.find(Selector(in_trash=True), now=NOW)).rows] == [mid(2)]


@pytest.mark.parametrize(
    ("action", "meant"),
    [
        (Hold("x"), {Status.PENDING, Status.RETRY, Status.UNCERTAIN}),
        (RetryNow(), {Status.PENDING, Status.RETRY, Status.UNCERTAIN}),
        (Release(), {Status.HELD}),
        (Fail("x"), {Status.PENDING, Status.RETRY, Status.UNCERTAIN, Status.HELD}),
        (Delete(), set(Status) - {Status.IN_PROGRESS, Status.COMPLETED}),
    ],
)
async def test_what_an_action_is_not_for_is_left_as_it_is_and_counted(
    spool: Spool, action: Action, meant: set[Status]
) -> None:
    statuses = [status for status in Status if status is not Status.COMPLETED]
    for number, _ in enumerate(statuses):
        await spool.accept(message(number))
    keys = [one.deliveries[0].key for one in (await claim(spool)).claims]
    for number, (status, key) in enumerate(zip(statuses, keys, strict=True)):
        if status in {Status.PENDING, Status.RETRY, Status.UNCERTAIN, Status.HELD}:
            waiting = Status.PENDING if status is Status.HELD else status
            await spool.record([Waiting(key=key, next_attempt=NOW + 60, attempts=1, status=waiting)])
        elif status is not Status.IN_PROGRESS:
            await spool.record([Finished(key=key, status=status, at=NOW)])
        if status is Status.HELD:
            await spool.apply(Hold("before"), Selector(ids=frozenset({mid(number)})), now=NOW)
    before = {row.mid: row for row in (await spool.find(EVERYTHING, now=NOW)).rows}
    changed = await spool.apply(action, EVERYTHING, now=NOW + 5)
    assert (changed.done, changed.skipped) == (len(meant), len(statuses) - len(meant))
    for row in (await spool.find(EVERYTHING, now=NOW)).rows:
        assert (row == before[row.mid]) is (statuses[row.mid.number] not in meant)


async def test_much_is_changed_in_portions_and_mail_has_its_turn_between_them(spool: Spool) -> None:
    for number in range(1500):
        await spool.accept(message(number, next_attempt=NOW + 5))
    done: list[str] = []

    async def hold() -> None:
        changed = await spool.apply(Hold("all"), EVERYTHING, now=NOW)
        done.append(f"held {changed.done}")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hold)
        await trio.lowlevel.checkpoint()
        await spool.accept(message(5000))
        done.append("accepted")
    assert done[0] == "accepted"
    assert (await spool.statistics()).held in (1500, 1501)


async def test_what_is_chosen_can_be_claimed_due_or_not_held_or_not(spool: Spool) -> None:
    await spool.accept(message(1, next_attempt=NOW + 5000))
    await spool.accept(message(2, "a.example", "b.example"))
    await spool.accept(message(3))
    await spool.accept(message(4))
    await spool.accept(message(5))
    keys = {one.mid.number: one.deliveries[0].key for one in (await claim(spool)).claims}
    await spool.record([Waiting(key=keys[2], next_attempt=NOW + 9, attempts=1)])
    await spool.record([Quarantined(key=keys[4], reason="torn"), Finished(key=keys[5], status=Status.FAILED, at=NOW)])
    await spool.apply(Hold("wait"), FIRST, now=NOW)
    taken = await spool.claim_chosen(EVERYTHING, now=NOW, until=NOW + 60, room=100)
    assert [(one.mid.number, [each.key.ordinal for each in one.deliveries]) for one in taken.claims] == [
        (1, [0]),
        (2, [0]),
    ]
    assert [one.deliveries[0].status for one in taken.claims] == [Status.HELD, Status.RETRY]
    assert (await spool.statistics()).claimed == 4
    assert (await spool.claim_chosen(EVERYTHING, now=NOW, until=NOW + 60, room=100)).claims == []
    await spool.record([Finished(key=one.deliveries[0].key) for one in taken.claims])
    assert {row.mid.number for row in (await spool.find(EVERYTHING, now=NOW)).rows} == {2, 3, 4, 5}


async def test_no_more_is_claimed_of_what_is_chosen_than_there_is_room_for(spool: Spool) -> None:
    for number in range(5):
        await spool.accept(message(number, "a.example", "b.example"))
    taken = await spool.claim_chosen(EVERYTHING, now=NOW, until=NOW + 60, room=3)
    assert sum(len(one.deliveries) for one in taken.claims) == 3
    rest = await spool.claim_chosen(EVERYTHING, now=NOW, until=NOW + 60, room=100)
    assert sum(len(one.deliveries) for one in rest.claims) == 7


async def test_what_was_held_waits_again_if_nobody_lives_to_record_its_fate(machine: Machine) -> None:
    async with machine.place.open() as spool:
        await spool.accept(message(1))
        await spool.apply(Hold("wait"), FIRST, now=NOW)
        await spool.claim_chosen(FIRST, now=NOW, until=NOW + 60, room=1)
    async with machine.place.open() as spool:
        row = await only(spool)
        assert (row.status, row.next_attempt, row.note) == (Status.UNCERTAIN, NOW + 60, "")


async def test_what_was_done_survives_a_loss_of_power(machine: Machine) -> None:
    async with machine.place.open() as spool:
        for number in (1, 2, 3):
            await spool.accept(message(number))
        await spool.apply(Hold("x"), FIRST, now=NOW)
        await spool.apply(Delete(), Selector(ids=frozenset({mid(2)})), now=NOW)
        machine.simulation.crash()
    async with machine.place.open() as spool:
        assert numbers(await claim(spool, now=NOW + 100)) == [3]
        assert (await only(spool, Selector(statuses=frozenset({Status.HELD})))).mid == mid(1)


async def test_what_is_released_or_made_due_is_news(spool: Spool) -> None:
    await spool.accept(message(1))
    for action in (Hold("x"), Release(), RetryNow(), Delete(), Undelete()):
        await spool.wait_news()
        await spool.apply(action, FIRST, now=NOW)
    with trio.fail_after(5):
        await spool.wait_news()
