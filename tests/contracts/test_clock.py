"""The Clock port: the system's wall clock and the simulated one."""

import pytest
import trio
from trio.testing import MockClock

from empath.sim.clock import SimulatedClock
from empath.world import Clock
from empath.world.clock import SystemClock


@pytest.fixture(params=[SystemClock, SimulatedClock])
def clock(request: pytest.FixtureRequest) -> Clock:
    made: Clock = request.param()
    return made


async def test_it_tells_a_time_of_this_century(clock: Clock) -> None:
    year_2020, year_2100 = 1_577_836_800, 4_102_444_800
    await trio.lowlevel.checkpoint()
    assert year_2020 < clock.now() < year_2100


async def test_it_goes_as_fast_as_trios_clock(clock: Clock) -> None:
    wall, monotonic = clock.now(), trio.current_time()
    await trio.sleep(0.02)
    assert clock.now() - wall == pytest.approx(trio.current_time() - monotonic, abs=0.01)


async def test_it_tells_parts_of_a_second(clock: Clock) -> None:
    readings = set()
    for _ in range(5):
        readings.add(clock.now() % 1)
        await trio.sleep(0.001)
    assert len(readings) > 1


async def test_a_clock_that_stands_is_helped_along_until_it_moves(autojump_clock: MockClock) -> None:
    clock = SimulatedClock()
    began = clock.now()
    await trio.sleep(10)
    clock.stop()
    assert clock.now() == began + 10
    await trio.sleep(3600)
    assert clock.now() - began == pytest.approx(3610)
    clock.go_on(behind_s=3600)
    await trio.sleep(1)
    assert clock.now() - began == pytest.approx(11)
