"""The benchmark of lanes runs, and what must hold on any machine does."""

import pytest

from bench import lanes
from empath.config.schema import DeliverySettings


@pytest.mark.parametrize("case", lanes.CASES, ids=lambda case: case.name)
def test_every_case_gives_out_all_that_was_put_in(case: lanes.Case) -> None:
    assert lanes.decision_us(case, lanes=50, each=4) > 0
    assert lanes.pass_us(case, lanes=20, each=4) > 0


def test_sites_that_mail_went_to_fit_into_40_mib_however_many() -> None:
    # With twenty thousand every table has come to its bound; the recipe measures a hundred thousand.
    assert lanes.held_mib(lambda: lanes.known_sites(20_000)) <= 40


def test_lanes_that_rest_fit_into_40_mib_as_many_as_there_may_be() -> None:
    bound, some = DeliverySettings().max_lanes, 2000
    assert lanes.held_mib(lambda: lanes.make_lanes(lanes.CASES[0], some)) * bound / some <= 40
