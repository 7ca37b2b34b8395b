"""Runs that repeat themselves: the canary for the switch in Trio that they rest on."""

import random
import time

import pytest
import trio
from trio._core import _run as scheduler
from trio.testing import MockClock

from empath.sim import simulate
from empath.sim.run import SWITCH


async def jumble() -> list[str]:
    """Let tasks race in every way that Trio knows, and return the order in which they came through."""
    order: list[str] = []
    gate = trio.Event()
    send, receive = trio.open_memory_channel[int](3)

    async def through_the_gate(number: int) -> None:
        await gate.wait()
        order.append(f"gate {number}")
        await trio.lowlevel.checkpoint()
        order.append(f"past {number}")

    async def by_the_clock(number: int) -> None:
        with trio.move_on_after(number % 3):
            await trio.sleep_forever()
        order.append(f"woken {number}")

    async def into_the_channel(number: int) -> None:
        await send.send(number)
        order.append(f"sent {number}")

    async def out_of_the_channel(number: int) -> None:
        order.append(f"{number} received {await receive.receive()}")

    async with trio.open_nursery() as nursery:
        for number in range(12):
            for task in (through_the_gate, by_the_clock, into_the_channel, out_of_the_channel):
                nursery.start_soon(task, number)
        await trio.sleep(1)
        gate.set()
    return order


def test_the_same_seed_brings_the_same_order() -> None:
    for seed in range(5):
        assert simulate(jumble, seed=seed) == simulate(jumble, seed=seed)


def test_the_order_does_not_depend_on_what_has_run_before() -> None:
    first = simulate(jumble, seed=1)
    random.random()
    trio.run(jumble, clock=MockClock(autojump_threshold=0))
    assert simulate(jumble, seed=1) == first


def test_different_seeds_bring_different_orders() -> None:
    assert len({tuple(simulate(jumble, seed=seed)) for seed in range(10)}) == 10


def test_trio_still_has_the_switch_and_has_it_back_afterwards() -> None:
    before, state = getattr(scheduler, SWITCH), scheduler._r.getstate()

    async def look() -> None:
        await trio.lowlevel.checkpoint()
        assert getattr(scheduler, SWITCH) is True

    simulate(look, seed=1)
    assert getattr(scheduler, SWITCH) == before
    assert scheduler._r.getstate() == state


def test_five_days_pass_in_no_time() -> None:
    async def wait() -> float:
        await trio.sleep(5 * 86400)
        return trio.current_time()

    started = time.perf_counter()
    assert simulate(wait, seed=1) == 5 * 86400
    assert time.perf_counter() - started < 2


def test_exceptions_come_out() -> None:
    async def fail() -> None:
        await trio.lowlevel.checkpoint()
        raise ValueError("this")

    with pytest.raises(ValueError, match="this"):
        simulate(fail, seed=1)
