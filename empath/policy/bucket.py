"""The token bucket: at most so many in any stretch of time, and the exact moment of the next one.

It is kept as one number, the moment at which the bucket would be full again (the generic cell rate algorithm, ITU-T
I.371 annex A). That has three merits over counting tokens: nothing needs refilling, so there are no ticks; the moment
of the next token is read off, not computed from a remainder; and ``take`` asks the very comparison that ``ready_at``
promises, so a task that sleeps until then is never told to sleep a little more.

Promise: in any stretch of ``t`` seconds, no more than ``burst + rate * t`` are taken. With a burst of 1, the default,
they are evenly spaced, and what was not used is not saved up. Time is whatever the caller's clock says, as long as it
does not go back: use the monotonic one.

Where many wait for tokens of one bucket, each is given a ``turn``, so that a token wakes two of them and not all.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Final

from attrs import define, field, setters

FARTHEST_TURN_S: Final = 10.0
"""How far ahead a turn may be: nobody waits longer for others who had turns before him and went away."""


def _positive(instance: object, attribute: object, value: float) -> None:
    if not 0 < value < inf:
        raise ValueError(f"a bucket needs a rate and a burst above 0, not {value}")


@define(eq=False, on_setattr=setters.NO_OP)
class TokenBucket:
    """Lets ``rate_per_s`` through each second, and ``burst`` at once if nothing was taken for long."""

    rate_per_s: float = field(validator=_positive)
    burst: int = field(default=1, validator=_positive)
    _full_at: float = field(default=-inf, init=False)
    _taken_at: float = field(default=-inf, init=False)
    """When the latest token was taken."""
    _turn: float = field(default=-inf, init=False)
    """The latest turn that was given."""

    @property
    def full_at(self) -> float:
        """The first moment at which it is as good as a new one."""
        return self._full_at

    @property
    def ready_at(self) -> float:
        """The first moment at which ``take`` succeeds."""
        return self._full_at - (self.burst - 1) / self.rate_per_s

    def take(self, now: float) -> bool:
        """Take a token, if there is one."""
        full_at = self._full_at
        if now < full_at - (self.burst - 1) / self.rate_per_s:  # `ready_at`, and not one call more for each message
            return False
        self._full_at = (full_at if full_at > now else now) + 1 / self.rate_per_s
        self._taken_at = now
        return True

    def turn(self, now: float) -> float:
        """When somebody who found no token should come again; after a ``turn`` of his that comes too early, too.

        It promises nothing: who is late may find that somebody else was there, and gets another one. There are two
        turns for each token, since a token for which nobody comes in time is not saved up.
        """
        ready_at, half_s = self.ready_at, 0.5 / self.rate_per_s
        if ready_at - now < half_s:
            return ready_at  # those before were a little late
        self._turn = min(max(ready_at, self._turn + half_s), max(ready_at, now + FARTHEST_TURN_S))
        return self._turn

    def give_back(self) -> None:
        """Undo a ``take``: what the token was for did not happen."""
        self._full_at -= 1 / self.rate_per_s

    def undo(self, taken_at: float) -> None:
        """Undo a ``take`` of that moment, unless others have taken since: they went when they did because of it, and
        with a token more the next would follow them too closely.
        """
        if self._taken_at == taken_at:
            self.give_back()


def take_all(buckets: Iterable[TokenBucket], now: float) -> float | None:
    """Take a token from each, or from none.

    None: they were taken. Else the first moment at which all of them can have one, as things stand.
    """
    several = tuple(buckets)
    ready_at = max((bucket.ready_at for bucket in several), default=now)
    if ready_at > now:
        return ready_at
    for bucket in several:
        bucket.take(now)
    return None
