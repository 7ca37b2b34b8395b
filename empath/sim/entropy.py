"""Chance that repeats itself."""

from __future__ import annotations

import random

from attrs import define, field


@define(eq=False)
class SeededEntropy:
    """All chance from one seed: the same calls in the same order bring the same results."""

    seed: int
    rng: random.Random = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    def token(self, size_bytes: int) -> bytes:
        """Return so many bytes, which everybody can guess who knows the seed."""
        return self.rng.randbytes(size_bytes)
