import pytest

from empath.ops.recent import SPAN_S, RecentAttempts
from tests.ops.facts import BUSY, NO_DNS, NOW, TAKEN, accepted, attempted


def test_without_attempts_there_are_no_rates() -> None:
    recent = RecentAttempts()
    recent.observe(accepted())
    assert recent.success_rate(NOW) is None
    assert recent.unresolved_rate(NOW) is None


def test_rates_are_parts_of_all_attempts() -> None:
    recent = RecentAttempts()
    for outcome in (TAKEN, BUSY, NO_DNS, TAKEN):
        recent.observe(attempted(outcome))
    assert recent.success_rate(NOW) == pytest.approx(0.5)
    assert recent.unresolved_rate(NOW) == pytest.approx(0.25)


def test_what_is_older_than_a_quarter_of_an_hour_is_forgotten() -> None:
    recent = RecentAttempts()
    recent.observe(attempted(BUSY))
    recent.observe(attempted(TAKEN, at=NOW + SPAN_S + 60))
    assert recent.success_rate(NOW + SPAN_S + 60) == 1.0
    assert recent.success_rate(NOW + 3 * SPAN_S) is None
