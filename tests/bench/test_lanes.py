"""The benchmark of lanes runs, and what must hold on any machine does."""

import pytest

from bench import lanes

MIB = 1 << 20


@pytest.mark.parametrize("case", lanes.CASES, ids=lambda case: case.name)
def test_every_case_gives_out_all_that_was_put_in(case: lanes.Case) -> None:
    assert lanes.decision_us(case, lanes=50, each=4) > 0
    assert lanes.pass_us(case, lanes=20, each=4) > 0


def test_sites_that_mail_went_to_fit_into_40_mib_however_many() -> None:
    # With twenty thousand every table has come to its bound; the recipe measures a hundred thousand.
    assert lanes.held_mib(lambda: lanes.known_sites(20_000)) <= 40


def test_a_lane_without_work_takes_less_than_3_kib() -> None:
    assert lanes.held_mib(lambda: lanes.make_lanes(lanes.CASES[0], 1000)) * MIB / 1000 < 3 * 1024
