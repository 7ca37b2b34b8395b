"""How often a table is built, and what is not made anew."""

from collections.abc import Iterator
from itertools import pairwise
from typing import cast

import trio
from attrs import define, field
from trio.testing import MockClock

from empath.delivery.explain import Explainer, LaneRow
from empath.delivery.explain.rows import row_at_rest
from empath.ops.live.choosing import Choice
from empath.ops.live.hub import Topic
from empath.ops.live.lane_rows import LaneRows
from empath.ops.live.tables import Rows


@define
class Slow:
    """A source that takes a while."""

    takes_s: float
    at: list[float] = field(factory=list)

    async def __call__(self) -> Rows:
        self.at.append(trio.current_time())
        await trio.sleep(self.takes_s)
        return {}


async def intervals(takes_s: float) -> list[float]:
    """Watch for half a minute; how long it was from each build to the next one."""
    source = Slow(takes_s)
    topic = Topic(source)
    topic.open(Choice())
    until = trio.current_time() + 30
    while trio.current_time() < until:
        await topic.refresh()
        await trio.sleep(0.25)
    return [after - before for before, after in pairwise(source.at)]


async def test_a_table_is_built_each_second(autojump_clock: MockClock) -> None:
    assert await intervals(0.0) == [1.0] * 29


async def test_one_that_takes_long_is_built_less_often_but_still_every_ten_seconds(autojump_clock: MockClock) -> None:
    assert all(4 <= one < 4.5 for one in await intervals(0.2))
    assert all(10 <= one < 10.5 for one in await intervals(2.0))


@define
class Lanes:
    """Stands where the explainer does."""

    rows: list[LaneRow]

    def each_lane(self) -> Iterator[LaneRow]:
        return iter(self.rows)


def resting(site: str) -> LaneRow:
    return row_at_rest(site, None, wall=0.0, is_set_aside=False)


async def test_the_row_of_a_lane_that_has_not_changed_is_the_same_one() -> None:
    lanes = Lanes([resting("a"), resting("b")])
    table = LaneRows(cast("Explainer", lanes))
    before = await table.all()
    lanes.rows = [lanes.rows[0], resting("b"), resting("c")]
    after = await table.all()
    assert sorted(after) == ["a", "b", "c"]
    assert after["a"] is before["a"]
    assert after["b"] is not before["b"]
    lanes.rows = []
    assert await table.all() == {}


async def test_many_lanes_let_others_have_a_turn() -> None:
    table = LaneRows(cast("Explainer", Lanes([resting(f"d{number}") for number in range(2000)])))
    turns, over = 0, False

    async def count() -> None:
        nonlocal turns
        while not over:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(count)
        assert len(await table.all()) == 2000
        over = True
    assert turns >= 3
