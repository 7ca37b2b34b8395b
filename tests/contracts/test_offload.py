"""The Offload port: threads, and the simulation's way of doing without."""

from collections.abc import Iterator
from functools import partial

import pytest
import trio

from empath.sim.offload import InlineOffload
from empath.world import Offload
from empath.world.offload import ThreadOffload


@pytest.fixture(params=["real", "simulated"])
def offload(request: pytest.FixtureRequest) -> Iterator[Offload]:
    if request.param == "simulated":
        yield InlineOffload()
        return
    threads = ThreadOffload("test", threads=2)
    yield threads
    threads.close()


class Odd(BaseException):
    """Not an ordinary exception."""


async def test_the_result_comes_back(offload: Offload) -> None:
    assert await offload.run(lambda: 6 * 7) == 42


@pytest.mark.parametrize("kind", [ValueError, Odd])
async def test_an_exception_comes_back(offload: Offload, kind: type[BaseException]) -> None:
    def fail() -> None:
        raise kind("this")

    with pytest.raises(kind, match="this"):
        await offload.run(fail)
    assert await offload.run(lambda: "and it still works") == "and it still works"


async def test_what_has_begun_is_finished_and_waited_for_even_if_cancelled(offload: Offload) -> None:
    done: list[str] = []

    def work() -> str:
        scope.cancel()
        done.append("all of it")
        return "result"

    with trio.CancelScope() as scope:
        assert await offload.run(work) == "result"
        await trio.lowlevel.checkpoint()
    assert scope.cancelled_caught
    assert done == ["all of it"]


async def test_what_has_not_begun_is_not_begun_when_cancelled(offload: Offload) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        await offload.run(pytest.fail)
    assert scope.cancelled_caught


async def test_an_offload_of_its_own_does_the_same(offload: Offload) -> None:
    own = offload.own("writer", threads=1)
    assert await own.run(lambda: 6 * 7) == 42


async def test_many_tasks_share_a_few_threads(offload: Offload) -> None:
    results: set[int] = set()

    async def ask(first: int) -> None:
        for number in range(first, first + 10):
            results.add(await offload.run(partial(abs, -number)))

    async with trio.open_nursery() as nursery:
        for first in range(0, 200, 10):
            nursery.start_soon(ask, first)
    assert results == set(range(200))
