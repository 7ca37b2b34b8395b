"""When a deferred delivery is tried again, and when it is given up.

After the n-th attempt it waits ``base * multiplier ** (n - 1)`` seconds, at most ``max_delay``: 1, 2, 4, 8 minutes and
so on up to a day, as the defaults have it. Chance adds or takes a fifth, so that what failed together does not come
back together. Near the maximum, what chance would add beyond it is taken off instead: the maximum holds, and the spread
stays.

It ends with ``max_attempts`` or ``max_age``, whichever comes first (RFC 5321 4.5.4.1 wants four to five days at least).
An attempt that would fall behind the end of its age is not made: the delivery waits for that very moment, and is given
up then, neither a day early nor a day late.

Wall clocks step. One that is set back makes a delivery look younger than it is, which costs some more attempts. A next
attempt that lies further away than any delay can be was planned before the step: such a delivery is due (``is_due``).
"""

from __future__ import annotations

from enum import Enum

from attrs import frozen


class GiveUp(Enum):
    """Why a delivery is not tried any more."""

    ATTEMPTS = "attempts"
    AGE = "age"


@frozen(kw_only=True)
class RetryPolicy:
    """The schedule. Times are wall clock, seconds since 1970."""

    base_delay_s: float = 60.0
    multiplier: float = 2.0
    max_delay_s: float = 86_400.0
    jitter_factor: float = 0.2
    """The part of a delay that chance may add or take: 0 to below 1."""
    max_attempts: int = 25
    max_age_s: float = 432_000.0

    def delay_s(self, attempts: int, chance: float) -> float:
        """How long to wait after so many attempts (1 or more); ``chance`` is drawn evenly from 0 to 1."""
        try:
            plain_s = min(self.base_delay_s * self.multiplier ** (attempts - 1), self.max_delay_s)
        except OverflowError:  # no float is that large, and the maximum decided long before
            plain_s = self.max_delay_s
        delay_s = plain_s * (1 + self.jitter_factor * (2 * chance - 1))
        return delay_s if delay_s <= self.max_delay_s else 2 * self.max_delay_s - delay_s

    def after(self, attempts: int, *, created: float, now: float, chance: float) -> float | GiveUp:
        """When to try again after so many attempts, the last of which was just deferred; or why not to.

        ``chance`` is drawn evenly from 0 to 1.
        """
        if attempts >= self.max_attempts:
            return GiveUp.ATTEMPTS
        if self.is_expired(created, now):
            return GiveUp.AGE
        return min(now + self.delay_s(attempts, chance), created + self.max_age_s)

    def is_expired(self, created: float, now: float) -> bool:
        """Whether a delivery is too old for another attempt."""
        return now - created >= self.max_age_s

    def is_due(self, next_attempt: float, now: float) -> bool:
        """Whether the next attempt may begin: its moment has come, or it is one that no clock that is right has set."""
        return next_attempt <= now or next_attempt > self.latest(now)

    def latest(self, now: float) -> float:
        """The latest moment for which an attempt can be planned at ``now``."""
        return now + self.max_delay_s
