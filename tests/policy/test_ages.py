"""The age of the oldest, whatever comes and goes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from empath.policy.scheduling import Ages

AGES = st.tuples(st.integers(0, 5).map(float), st.integers(0, 5), st.just(0))


@given(st.sets(AGES), st.lists(AGES))
def test_the_oldest_is_the_smallest_moment_of_those_that_wait(
    first: set[tuple[float, int, int]], moves: list[tuple[float, int, int]]
) -> None:
    ages, waiting = Ages(set(first)), set(first)
    for age in moves:  # who waits already leaves, who does not comes
        (ages.remove if age in waiting else ages.add)(age)
        waiting ^= {age}
        assert ages.oldest == min((moment for moment, _, _ in waiting), default=None)
        assert len(ages) == len(waiting)


def test_what_has_left_is_forgotten_even_behind_one_that_stays_for_ever() -> None:
    ages = Ages({(0.0, 0, 0)})
    for number in range(1, 10_000):
        ages.add((float(number), number, 0))
        ages.remove((float(number), number, 0))
        assert ages.size < 100
    assert ages.oldest == 0.0


def test_one_that_comes_back_waits_again() -> None:
    ages = Ages({(1.0, 1, 0), (2.0, 2, 0)})
    ages.remove((1.0, 1, 0))
    ages.add((1.0, 1, 0))
    assert ages.oldest == 1.0
    ages.remove((1.0, 1, 0))
    assert ages.oldest == 2.0
