"""The pace of a lane whose host has asked for less: a rate that is cut at once and grows again step by step.

A cut is by the factor of the rule. After each ``interval_s`` without another complaint the rate grows by a step, always
the same one until the next cut (additive increase, multiplicative decrease; Chiu and Jain, 1989). Each step is a
trial: if a complaint follows, it is taken back, and twice as many intervals must pass before the next one, up to a
bound. So a limit that the host has and does not tell is found and kept, and is hit upon less and less often. The first
step that holds ends the wait, in case the host has come to bear more.

Complaints within ``SETTLE_S`` of the last one are about the same thing: what was under way when the first one came.
"""

from __future__ import annotations

from math import inf
from typing import Final

from attrs import define, field

SETTLE_S: Final = 10.0
MAX_PATIENCE: Final = 64
"""Intervals that are waited for at most before a step that failed is tried again."""
_STEP: Final = 0.2
"""Of the rate after a cut: after five steps it is where it was, if the cut was by half."""
_FREE: Final = 2.0
"""At so many times the rate of the first complaint the lane is as free as before."""


@define(eq=False)
class Pace:
    """At most ``rate_per_s`` in any stretch of time, evenly spaced. Time is monotonic, in seconds, and an argument."""

    _seen_per_s: float
    """How fast the lane went when the first complaint came."""
    _least_per_s: float
    """It never gets slower than this."""
    interval_s: float
    rate_per_s: float = field(init=False)
    ready_at: float = field(init=False, default=0.0)
    """When the next one may go."""
    _step: float = field(init=False, default=0.0)
    _cut_at: float = field(init=False, default=-inf)
    _changed_at: float = field(init=False, default=inf)
    """When the present interval began; inf: none has, before the first cut."""
    _is_trial: bool = field(init=False, default=False)
    _patience: int = field(init=False, default=1)
    _waited: int = field(init=False, default=0)
    """Intervals since the last change."""

    def __attrs_post_init__(self) -> None:
        """Begin at the rate that was seen."""
        self.rate_per_s = max(self._seen_per_s, self._least_per_s)

    @property
    def is_over(self) -> bool:
        """Whether the lane is as free as before. Asked after ``grow``."""
        return self.rate_per_s >= _FREE * max(self._seen_per_s, self._least_per_s)

    def take(self, now: float) -> None:
        """Let one go; it must be ready."""
        self.ready_at = max(self.ready_at, now) + 1 / self.rate_per_s

    def cut(self, factor: float, now: float) -> None:
        """The host has asked for less."""
        if now - self._cut_at < SETTLE_S:
            return
        self.grow(now)
        if self._is_trial:
            self.rate_per_s -= self._step
            self._patience = min(2 * self._patience, MAX_PATIENCE)
        else:
            self.rate_per_s = max(self.rate_per_s * factor, self._least_per_s)
            self._step = self.rate_per_s * _STEP
        self._is_trial, self._waited = False, 0
        self._cut_at = self._changed_at = now
        self.ready_at = now + 1 / self.rate_per_s

    def grow(self, now: float) -> None:
        """Take the steps that are due."""
        while now - self._changed_at >= self.interval_s and not self.is_over:
            self._changed_at += self.interval_s
            if self._is_trial:
                self._is_trial, self._patience = False, 1
            self._waited += 1
            if self._waited >= self._patience:
                self.rate_per_s += self._step
                self._is_trial, self._waited = True, 0
