"""Figures for a column."""

import pytest

from empath.cli.ctl.units import age, count, moment, share, size


@pytest.mark.parametrize(
    ("duration_s", "text"),
    [(None, "-"), (0, "0s"), (0.42, "0.4s"), (38, "38s"), (60, "1m"), (312, "5m12s"), (7260, "2h1m"), (-90, "-1m30s")],
)
def test_an_age_has_its_two_largest_units(duration_s: float | None, text: str) -> None:
    assert age(duration_s) == text


def test_other_figures() -> None:
    assert (size(None), size(7), size(4_100), size(81e9), size(5e15)) == ("-", "7 B", "4.1 kB", "81 GB", "5e+03 TB")
    assert (share(None), share(0.978), count(None), count(9_712), count(412)) == ("-", "97.8 %", "-", "9 712", "412")
    assert (moment(None), moment(1_762_772_405)) == ("-", "2025-11-10T11:00:05Z")
