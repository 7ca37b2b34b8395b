"""How many connections a lane may have now: few at first, more while the site bears it, fewer when it does not.

A site says nowhere how many connections it bears, so the lane finds out. The theory is that of Postfix's
SCHEDULER_README: results are counted in *pseudo-cohorts*, of as many results as the window is wide. Slow start: until
its first failure a window grows by one with each success, which doubles it with each cohort. Afterwards it grows by one
after a cohort without a failure, and only if all of it was in use. Each failure that is the site's narrows it by one,
to half of what it was when the cohort began and no further: so a cohort of which a part failed leaves behind what the
site has borne, and one hiccup that breaks all connections costs half.

Hysteresis: where growing by one led to failures, twice as many clean cohorts must pass before it is tried again, up to
a bound. So the window stays at a limit that the site has and does not tell, and hits upon it less and less often. The
first growth that holds ends the wait, in case the site has come to bear more.

It is never below 1, so a site is never given up here (that is the breaker's business), nor above the limit.
"""

from __future__ import annotations

from typing import Final

from attrs import define, field

INITIAL: Final = 2
MAX_PATIENCE: Final = 64
"""Clean cohorts that are waited for at most before a window that hit upon a limit tries it again."""


@define(eq=False)
class Window:
    """The window of one lane. Counts of connections, and no time in it."""

    limit: int
    """What configuration allows; at least 1."""
    size: int = field(init=False)
    """How many connections the lane may have now."""
    _slow_start: bool = field(init=False)
    _left: int = field(init=False)
    """Results that are still to come in this cohort."""
    _floor: int = field(init=False)
    """How far this cohort may narrow the window."""
    _failed: bool = field(init=False)
    """Whether anything has failed in this cohort."""
    _full: bool = field(init=False)
    """Whether the whole window was in use at some moment of this cohort."""
    _borne: int = field(init=False)
    """Successes of this cohort, and of the one before."""
    _borne_before: int = field(init=False)
    _clean: int = field(init=False)
    """Cohorts without a failure since the window changed."""
    _patience: int = field(init=False)
    """How many of them it takes to grow."""
    _has_grown: bool = field(init=False)
    """Whether this cohort is the first after the window grew by one."""

    def __attrs_post_init__(self) -> None:
        """Begin."""
        if self.limit < 1:
            raise ValueError(f"a lane needs at least one connection, not {self.limit}")
        self.restart()

    def restart(self) -> None:
        """Forget all that was found out: a site that comes back after a failure is met by few connections."""
        self.size = min(INITIAL, self.limit)
        self._slow_start = True
        self._borne = self._borne_before = self._clean = 0
        self._patience = 1
        self._has_grown = False
        self._begin_cohort()

    @property
    def bears(self) -> bool:
        """Whether something has succeeded lately: then a refusal may mean one connection too many, and no outage."""
        return bool(self._borne or self._borne_before)

    def bound(self, limit: int) -> None:
        """Set another limit, at least 1."""
        self.limit = limit
        self.size = min(self.size, limit)

    def succeed(self, under_way: int) -> None:
        """The site answered. ``under_way`` calls were out, this one included."""
        self._borne += 1
        if under_way >= self.size:
            self._full = True
        if self._slow_start and self._full and self.size < self.limit:
            self.size += 1
        self._count()

    def fail(self) -> None:
        """A call failed, and the site is to blame."""
        self._failed, self._slow_start = True, False
        if self.size > self._floor:
            self.size -= 1
        self._count()

    def _count(self) -> None:
        self._left -= 1
        if self._left > 0:
            return
        if self._failed:
            if self._has_grown:
                self._patience = min(2 * self._patience, MAX_PATIENCE)
            self._clean, self._has_grown = 0, False
        elif self._full and not self._slow_start:
            self._end_clean_cohort()
        self._begin_cohort()

    def _end_clean_cohort(self) -> None:
        if self._has_grown:
            self._patience, self._has_grown = 1, False
        self._clean += 1
        if self._clean >= self._patience and self.size < self.limit:
            self.size += 1
            self._clean, self._has_grown = 0, True

    def _begin_cohort(self) -> None:
        self._borne_before, self._borne = self._borne, 0
        self._left = self.size
        self._floor = max(1, self.size // 2)
        self._failed = self._full = False
