"""Chance from the operating system."""

from __future__ import annotations

import os
import random

from attrs import define, field


@define(eq=False)
class SystemEntropy:
    """The kernel's generator for everything. Drawing from it takes a microsecond, and a delivery draws a few times."""

    rng: random.Random = field(init=False, factory=random.SystemRandom)

    def token(self, size_bytes: int) -> bytes:
        """Return so many bytes that nobody can guess."""
        return os.urandom(size_bytes)
