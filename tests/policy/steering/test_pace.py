"""The pace: it cuts at once, grows step by step, finds a hidden rate and stays there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.policy.steering.pace import MAX_PATIENCE, SETTLE_S, Pace


def pace(seen: float = 10.0, least: float = 0.01, interval_s: float = 60.0) -> Pace:
    return Pace(seen, least, interval_s)


def test_a_complaint_cuts_it_by_the_factor() -> None:
    it = pace()
    it.cut(0.5, 100.0)
    assert it.rate_per_s == 5.0
    assert it.ready_at == pytest.approx(100.2)


def test_what_follows_at_once_is_the_same_complaint() -> None:
    it = pace()
    for moment in range(int(SETTLE_S)):
        it.cut(0.5, 100.0 + moment)
    assert it.rate_per_s == 5.0
    it.cut(0.5, 100.0 + SETTLE_S)
    assert it.rate_per_s == 2.5


def test_it_never_gets_slower_than_the_least() -> None:
    it = pace(least=0.5)
    for moment in range(20):
        it.cut(0.1, 20.0 * moment)
    assert it.rate_per_s == 0.5


def test_a_lane_that_sent_nothing_begins_with_the_least() -> None:
    it = pace(seen=0.0, least=0.5)
    it.cut(0.5, 0.0)
    assert it.rate_per_s == 0.5


def test_it_grows_by_equal_steps_until_the_lane_is_free() -> None:
    it = pace()
    it.cut(0.5, 0.0)
    rates = []
    for minute in range(1, 17):
        it.grow(60.0 * minute)
        rates.append(it.rate_per_s)
        assert it.is_over is (minute >= 15)
    assert rates[:3] == [6.0, 7.0, 8.0]


def test_a_step_that_failed_is_taken_back_and_waits_twice_as_long() -> None:
    it = pace()
    it.cut(0.5, 0.0)
    it.grow(60.0)
    it.cut(0.5, 70.0)
    assert it.rate_per_s == pytest.approx(5.0)
    it.grow(130.0)
    assert it.rate_per_s == pytest.approx(5.0)
    it.grow(190.0)
    assert it.rate_per_s == pytest.approx(6.0)


def test_a_day_without_anybody_looking_is_no_day_of_steps() -> None:
    it = pace()
    it.cut(0.5, 0.0)
    it.grow(1e9)
    assert it.is_over
    assert it.rate_per_s <= 21.0


@given(st.floats(0.2, 9.0), st.sampled_from([0.3, 0.5, 0.8]))
def test_a_hidden_rate_is_found_and_kept_without_oscillation(hidden: float, factor: float) -> None:
    """A host complains whenever it gets more than so many a second. After a while it hardly ever has to."""
    it, complaints, seen = pace(), list[int](), list[float]()
    it.cut(factor, 0.0)
    for tick in range(1, 3000):
        now = 20.0 * tick
        it.grow(now)
        if it.rate_per_s > hidden:
            complaints.append(tick)
            it.cut(factor, now)
        if tick > 1000:
            seen.append(it.rate_per_s)
    settled = [tick for tick in complaints if tick > 1000]
    assert len(settled) <= 2000 * 20 / 60 / MAX_PATIENCE * 2 + 2
    assert max(seen) <= hidden * 1.5
    assert min(seen) >= hidden * factor * 0.8


@given(st.lists(st.sampled_from(["take", "cut", "wait"]), max_size=200), st.floats(0.1, 50))
def test_no_more_leave_than_its_rate_allows(steps: list[str], seen: float) -> None:
    it, now, taken = pace(seen), 0.0, 0
    it.cut(0.5, now)
    for step in steps:
        if step == "wait":
            now += 7.0
            it.grow(now)
        elif step == "cut":
            it.cut(0.5, now)
        elif it.ready_at <= now:
            it.take(now)
            taken += 1
            assert it.ready_at >= now + 1 / it.rate_per_s - 1e-9
    assert taken <= 1 + now * 2 * seen
