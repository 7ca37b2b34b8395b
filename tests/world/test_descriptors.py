import resource
from collections.abc import Iterator

import pytest

from empath.world.descriptors import allow_descriptors


@pytest.fixture
def hard() -> Iterator[int]:
    """A soft limit of 200, and the hard one, which is what it was."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, before[1]))
    yield before[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def soft() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


@pytest.mark.usefixtures("hard")
def test_a_low_limit_is_raised_to_what_is_wanted() -> None:
    assert (allow_descriptors(300), soft()) == (300, 300)


@pytest.mark.usefixtures("hard")
def test_a_limit_that_is_high_enough_is_left_alone() -> None:
    assert (allow_descriptors(100), soft()) == (200, 200)


def test_the_system_has_the_last_word(hard: int) -> None:
    if hard == resource.RLIM_INFINITY:
        pytest.skip("this system has no last word")
    assert (allow_descriptors(hard + 1), soft()) == (hard, hard)
