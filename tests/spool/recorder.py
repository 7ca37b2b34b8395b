"""What a disk may hold after a loss of power: at every moment of what was done to it, every outcome that a file system
may leave.

A recorder below the backends takes the disk down before each call. The simulated disk knows what nobody has synced, and
asks chance how much of it a crash leaves: of a file's writes any subset, of a directory's changes any number from the
first on, of each file and directory for itself. Here the answers are not drawn but gone through.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from math import prod
from random import Random
from typing import Final

from attrs import define, field, frozen
from typing_extensions import override

from empath.sim.disk import SimulatedFiles, Trouble

_READING: Final = frozenset(
    {"open", "read_at", "close", "names", "size_bytes", "free_bytes", "holder", "check_permission"}
)
"""Calls that change nothing on the disk."""


@frozen
class Moment:
    """When the power may have failed."""

    disk: SimulatedFiles
    known: object
    """What the witness knew then, copied."""


@define(eq=False)
class RecordedFiles(SimulatedFiles):
    """A disk that takes down each moment at which it, or what the witness knows, is another one than before."""

    witness: Callable[[], object] | None = field(init=False, default=None)
    """None: nothing is taken down."""
    moments: list[Moment] = field(init=False, factory=list)
    _is_other: bool = field(init=False, default=True)

    def begin(self, witness: Callable[[], object]) -> None:
        """Take down from now on."""
        self.witness = witness

    def end(self) -> list[Moment]:
        """Take down the present moment too, and no further one; all of them."""
        self._take_down()
        self.witness = None
        return self.moments

    @override
    def _call(self, call: str, path: object) -> Trouble | None:
        if self.witness is not None:
            self._take_down()
            self._is_other = call not in _READING
        return super()._call(call, str(path))

    def _take_down(self) -> None:
        assert self.witness is not None
        known = self.witness()
        if self._is_other or not self.moments or self.moments[-1].known != known:
            self.moments.append(Moment(self.copied(), deepcopy(known)))
        self._is_other = False


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
        answer = min(answer, count - 1)
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
    """The disks that a loss of power at this moment may leave. All of them if there are no more than ``most``; else the
    one that has lost all, the one that has lost nothing, some that have lost or kept a single thing, and some that are
    drawn.
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
        rest = self.most - 2
        for told, otherwise in self._singles([count for _, count in given])[: rest // 2]:
            rest -= 1
            yield self._crashed(Answers(told, otherwise))[0]
        for seed in range(2, 2 + rest):
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

    def _singles(self, counts: list[int]) -> list[tuple[list[int], int]]:
        """One thing is lost and all else kept, the latest first, which is what chance seldom draws; and the reverse."""
        unsure = [at for at, count in enumerate(counts) if count > 1]
        unsure.reverse()
        all_kept = [count - 1 for count in counts]
        lost = [([*all_kept[:at], all_kept[at] - 1], 1 << 30) for at in unsure]
        return [one for pair in zip(lost, [([0] * at + [1], 0) for at in unsure], strict=True) for one in pair]

    def _crashed(self, answers: Answers) -> tuple[SimulatedFiles, list[tuple[int, int]]]:
        disk = self.files.copied()
        disk.crash(Chance(answers))
        return disk, answers.given

    def _drawn(self, seed: int) -> SimulatedFiles:
        disk = self.files.copied()
        disk.crash(Chance(Random(seed)))
        return disk
