import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.policy.reception.pace import ContentPace, Penalty


def test_one_that_stops_has_the_length_of_a_pause() -> None:
    pace = ContentPace(pause_s=30.0, rate_bytes_per_s=100.0)
    pace.begin(1000.0)
    assert pace.deadline == 1030.0
    pace.advance(1_000_000, 1010.0)
    assert pace.deadline == 1040.0


def test_one_that_drips_lives_on_its_allowance_and_no_longer() -> None:
    pace, now = ContentPace(pause_s=30.0, rate_bytes_per_s=100.0), 0.0
    pace.begin(now)
    while now <= pace.deadline:
        now += 1
        pace.advance(10, now)
    assert now == pytest.approx(30 / 0.9, abs=1)


def test_without_a_rate_only_pauses_count() -> None:
    pace = ContentPace(pause_s=30.0, rate_bytes_per_s=0.0)
    pace.begin(0.0)
    for now in range(29, 2900, 29):
        assert now <= pace.deadline
        pace.advance(1, now)


@given(st.lists(st.floats(0.01, 29.0), max_size=100), st.floats(1.0, 1e6))
def test_one_that_keeps_the_rate_never_meets_its_deadline(steps: list[float], rate: float) -> None:
    pace, now = ContentPace(pause_s=30.0, rate_bytes_per_s=rate), 0.0
    pace.begin(now)
    for step in steps:
        now += step
        assert now <= pace.deadline + 1e-6
        pace.advance(int(rate * step) + 1, now)


def test_what_came_fast_is_not_saved_up() -> None:
    pace = ContentPace(pause_s=30.0, rate_bytes_per_s=100.0)
    pace.begin(0.0)
    pace.advance(25_000_000, 1.0)
    assert pace.deadline == 31.0


def test_time_that_was_not_the_clients_is_given_back() -> None:
    pace = ContentPace(pause_s=30.0, rate_bytes_per_s=100.0)
    pace.begin(0.0)
    pace.excuse(100.0)
    pace.advance(10, 105.0)
    assert pace.deadline == pytest.approx(130.1)


def test_the_first_errors_are_answered_at_once_and_the_others_ever_later() -> None:
    penalty = Penalty(after=2, step_s=1.5)
    assert [penalty.delay_s(errors) for errors in range(6)] == [0, 0, 0, 1.5, 3.0, 4.5]
