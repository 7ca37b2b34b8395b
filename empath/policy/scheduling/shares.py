"""Weighted shares among a few that wait: stride scheduling (Waldspurger and Weihl, 1995).

Each has a pass, and the lowest pass goes next; going raises it by one over its weight. So in any stretch in which the
same ones wait, each goes in proportion to its weight, to within one. One that has had nothing to send begins where the
others are: what was not used is not saved up, and nobody starves, since every pass but the lowest stands still.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import define, field


@define(eq=False)
class Shares:
    """Chooses among so many as there are weights, by number. Weights are above 0."""

    weights: Sequence[float]
    _passes: list[float] = field(init=False)
    _now: float = field(init=False, default=0.0)
    """The pass of who went last."""

    def __attrs_post_init__(self) -> None:
        self._passes = [0.0 for _ in self.weights]

    def join(self, number: int) -> None:
        """One that had nothing has something to send."""
        self._passes[number] = max(self._passes[number], self._now)

    def choose(self, waits: Callable[[int], bool]) -> int:
        """Who is next among those that ``waits`` says yes for, of equals the first; it counts as gone. -1: nobody."""
        best = -1
        for number, when in enumerate(self._passes):
            if waits(number) and (best < 0 or when < self._passes[best]):
                best = number
        if best >= 0:
            self._now = self._passes[best]
            self._passes[best] += 1 / self.weights[best]
        return best
