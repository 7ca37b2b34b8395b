"""What a disk may hold after a loss of power: every outcome that a file system may leave, one after the other.

The simulated disk takes down what nobody has synced, and asks chance how much of it a crash leaves: of a file's writes
any subset, of a directory's changes any number from the first on, of each file and directory for itself. Here the
answers are not drawn but gone through.
"""

from collections.abc import Iterator
from copy import deepcopy
from math import prod
from random import Random

from attrs import define, field, frozen
from typing_extensions import override

from empath.sim.disk import SimulatedFiles


class Answers(Random):
    """Answers as it is told, and beyond that, or if it is told nothing, always the same."""

    def __init__(self, told: list[int], otherwise: int = 0) -> None:
        super().__init__(0)
        self.told = told
        self.otherwise = otherwise
        self.given: list[tuple[int, int]] = []
        """Each answer, and of how many it is one."""

    def answer(self, count: int) -> int:
        at = len(self.given)
        answer = self.told[at] if at < len(self.told) else min(self.otherwise, count - 1)
        self.given.append((answer, count))
        return answer

    @override
    def random(self) -> float:
        """Whether a write is there afterwards: it is if the answer is 1."""
        return 0.0 if self.answer(2) else 1.0

    @override
    def randint(self, a: int, b: int) -> int:
        """How many changes are there afterwards."""
        return a + self.answer(b - a + 1)


@frozen
class Chance:
    """Chance as the disk wants it."""

    rng: Random

    def token(self, size_bytes: int) -> bytes:
        raise AssertionError("a crash needs no token")


@define
class Outcomes:
    """The disks that a loss of power at this moment may leave. All of them if there are no more than ``most``;
    else the one that has lost all, the one that has lost nothing, and others that are drawn.
    """

    files: SimulatedFiles
    most: int
    is_all: bool = field(init=False, default=True)

    def __iter__(self) -> Iterator[SimulatedFiles]:
        kept, given = self._crashed(Answers([], otherwise=1 << 30))
        if prod(count for _, count in given) <= self.most:
            yield from self._one_after_the_other()
            return
        self.is_all = False
        yield self._crashed(Answers([]))[0]
        yield kept
        for seed in range(2, self.most):
            yield self._drawn(seed)

    def _one_after_the_other(self) -> Iterator[SimulatedFiles]:
        told: list[int] = []
        while True:
            disk, given = self._crashed(Answers(told))
            yield disk
            while given and given[-1][0] + 1 == given[-1][1]:
                given.pop()
            if not given:
                return
            told = [*[answer for answer, _ in given[:-1]], given[-1][0] + 1]

    def _crashed(self, answers: Answers) -> tuple[SimulatedFiles, list[tuple[int, int]]]:
        disk = deepcopy(self.files)
        disk.crash(Chance(answers))
        return disk, answers.given

    def _drawn(self, seed: int) -> SimulatedFiles:
        disk = deepcopy(self.files)
        disk.crash(Chance(Random(seed)))
        return disk
