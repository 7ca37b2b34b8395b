"""Levels of the log that hold for a while."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from empath.ops.logbook.levels import MOST, Levels, UnknownLevel

PART = logging.getLogger("empath.delivery.finding")


@asynccontextmanager
async def running() -> AsyncIterator[Levels]:
    levels = Levels()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(levels.run)
        await trio.testing.wait_all_tasks_blocked()
        yield levels
        nursery.cancel_scope.cancel()


async def test_a_level_holds_for_a_part_and_what_is_below_it(autojump_clock: MockClock) -> None:
    async with running() as levels:
        levels.set("delivery", "debug")
        assert PART.isEnabledFor(logging.DEBUG)
        assert not logging.getLogger("empath.reception").isEnabledFor(logging.DEBUG)


async def test_it_ends_by_itself(autojump_clock: MockClock) -> None:
    async with running() as levels:
        levels.set("delivery", "debug", for_s=600)
        levels.set("delivery.talking", "error", for_s=60)
        await trio.sleep(100)
        assert PART.isEnabledFor(logging.DEBUG)
        assert list(levels.own) == ["delivery"]
        await trio.sleep(550)
        assert not PART.isEnabledFor(logging.DEBUG)
        assert levels.own == {}


async def test_it_can_be_taken_back(autojump_clock: MockClock) -> None:
    async with running() as levels:
        levels.set("", "debug")
        assert PART.isEnabledFor(logging.DEBUG)
        assert levels.take_back("")
        assert not PART.isEnabledFor(logging.DEBUG)
        assert not levels.take_back("")


async def test_the_levels_end_with_the_daemon(autojump_clock: MockClock) -> None:
    async with running() as levels:
        levels.set("delivery", "debug")
    assert not PART.isEnabledFor(logging.DEBUG)


@pytest.mark.parametrize("level", ["loud", "", "notset", "critical"])
async def test_a_level_that_is_none_is_refused(level: str, autojump_clock: MockClock) -> None:
    async with running() as levels:
        with pytest.raises(UnknownLevel, match="debug, info, warning, error"):
            levels.set("delivery", level)


async def test_the_number_of_parts_with_a_level_of_their_own_is_bounded(autojump_clock: MockClock) -> None:
    async with running() as levels:
        for number in range(MOST):
            levels.set(f"part{number}", "debug")
        with pytest.raises(UnknownLevel, match="take one back"):
            levels.set("one.more", "debug")
