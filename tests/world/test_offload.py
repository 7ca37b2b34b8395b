"""What the thread pools promise beyond the port."""

import threading
import time
from collections.abc import Iterator

import pytest
import trio

from empath.world.offload import ThreadOffload


@pytest.fixture
def offload() -> Iterator[ThreadOffload]:
    pool = ThreadOffload("test", threads=3)
    yield pool
    pool.close()


async def test_the_event_loop_goes_on_meanwhile(offload: ThreadOffload) -> None:
    released = threading.Event()

    async def release() -> None:
        await trio.lowlevel.checkpoint()
        released.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(release)
        assert await offload.run(lambda: released.wait(5))


async def test_no_more_threads_are_busy_than_allowed(offload: ThreadOffload) -> None:
    busy: list[int] = []
    most: list[int] = []

    def work() -> None:
        busy.append(1)
        most.append(len(busy))
        time.sleep(0.005)
        busy.pop()

    async with trio.open_nursery() as nursery:
        for _ in range(12):
            nursery.start_soon(offload.run, work)
    assert max(most) == 3


async def test_threads_are_started_when_needed_and_then_kept(offload: ThreadOffload) -> None:
    names = {await offload.run(lambda: threading.current_thread().name) for _ in range(5)}
    assert names == {"test-1"}


async def test_one_thread_does_everything_in_order(offload: ThreadOffload) -> None:
    writer = offload.own("writer", threads=1)
    asked: list[int] = []
    done: list[tuple[int, str]] = []

    async def ask(number: int) -> None:
        asked.append(number)
        await writer.run(lambda: done.append((number, threading.current_thread().name)))

    async with trio.open_nursery() as nursery:
        for number in range(50):
            nursery.start_soon(ask, number)
    assert done == [(number, "writer-1") for number in asked]


async def test_a_pool_that_is_busy_does_not_hold_up_another(offload: ThreadOffload) -> None:
    writer, released = offload.own("writer", threads=1), threading.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.run, lambda: released.wait(5))
        await offload.run(released.set)


async def test_closing_ends_the_threads_of_all_branches(offload: ThreadOffload) -> None:
    threads = [await offload.run(threading.current_thread)]
    threads.append(await offload.own("branch", threads=1).run(threading.current_thread))
    offload.close()
    for thread in threads:
        thread.join(timeout=5)
        assert not thread.is_alive()


def test_a_pool_outlives_one_run_of_the_event_loop(offload: ThreadOffload) -> None:
    async def ask() -> int:
        return await offload.run(lambda: 42)

    assert [trio.run(ask), trio.run(ask)] == [42, 42]
