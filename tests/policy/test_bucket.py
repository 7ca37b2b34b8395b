"""The token bucket against its promise: never too many in any stretch of time, and an exact moment for the next."""

from bisect import bisect_right
from heapq import heappop, heappush
from math import nextafter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from empath.policy.bucket import FARTHEST_TURN_S, TokenBucket, take_all

RATES = st.floats(0.001, 10_000)
BURSTS = st.integers(1, 50)
STEPS = st.lists(st.floats(0, 100) | st.just(0.0), max_size=60)


@given(RATES, BURSTS, STEPS)
def test_no_stretch_of_time_ever_holds_more_than_burst_and_rate_allow(
    rate: float, burst: int, steps: list[float]
) -> None:
    bucket, now, taken = TokenBucket(rate, burst), 0.0, list[float]()
    for step in steps:
        now += step
        while bucket.take(now):
            taken.append(now)
    for first, start in enumerate(taken):
        for last in range(first, len(taken)):
            count, length = last - first + 1, taken[last] - start
            assert count <= burst + rate * length + 1e-6 * count


@given(st.integers(1, 5), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), max_size=60))
def test_what_is_given_back_is_never_the_cause_of_too_many(burst: int, steps: list[tuple[int, int]]) -> None:
    """Some of those who have taken find out later that they do not go."""
    bucket, now, went = TokenBucket(1.0, burst), 0.0, list[float]()
    for pause, who in steps:
        now += pause / 2
        while bucket.take(now) and len(went) < 100:
            went.append(now)
        if who < len(went):
            bucket.undo(went.pop(-1 - who))
    for first, start in enumerate(went):
        for last in range(first, len(went)):
            assert last - first + 1 <= burst + went[last] - start


@given(RATES, BURSTS, STEPS)
def test_the_moment_it_names_is_exact(rate: float, burst: int, steps: list[float]) -> None:
    """Defect 7 of the ancestor: what a rate held up was tried anew at every tick, since no moment was kept for it."""
    bucket, now = TokenBucket(rate, burst), 0.0
    for step in steps:
        now = max(now + step, now)
        if bucket.take(now):
            continue
        ready_at = bucket.ready_at
        assert not bucket.take(nextafter(ready_at, 0.0))
        assert bucket.take(ready_at)
        now = ready_at


def test_what_was_not_used_is_not_saved_up_beyond_the_burst() -> None:
    bucket = TokenBucket(10, burst=3)
    assert [bucket.take(1000.0) for _ in range(5)] == [True, True, True, False, False]


def test_with_a_burst_of_one_they_are_evenly_spaced() -> None:
    bucket, now, taken = TokenBucket(4), 0.0, list[float]()
    while len(taken) < 8:
        assert bucket.take(now)
        taken.append(now)
        now = bucket.ready_at
    assert taken == [0.25 * n for n in range(8)]


def test_a_fresh_bucket_waits_for_nothing() -> None:
    assert TokenBucket(0.001).take(-1e9)


def test_several_buckets_give_all_or_nothing() -> None:
    fast, slow = TokenBucket(10), TokenBucket(1)
    assert take_all([fast, slow], 0.0) is None
    assert take_all([fast, slow], 0.5) == 1.0
    assert fast.ready_at == 0.1
    assert take_all([], 0.0) is None


@pytest.mark.parametrize(("rate", "burst"), [(0.0, 1), (-1.0, 1), (float("nan"), 1), (float("inf"), 1), (1.0, 0)])
def test_a_bucket_that_would_never_or_always_give_is_refused(rate: float, burst: int) -> None:
    with pytest.raises(ValueError, match="above 0"):
        TokenBucket(rate, burst)


class Counting(RuleBasedStateMachine):
    """The same bucket in exact arithmetic: tokens that are counted, in ticks of 1/rate each."""

    def __init__(self) -> None:
        super().__init__()
        self.bucket = TokenBucket(1.0, burst=4)
        self.now = 0
        self.tokens = 4
        self.taken: list[int] = []

    @rule(ticks=st.integers(0, 6))
    def wait(self, ticks: int) -> None:
        self.now += ticks
        self.tokens = min(4, self.tokens + ticks)

    @rule()
    def take(self) -> None:
        assert self.bucket.take(float(self.now)) is (self.tokens > 0)
        if self.tokens:
            self.tokens -= 1
            self.taken.append(self.now)

    @precondition(lambda self: not self.tokens)
    @rule()
    def ask(self) -> None:
        assert self.bucket.ready_at == self.now + 1

    @invariant()
    def no_more_than_promised(self) -> None:
        for length in (1, 3, 10):
            recent = len(self.taken) - bisect_right(self.taken, self.now - length - 1)
            assert recent <= 4 + length


TestCounting = Counting.TestCase


@pytest.mark.parametrize(("waiting", "rate"), [(2, 1.0), (50, 10.0), (400, 100.0), (3000, 20.0), (3000, 500.0)])
@pytest.mark.parametrize(("late_s", "loss"), [(0.0, 0.01), (0.003, 0.25), (0.2, 0.4)])
@pytest.mark.parametrize("burst", [1, 5])
def test_a_token_wakes_few_of_those_who_wait_and_is_seldom_wasted(
    waiting: int, rate: float, late_s: float, loss: float, burst: int
) -> None:
    """Each of many has three things to do, and comes when it was told to, or late: by intervals, at the worst."""
    random, bucket = Random(waiting), TokenBucket(rate, burst)
    line = [(0.0, number) for number in range(waiting)]
    left, asked, taken = [3] * waiting, 0, list[float]()
    while line:
        now, who = heappop(line)
        asked += 1
        if bucket.take(now):
            taken.append(now)
            left[who] -= 1
            moment = now
        else:
            moment = bucket.turn(now)
        if left[who]:
            heappush(line, (moment + random.uniform(0, late_s) * (moment > now), who))
    assert len(taken) == 3 * waiting
    assert taken[-1] <= (1 + loss) * len(taken) / rate
    assert asked <= 6 * len(taken) + 2 * waiting * taken[-1] / FARTHEST_TURN_S


def test_turns_of_those_who_went_away_cost_the_others_little() -> None:
    bucket = TokenBucket(1.0)
    assert bucket.take(0.0)
    for _ in range(1000):
        bucket.turn(0.0)
    assert bucket.take(1.0)
    assert bucket.turn(1.0) <= 1.0 + FARTHEST_TURN_S
