"""How many connections a lane may have now: few at first, more while the site bears it, fewer when it does not.

A site says nowhere how many connections it bears, so the lane finds out. Each success widens the window: by one while
it has never failed (so it doubles in the time that a full window takes: slow start), afterwards by one for each full
window of successes. Each failure that is the site's halves it, once per cohort: of the calls that were under way
together, the first failure says all there is to say, and the others must not close the window for one and the same
hiccup.

It is never below 1, so a site is never given up here (that is the breaker's business), nor above the limit.
"""

from __future__ import annotations

from typing import Final

from attrs import define, field

INITIAL: Final = 2


@define(eq=False)
class Window:
    """The window of one lane. Counts of connections, and no time in it."""

    limit: int
    """What configuration allows; at least 1."""
    _size: float = field(init=False)
    _slow_start: bool = field(default=True, init=False)
    _cohort: int = field(default=0, init=False)
    """How many results are still to come from calls that were under way when the window was halved."""

    def __attrs_post_init__(self) -> None:
        if self.limit < 1:
            raise ValueError(f"a lane needs at least one connection, not {self.limit}")
        self._size = float(min(INITIAL, self.limit))

    @property
    def size(self) -> int:
        """How many connections the lane may have now."""
        return int(self._size)

    def succeed(self) -> None:
        """The site answered."""
        self._cohort = max(0, self._cohort - 1)
        step = 1.0 if self._slow_start else 1.0 / self._size
        self._size = min(float(self.limit), self._size + step)

    def fail(self, under_way: int) -> None:
        """A call failed, and the site is to blame; ``under_way`` others have no result yet."""
        if self._cohort:
            self._cohort -= 1
            return
        self._slow_start = False
        self._cohort = under_way
        self._size = max(1.0, self._size / 2)
