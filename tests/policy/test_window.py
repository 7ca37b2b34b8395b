"""The window of a lane: its bounds always hold, it finds a limit and stays there, and one hiccup halves it once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from empath.policy.window import INITIAL, MAX_PATIENCE, Window


def cohort(window: Window, hidden: int = 10**9) -> int:
    """Have a full window of calls made, of which so many at once are borne; how many failed."""
    size = window.size
    failures = max(0, size - hidden)
    for call in range(size):
        if call < failures:
            window.fail()
        else:
            window.succeed(under_way=size)
    return failures


def grown(size: int, limit: int = 100) -> Window:
    window = Window(limit)
    while window.size < size:
        window.succeed(under_way=window.size)
    return window


def test_it_begins_small_and_doubles_with_every_full_window() -> None:
    window, sizes = Window(100), []
    for _ in range(5):
        sizes.append(window.size)
        cohort(window)
    assert sizes == [INITIAL, 4, 8, 16, 32]


def test_it_never_begins_above_its_limit() -> None:
    assert Window(1).size == 1


def test_it_does_not_grow_while_it_is_not_used() -> None:
    window = grown(8)
    for _ in range(100):
        window.succeed(under_way=3)
    assert window.size == 8


def test_after_a_failure_it_grows_by_one_for_each_clean_cohort() -> None:
    window = grown(16)
    for _ in range(16):
        window.fail()
    sizes = []
    for _ in range(4):
        cohort(window)
        sizes.append(window.size)
    assert sizes == [9, 10, 11, 12]


def test_calls_that_failed_together_halve_it_once() -> None:
    window = grown(16)
    for _ in range(16):
        window.fail()
    assert window.size == 8


def test_a_part_of_a_cohort_that_fails_leaves_what_was_borne() -> None:
    window = grown(16)
    for _ in range(30):
        cohort(window, hidden=10)
        if window.size <= 10:
            break
    assert window.size == 10


def test_a_lane_without_a_connection_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Window(0)


def test_a_new_limit_holds_at_once_and_is_grown_into_when_it_is_wider() -> None:
    window = grown(16)
    window.bound(3)
    assert window.size == 3
    window.bound(100)
    assert window.size == 3
    for _ in range(20):
        cohort(window)
    assert window.size > 16


def test_a_restart_begins_with_slow_start() -> None:
    window = grown(16)
    window.fail()
    window.restart()
    assert (window.size, window.bears) == (INITIAL, False)
    cohort(window)
    assert window.size == 2 * INITIAL


def test_what_was_borne_counts_until_a_whole_cohort_has_failed() -> None:
    window = grown(4)
    for _ in range(3):
        window.fail()
    assert window.bears
    window.fail()
    assert not window.bears


@given(st.integers(1, 60))
def test_a_hidden_limit_is_found_and_kept_without_oscillation(hidden: int) -> None:
    """A site that fails whatever is beyond so many connections: the window is there or one above, and rarely above."""
    window, above, failures, settled = Window(100), 0, 0, 300
    for turn in range(1300):
        failed = cohort(window, hidden)
        if turn < settled:
            continue
        failures += failed
        above += window.size > hidden
        assert hidden <= window.size <= hidden + 1 or (hidden == 1 and window.size <= 2)
    assert failures == above or hidden == 1
    assert above <= 1000 / MAX_PATIENCE * 2 + 2


@given(st.integers(2, 30), st.integers(2, 60))
def test_a_limit_that_is_lifted_is_noticed(before: int, more: int) -> None:
    window = Window(100)
    for _ in range(300):
        cohort(window, before)
    for _ in range(MAX_PATIENCE + more + 2):
        cohort(window, before + more)
    assert window.size >= before + more


class Traffic(RuleBasedStateMachine):
    """Calls are made as the window allows, and end in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.window = Window(12)
        self.under_way = 0

    @precondition(lambda self: self.under_way < self.window.size)
    @rule()
    def call(self) -> None:
        self.under_way += 1

    @precondition(lambda self: self.under_way)
    @rule()
    def succeed(self) -> None:
        before = self.window.size
        self.window.succeed(self.under_way)
        self.under_way -= 1
        assert before <= self.window.size <= before + 1

    @precondition(lambda self: self.under_way)
    @rule()
    def fail(self) -> None:
        before = self.window.size
        self.window.fail()
        self.under_way -= 1
        assert before - 1 <= self.window.size <= before

    @rule(limit=st.integers(1, 20))
    def bound(self, limit: int) -> None:
        self.window.bound(limit)

    @rule()
    def restart(self) -> None:
        self.window.restart()

    @invariant()
    def within_bounds(self) -> None:
        assert 1 <= self.window.size <= self.window.limit


TestTraffic = Traffic.TestCase
