import pytest
import trio
from trio.testing import MockClock

from empath.config.schema import LimitSettings
from empath.ingress.limits.timing import Timing

LIMITS = LimitSettings(
    command_timeout_s=60,
    data_timeout_s=30,
    min_data_rate_bytes_per_s=100,
    session_timeout_s=1000,
    crowded_timeout_s=5,
)


def left(timing: Timing) -> float:
    return timing.scope.deadline - trio.current_time()


async def test_a_command_has_its_time_and_the_session_has_another(autojump_clock: MockClock) -> None:
    timing = Timing(LIMITS, lambda: False)
    assert left(timing) == pytest.approx(60)
    await trio.sleep(970)
    timing.await_command()
    assert left(timing) == pytest.approx(30)


async def test_content_lives_on_its_allowance(autojump_clock: MockClock) -> None:
    timing = Timing(LIMITS, lambda: False)
    timing.await_first_content()
    await trio.sleep(20)
    timing.await_more_content(500)
    assert left(timing) == pytest.approx(15)
    timing.await_more_content(1_000_000)
    assert left(timing) == pytest.approx(30)


async def test_our_own_work_is_not_charged_to_the_client(autojump_clock: MockClock) -> None:
    timing = Timing(LIMITS, lambda: False)
    timing.await_first_content()
    await trio.sleep(10)
    timing.work()
    assert left(timing) == pytest.approx(60)
    await trio.sleep(40)
    timing.await_more_content(0)
    assert left(timing) == pytest.approx(20)


async def test_a_crowd_cuts_waiting_short_and_leaves_work_alone(autojump_clock: MockClock) -> None:
    crowd = False
    waiting, working = Timing(LIMITS, lambda: crowd), Timing(LIMITS, lambda: crowd)
    working.work()
    crowd = True
    await trio.sleep(1)
    waiting.hurry()
    working.hurry()
    assert left(waiting) == pytest.approx(5)
    assert left(working) == pytest.approx(59)
    working.await_command()
    assert left(working) == pytest.approx(5)
    crowd = False
    working.await_command()
    assert left(working) == pytest.approx(60)
