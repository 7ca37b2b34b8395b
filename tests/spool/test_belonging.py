"""A queue and the bodies of another one: nothing is swept, and the daemon does not start."""

from functools import partial
from pathlib import PurePosixPath

import pytest
from attrs import evolve

from empath.spool.belonging import BODIES, MARK, Halves
from empath.spool.contract import BodyFile, Spool, SpoolError
from empath.spool.sqlite import open_database
from tests.contracts.spools import Machine, Place, claim, message, mid, numbers

SPOOL = PurePosixPath("/spool")
NEW = Halves(path=SPOOL, queue_token=None, bodies_token=None, bodies=frozenset(), needed=frozenset())
FILES = frozenset({"6911c5b5-2a.0", "6911c5b5-2b.0"})
SOME = frozenset({"6911c5b5-2a.0"})


async def large(spool: Spool, number: int) -> BodyFile:
    draft = await spool.draft_body(mid(number))
    await draft.write(b"large")
    body = await draft.commit()
    await spool.accept(message(number, body=body))
    return body


@pytest.mark.parametrize(
    ("halves", "token"),
    [
        (NEW, None),
        (evolve(NEW, queue_token="a", bodies_token="a", bodies=FILES), "a"),
        (evolve(NEW, queue_token="a", bodies_token="a", bodies=SOME, needed=FILES), "a"),  # one is damaged
        (evolve(NEW, queue_token="a"), "a"),
        (evolve(NEW, bodies_token="a"), "a"),
        (evolve(NEW, bodies=FILES, needed=SOME), None),  # of a version that knew no tokens
    ],
)
def test_what_may_belong_together_gets_one_token(halves: Halves, token: str | None) -> None:
    assert halves.token() == token


@pytest.mark.parametrize(
    ("halves", "why"),
    [
        (evolve(NEW, queue_token="a", bodies_token="b"), "different spools"),
        (evolve(NEW, bodies_token="a", bodies=FILES), "the queue is new, and 2 bodies of another one are here"),
        (evolve(NEW, queue_token="a", needed=FILES), "the queue needs 2 bodies"),
        (evolve(NEW, queue_token="a", bodies=FILES), "not their directory"),
        (evolve(NEW, bodies=FILES), "none of them is of this queue"),
    ],
)
def test_what_does_not_is_refused_with_what_to_try(halves: Halves, why: str) -> None:
    with pytest.raises(SpoolError, match=f"{why}.*nothing was touched.*delivery.queue_path"):
        halves.token()


async def test_a_new_queue_beside_the_bodies_of_another_takes_none_of_them_away() -> None:
    machine = Machine.make()
    with machine.vfs:
        async with machine.place.open() as spool:
            body = await large(spool, 1)
        other = evolve(machine.place, open_store=partial(open_database, "/other.sqlite3", machine.vfs.name))
        assert await refusal(other) == "the queue is new, and 1 bodies of another one are here"
        assert await machine.place.world.disk.list(SPOOL / BODIES) == (body.name,)
        async with machine.place.open() as spool:
            assert numbers(await claim(spool)) == [1]


async def test_a_queue_whose_bodies_are_on_a_disk_that_is_not_mounted_is_not_served() -> None:
    machine = Machine.make()
    with machine.vfs:
        async with machine.place.open() as spool:
            await large(spool, 1)
        assert "needs 1 bodies" in await refusal(evolve(machine.place, path=PurePosixPath("/mnt")))
        async with machine.place.open() as spool:
            assert numbers(await claim(spool)) == [1]


async def test_both_have_the_same_token_from_the_first_start() -> None:
    machine = Machine.make()
    with machine.vfs:
        for _ in range(2):
            async with machine.place.open():
                pass
        async with await machine.place.world.disk.open(SPOOL / MARK) as file:
            token = (await file.read(100)).decode().strip()
        store = machine.place.open_store()
        assert (len(token), store.identity()) == (32, token)
        store.close()


async def refusal(place: Place) -> str:
    with pytest.RaisesGroup(SpoolError) as refused:
        async with place.open():
            pytest.fail("it was opened")
    (problem,) = refused.value.exceptions
    return str(problem).split("together: ")[1].split(";")[0]
