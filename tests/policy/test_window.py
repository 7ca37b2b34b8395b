"""The window of a lane: its bounds always hold, it finds a limit, and one hiccup halves it once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from empath.policy.window import INITIAL, Window


def test_it_begins_small_and_doubles_with_every_full_window() -> None:
    window, sizes = Window(100), []
    for _ in range(5):
        sizes.append(window.size)
        for _ in range(window.size):
            window.succeed()
    assert sizes == [INITIAL, 4, 8, 16, 32]


def test_it_never_begins_above_its_limit() -> None:
    assert Window(1).size == 1


def test_after_a_failure_it_grows_by_one_for_each_full_window() -> None:
    window = Window(100)
    for _ in range(14):
        window.succeed()
    assert window.size == 16
    window.fail(under_way=0)
    assert window.size == 8
    for _ in range(9):
        window.succeed()
    assert window.size == 9


def test_calls_that_failed_together_halve_it_once() -> None:
    window = Window(16)
    for _ in range(14):
        window.succeed()
    for others in range(15, -1, -1):
        window.fail(under_way=others)
    assert window.size == 8
    window.fail(under_way=0)
    assert window.size == 4


def test_a_lane_without_a_connection_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Window(0)


@given(st.integers(1, 30))
def test_a_hidden_limit_is_found_and_kept_near(hidden: int) -> None:
    """A site that fails whatever is beyond so many connections: the window stays between half and twice that."""
    window, seen = Window(100), list[int]()
    for turn in range(200):
        batch = window.size
        for call in range(batch):
            if call < hidden:
                window.succeed()
            else:
                window.fail(under_way=batch - call - 1)
        if turn > 50:
            seen.append(window.size)
    assert min(seen) >= max(1, hidden // 2)
    assert max(seen) <= 2 * hidden


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
        self.under_way -= 1
        before = self.window.size
        self.window.succeed()
        assert self.window.size in (before, before + 1)

    @precondition(lambda self: self.under_way)
    @rule()
    def fail(self) -> None:
        self.under_way -= 1
        before = self.window.size
        self.window.fail(self.under_way)
        assert before // 2 <= self.window.size <= before

    @invariant()
    def it_is_within_its_bounds(self) -> None:
        assert 1 <= self.window.size <= 12


TestTraffic = Traffic.TestCase
