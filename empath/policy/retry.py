"""When a deferred delivery is tried again, and when it is given up.

After the n-th attempt it waits ``base * multiplier ** (n - 1)`` seconds, at most ``max_delay``: 1, 2, 4, 8 minutes and
so on up to a day, as the defaults have it. Chance adds or takes a fifth, so that what failed together does not come
back together. Near the maximum, what chance would add beyond it is taken off instead: the maximum holds, and the spread
stays.

It ends with ``max_attempts`` or ``max_age``, whichever comes first (RFC 5321 4.5.4.1 wants four to five days at least).
An attempt that would fall behind the end of its age is not made: the delivery waits for that very moment, and is given
up then, neither a day early nor a day late.

Wall clocks step. One that is set back makes a delivery look younger than it is, which costs some more attempts. A next
attempt that lies further away than any delay can be was planned before the step: such a delivery is due (``latest``).

Rules set other figures for some domains or some classes of failure: the first that fits decides. All attempts of a
delivery count, whatever each of them ended with. What may have arrived already is *uncertain*, and waits for a pause
that is longer than the usual delay, since a host that got no reply through may still be busy with the message.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from itertools import takewhile
from math import inf

from attrs import field, frozen

from empath.mail.failure_class import FailureClass


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

    def after(
        self, attempts: int, *, created: float, now: float, chance: float, deadline: float = inf
    ) -> float | GiveUp:
        """When to try again after so many attempts, the last of which was just deferred; or why not to.

        ``chance`` is drawn evenly from 0 to 1. ``deadline``: when it ends at the latest, however young it is then.
        """
        if self.is_expired(created, now, deadline=deadline):
            return GiveUp.AGE
        if attempts >= self.max_attempts:
            return GiveUp.ATTEMPTS
        return min(now + self.delay_s(attempts, chance), created + self.max_age_s, deadline)

    def is_expired(self, created: float, now: float, *, deadline: float = inf) -> bool:
        """Whether a delivery is too old for another attempt, or the deadline that its sender gave is over."""
        return now - created >= self.max_age_s or now >= deadline

    def latest(self, now: float) -> float:
        """The latest moment for which an attempt can be planned at ``now``. A later one was set by a clock ahead."""
        return now + self.max_delay_s

    def attempts_at_s(self) -> Iterator[float]:
        """When attempts are made, in seconds after the first, if each ends at once and chance changes nothing."""
        at_s = 0.0
        for attempts in range(1, self.max_attempts + 1):
            yield at_s
            at_s += self.delay_s(attempts, 0.5)

    def timetable(self) -> Timetable:
        """What all that comes to."""
        at_s = tuple(takewhile(lambda moment_s: moment_s < self.max_age_s, self.attempts_at_s()))
        if len(at_s) == self.max_attempts:
            return Timetable(at_s, at_s[-1], GiveUp.ATTEMPTS)
        return Timetable(at_s, self.max_age_s, GiveUp.AGE)


@frozen
class Timetable:
    """The schedule of a delivery that is always deferred, in seconds after its first attempt."""

    attempts_at_s: tuple[float, ...]
    end_s: float
    """When it is given up."""
    reason: GiveUp


@frozen(kw_only=True)
class RetryRule:
    """Other figures for some deliveries. An empty set stands for all."""

    policy: RetryPolicy
    classes: frozenset[FailureClass] = frozenset()
    """Of the latest failure."""
    domains: frozenset[str] = frozenset()
    """Of the recipient, as A-labels."""

    def fits(self, domain: str, failure_class: FailureClass | None) -> bool:
        """Whether it is meant. None: there was no failure yet, which a rule about classes does not fit."""
        return (not self.domains or domain in self.domains) and (not self.classes or failure_class in self.classes)


@frozen(kw_only=True)
class Retries:
    """All schedules."""

    usual: RetryPolicy
    rules: tuple[RetryRule, ...] = ()
    uncertain_pause_s: float = 0.0
    _reach_s: float = field(init=False)

    @_reach_s.default
    def _longest_s(self) -> float:
        delays = [self.usual.max_delay_s, *(rule.policy.max_delay_s for rule in self.rules)]
        return max(*delays, self.uncertain_pause_s)

    def policy(self, domain: str, failure_class: FailureClass | None) -> RetryPolicy:
        """The schedule for a delivery to ``domain`` whose latest failure was of this class; None: there was none."""
        fitting = (rule.policy for rule in self.rules if rule.fits(domain, failure_class))
        return next(fitting, self.usual)

    def after(
        self,
        attempts: int,
        *,
        domain: str,
        failure_class: FailureClass,
        created: float,
        now: float,
        chance: float,
        deadline: float = inf,
        landmark: float = inf,
    ) -> float | GiveUp:
        """When to try again after so many attempts, the last of which was just deferred; or why not to.

        ``landmark``: a moment at which an attempt is made whatever the delays say, unless it is over.
        """
        policy = self.policy(domain, failure_class)
        moment = policy.after(attempts, created=created, now=now, chance=chance, deadline=deadline)
        if isinstance(moment, GiveUp):
            return moment
        if now < landmark < moment:
            moment = landmark
        if failure_class is FailureClass.UNCERTAIN:
            moment = min(max(moment, now + self.uncertain_pause_s), created + policy.max_age_s, deadline)
        return moment

    def latest(self, now: float) -> float:
        """The latest moment for which an attempt can be planned at ``now``."""
        return now + self._reach_s
