"""The Spool contract, what a claim may be asked for: rooms of sites, what is set aside for them, and memory."""

from collections.abc import AsyncIterator, Iterator
from pathlib import PurePosixPath

import pytest
from attrs import evolve

from empath.sim import SimulatedWorld
from empath.spool import claiming
from empath.spool.contract import Claimed, Demand, Finished, Spool, Waiting
from empath.spool.memory import MemoryStore
from tests.contracts.spools import NOW, Machine, Place, claim, message, numbers

DAY_S = 86_400.0
LATEST = NOW + DAY_S


@pytest.fixture
def machine() -> Iterator[Machine]:
    made = Machine.make()
    with made.vfs:
        yield made


@pytest.fixture(params=["memory", "machine", "files", "database"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "memory":
        return Place(SimulatedWorld(1).world, PurePosixPath("/spool"), MemoryStore)
    if request.param == "files":
        return Machine.make(backend="files").place
    if request.param == "database":
        database: Place = request.getfixturevalue("database")
        return database
    made: Machine = request.getfixturevalue("machine")
    return made.place


@pytest.fixture
async def spool(place: Place) -> AsyncIterator[Spool]:
    async with place.open() as opened:
        yield opened


def dead(*sites: str, recalled: str = "") -> Demand:
    """No room for these sites, and any for the others."""
    return Demand(
        rooms=dict.fromkeys(sites, 0),
        recalled=(recalled,) if recalled else (),
        moments=lambda envelope: lambda delivery: NOW + 5 * DAY_S,
    )


async def ask(spool: Spool, demand: Demand, *, now: float = NOW, room: int = 100) -> Claimed:
    return await spool.claim(now=now, until=now + 60, latest=now + DAY_S, room=room, demand=demand)


async def test_what_has_no_room_is_set_aside_and_does_not_stand_before_others(spool: Spool) -> None:
    for number in range(1, 4):
        await spool.accept(message(number, "dead.example", next_attempt=NOW - 10))
    await spool.accept(message(4, "example.org"))
    claimed = await ask(spool, dead("dead.example"), room=1)
    assert (numbers(claimed), {*claimed.aside}, claimed.next_due) == ([4], {"dead.example"}, LATEST)
    assert await spool.sites_aside() == frozenset({"dead.example"})
    assert (await spool.statistics()).waiting == 3


async def test_what_is_set_aside_is_left_alone_until_its_site_is_recalled(spool: Spool) -> None:
    for number in (1, 2):
        await spool.accept(message(number, "dead.example"))
    await ask(spool, dead("dead.example"))
    assert numbers(await ask(spool, dead())) == []
    assert numbers(await ask(spool, dead(recalled="dead.example"))) == [1, 2]
    assert await spool.sites_aside() == frozenset()


async def test_of_what_is_recalled_the_oldest_comes_first_and_before_what_is_due_for_the_same_site(
    spool: Spool,
) -> None:
    await spool.accept(message(1, "slow.example", next_attempt=NOW))
    await spool.accept(message(2, "slow.example", next_attempt=NOW - 10))
    await ask(spool, dead("slow.example"))
    await spool.accept(message(3, "slow.example", next_attempt=NOW - 100))
    demand = Demand(rooms={"slow.example": 1}, recalled=("slow.example",))
    first = await ask(spool, demand)
    assert (numbers(first), {*first.aside}) == ([1], {"slow.example"})
    assert numbers(await ask(spool, demand)) == [2]
    last = await ask(spool, demand)
    assert numbers(last) == [3]
    assert (await ask(spool, demand)).aside == frozenset()


async def test_of_what_is_recalled_the_most_urgent_comes_first_however_much_was_there_before(spool: Spool) -> None:
    for number in range(1, 6):
        await spool.accept(evolve(message(number, "slow.example"), priority=-2 if number == 1 else 0))
    await ask(spool, dead("slow.example"))
    await spool.accept(evolve(message(6, "slow.example", "slow.example"), priority=4))
    demand = Demand(rooms={"slow.example": 2}, recalled=("slow.example",))
    assert [numbers(await ask(spool, demand)) for _ in range(3)] == [[6, 2], [3, 4], [5, 1]]


async def test_what_is_not_urgent_comes_back_too_while_more_comes_that_is(spool: Spool) -> None:
    for number in range(1, 4):
        await spool.accept(evolve(message(number, "slow.example", "slow.example"), priority=-1))
    for number in range(4, 30):
        await spool.accept(evolve(message(number, "slow.example"), priority=2))
    await ask(spool, dead("slow.example"))
    demand = Demand(rooms={"slow.example": 4}, recalled=("slow.example",))
    assert [numbers(await ask(spool, demand)) for _ in range(4)] == [
        [4, 5, 6, 1],
        [7, 8, 9, 2],
        [10, 11, 12, 3],
        [13, 14, 15, 16],
    ]
    rest = [numbers(await ask(spool, demand)) for _ in range(4)]
    assert [number for some in rest for number in some] == [*range(17, 30)]
    assert await spool.sites_aside() == frozenset()


async def test_sites_are_recalled_in_turn_and_after_what_is_due_for_others(spool: Spool) -> None:
    for number, domain in enumerate(("a.example", "b.example"), 1):
        await spool.accept(message(number, domain))
    await ask(spool, dead("a.example", "b.example"))
    await spool.accept(message(3, "example.org"))
    claimed = await ask(spool, Demand(recalled=("b.example", "a.example")), room=2)
    assert (numbers(claimed), {*claimed.aside}) == ([3, 2], {"a.example", "b.example"})


async def test_a_site_that_has_nothing_left_is_said_to_have_nothing(spool: Spool) -> None:
    claimed = await ask(spool, dead(recalled="dead.example"))
    assert (claimed.claims, claimed.aside) == ([], frozenset())


async def test_the_room_of_a_site_is_counted_in_messages(spool: Spool) -> None:
    for number in range(1, 4):
        await spool.accept(message(number, "a.example", "a.example", "a.example"))
    claimed = await ask(spool, Demand(site_room=2))
    assert [len(one.deliveries) for one in claimed.claims] == [3, 3]
    claimed = await ask(spool, Demand(site_room=1, recalled=("a.example",)))
    assert [len(one.deliveries) for one in claimed.claims] == [3]


async def test_domains_of_one_site_share_its_room(spool: Spool) -> None:
    await spool.accept(message(1, "a.example"))
    await spool.accept(message(2, "b.example"))
    claimed = await ask(spool, Demand(site_of=lambda domain: "hub:25", site_room=1))
    assert (numbers(claimed), {*claimed.aside}) == ([1], {"hub:25"})
    assert numbers(await ask(spool, dead(recalled="hub:25"))) == [2]


async def test_what_is_set_aside_is_due_when_it_expires_and_is_then_taken_whatever_room_there_is(spool: Spool) -> None:
    await spool.accept(message(1, "dead.example"))
    demand = dead("dead.example")
    for day in range(4):
        claimed = await ask(spool, demand, now=NOW + day * DAY_S)
        assert (claimed.claims, claimed.next_due) == ([], NOW + (day + 1) * DAY_S)
    claimed = await ask(spool, demand, now=NOW + 4.5 * DAY_S)
    assert (claimed.claims, claimed.next_due) == ([], NOW + 5 * DAY_S)
    assert numbers(await ask(spool, demand, now=NOW + 5 * DAY_S)) == [1]


async def test_setting_aside_comes_in_portions(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claiming, "LOOK", 2)
    for number in range(1, 6):
        await spool.accept(message(number, "dead.example"))
    await spool.accept(message(6, "example.org"))
    looks = [await ask(spool, dead("dead.example"), room=1) for _ in range(3)]
    assert [numbers(claimed) for claimed in looks] == [[], [], [6]]
    assert [claimed.next_due for claimed in looks] == [NOW, NOW, LATEST]


async def test_a_claim_ends_with_the_message_that_fills_the_memory(spool: Spool) -> None:
    for number in range(1, 5):
        await spool.accept(message(number, body=bytes(100)))
    demand = Demand(size_bytes=150)
    assert numbers(await ask(spool, demand)) == [1, 2]
    assert numbers(await ask(spool, demand)) == [3, 4]


async def test_a_message_larger_than_the_memory_is_claimed_alone(spool: Spool) -> None:
    for number in (1, 2):
        await spool.accept(message(number, body=bytes(100)))
    assert numbers(await ask(spool, Demand(size_bytes=1))) == [1]


async def test_memory_that_is_full_loses_nothing_of_what_was_recalled(spool: Spool) -> None:
    for number in range(1, 4):
        await spool.accept(message(number, "slow.example", body=bytes(100)))
    await ask(spool, dead("slow.example"))
    demand = Demand(size_bytes=1, recalled=("slow.example",))
    claimed = await ask(spool, demand)
    assert (numbers(claimed), {*claimed.aside}) == ([1], {"slow.example"})
    assert await spool.sites_aside() == {"slow.example"}


async def test_what_waits_again_after_an_attempt_is_aside_no_longer(spool: Spool) -> None:
    await spool.accept(message(1, "dead.example"))
    await ask(spool, dead("dead.example"))
    key = (await ask(spool, dead(recalled="dead.example"))).claims[0].deliveries[0].key
    await spool.record([Waiting(key=key, next_attempt=NOW + 60, attempts=1)])
    assert await spool.sites_aside() == frozenset()
    assert numbers(await ask(spool, dead(recalled="dead.example"))) == []
    assert numbers(await ask(spool, dead(), now=NOW + 60)) == [1]


async def test_what_is_set_aside_stays_so_when_the_spool_is_opened_again(machine: Machine) -> None:
    async with machine.place.open() as spool:
        for number in (1, 2):
            await spool.accept(message(number, "dead.example"))
        await ask(spool, dead("dead.example"))
        await ask(spool, Demand(rooms={"dead.example": 1}, recalled=("dead.example",)))
    async with machine.place.open() as spool:
        assert await spool.sites_aside() == frozenset({"dead.example"})
        assert numbers(await ask(spool, dead(recalled="dead.example"))) == [2]
        (again,) = (await ask(spool, dead(), now=NOW + 60)).claims
        await spool.record([Finished(key=one.key) for one in again.deliveries])
        assert (await spool.statistics()).messages == 1


async def test_without_a_demand_all_is_taken_what_is_set_aside_too_once_it_is_due(spool: Spool) -> None:
    await spool.accept(message(1, "dead.example"))
    await ask(spool, dead("dead.example"))
    assert numbers(await claim(spool, now=LATEST)) == [1]
