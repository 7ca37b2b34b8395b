"""The Entropy port: the kernel's chance and that of a seed."""

import pytest

from empath.sim.entropy import SeededEntropy
from empath.world import Entropy
from empath.world.entropy import SystemEntropy


@pytest.fixture(params=["real", "simulated"])
def entropy(request: pytest.FixtureRequest) -> Entropy:
    return SystemEntropy() if request.param == "real" else SeededEntropy(7)


@pytest.mark.parametrize("size_bytes", [0, 1, 16])
def test_a_token_has_the_length_that_was_asked_for(entropy: Entropy, size_bytes: int) -> None:
    assert len(entropy.token(size_bytes)) == size_bytes


def test_tokens_do_not_repeat(entropy: Entropy) -> None:
    assert len({entropy.token(8) for _ in range(1000)}) == 1000


def test_the_generator_covers_its_range(entropy: Entropy) -> None:
    draws = [entropy.rng.uniform(-0.2, 0.2) for _ in range(1000)]
    assert all(-0.2 <= draw <= 0.2 for draw in draws)
    assert min(draws) < -0.1 < 0.1 < max(draws)


def test_there_is_one_generator_and_it_goes_on(entropy: Entropy) -> None:
    assert entropy.rng is entropy.rng
    assert len({entropy.rng.random() for _ in range(100)}) == 100
