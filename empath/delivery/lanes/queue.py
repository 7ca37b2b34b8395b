"""What waits in one lane: the backlog, with the limits that its jobs are subject to.

The backlog says what goes next, the limits say whether it may. What waits for a limit that all of the lane waits for
stops the lane until its exact moment. What waits for a limit of its own (its sender's, or that of its domain in a site
of several) steps aside, and the next one is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from attrs import define, field

from empath.config.schema import DeliverySettings
from empath.delivery.lanes.job import Job
from empath.delivery.lanes.limits import RateLimits, Refusal
from empath.mail.envelope import Envelope
from empath.mail.priority import Priority
from empath.policy.bucket import TokenBucket
from empath.policy.scheduling import Age, Ages, Backlog, Delayed, Standing, Weights

Classify = Callable[[Job], Priority]
_NOBODY: Final[Delayed[Job, Refusal]] = Delayed()
"""What most lanes have for those that wait for a limit of their own: nobody is ever put in here."""
_NO_RATES: Final[Mapping[str, TokenBucket]] = {}
_UNLIMITED: Final = RateLimits(settings=DeliverySettings())
"""For a lane whose only limits are those that an operator has set for some of its domains."""


def class_of(job: Job) -> Priority:
    """The class that reception gave the message."""
    return job.envelope.priority or Priority.NORMAL


@define(eq=False)
class Queue:
    """See the module. Moments are those of Trio's clock."""

    limits: RateLimits | None = None
    """None: there are none."""
    classify: Classify = class_of
    weights: Weights = field(factory=Weights)
    refusal: Refusal | None = field(init=False, default=None)
    """What all of the lane waits for, or has waited for."""
    deliveries: int = field(init=False, default=0)
    """How many wait."""
    size_bytes: int = field(init=False, default=0)
    """What their messages take in memory."""
    is_overlaid: bool = field(init=False, default=False)
    """Whether an operator has set a rate in place of those that configuration has for the site and its domains."""
    _rates: Mapping[str, TokenBucket] = field(init=False, default=_NO_RATES)
    """Those that an operator has set for some of several domains."""
    _backlog: Backlog[Job] = field(init=False)
    _front: list[Job] = field(init=False, factory=list)
    """What was next and could not go, the first of it last."""
    _delayed: Delayed[Job, Refusal] = field(init=False, default=_NOBODY)
    _ages: Ages | None = field(init=False, default=None)
    """Kept from the first time on that somebody asks for the oldest, until nothing waits."""

    @_backlog.default
    def _new_backlog(self) -> Backlog[Job]:
        return Backlog(self.weights)

    def __len__(self) -> int:
        """How many wait."""
        return len(self._backlog) + len(self._front) + len(self._delayed)

    def __bool__(self) -> bool:
        """Whether any wait. It is asked several times for each message, and every job has a delivery."""
        return self.deliveries > 0

    def __iter__(self) -> Iterator[Job]:
        """All that waits, in no particular order."""
        yield from self._front
        yield from self._delayed
        yield from self._backlog

    def push(self, job: Job) -> None:
        """Put a job in its place."""
        self._weigh(job, 1)
        is_retry = job.deliveries[0].attempts > 0
        self._backlog.push(job, Standing(self.classify(job), flow_of(job.envelope), is_retry, len(job.deliveries)))

    def overlay(self, *, is_overlaid: bool, rates: Mapping[str, float]) -> None:
        """Have other rates in place of those that configuration has, or these again: one for the site and all its
        domains if ``is_overlaid``, which is kept elsewhere, and ``rates`` for some domains.
        """
        before = {domain: bucket.rate_per_s for domain, bucket in self._rates.items()}
        if is_overlaid is self.is_overlaid and rates == before:
            return
        self.is_overlaid, self.refusal = is_overlaid, None
        self._rates = {
            domain: self._rates[domain] if before.get(domain) == rate else TokenBucket(rate)
            for domain, rate in rates.items()
        }
        if self.limits is None and rates:
            self.limits = _UNLIMITED
        if self._delayed:
            self._delayed.hurry()

    def ready(self, now: float) -> int:
        """How many may go now, as far as is known: where one has met a limit, they are asked one at a time."""
        if self.refusal is not None:
            return 0 if self.refusal.until > now else min(1, len(self))
        waiting = len(self._backlog) + len(self._front)
        return waiting or int(self._delayed.moment <= now)

    @property
    def wakes_at(self) -> float:
        """The next moment at which a limit may let something through; inf: nothing waits for one."""
        return self._delayed.moment if self.refusal is None else self.refusal.until

    @property
    def has_critical(self) -> bool:
        """Whether anything of the highest class waits."""
        return self._backlog.has(Priority.CRITICAL)

    def _weigh(self, job: Job, sign: int) -> None:
        self.deliveries += sign * len(job.deliveries)
        self.size_bytes += sign * job.claim.size_bytes
        if self._ages is not None:
            self._note_age(self._ages, job, sign)

    def _note_age(self, ages: Ages, job: Job, sign: int) -> None:
        if not self.deliveries:
            self._ages = None
        elif sign > 0:
            ages.add(_age_of(job))
        else:
            ages.remove(_age_of(job))

    @property
    def oldest(self) -> float | None:
        """When the oldest message that waits was accepted; wall clock. None: nothing waits. Asking again is cheap."""
        if not self.deliveries:
            return None
        if self._ages is None:
            self._ages = Ages(set(map(_age_of, self)))
        return self._ages.oldest

    def pop(self, now: float, *, critical_only: bool = False) -> Job | None:
        """Take out what goes next and may, and count it; None: nothing may now."""
        job = self._pop(now, critical_only=critical_only)
        if job is not None:
            self._weigh(job, -1)
        return job

    def _pop(self, now: float, *, critical_only: bool) -> Job | None:
        limits = self.limits
        if limits is None:
            return self._next(critical_only=critical_only)
        if self.refusal is not None and self.refusal.until > now:
            return None
        self.refusal = None
        job = None if critical_only else self._pop_delayed(limits, now)
        while job is None and self.refusal is None:
            candidate = self._next(critical_only=critical_only)
            if candidate is None:
                return None
            if not self._joins_a_line(limits, candidate) and not self._is_refused(limits, candidate, now):
                job = candidate
        return job

    def _next(self, *, critical_only: bool) -> Job | None:
        if critical_only:
            return self._backlog.pop_of(Priority.CRITICAL) if self.has_critical else None
        if self._front:
            return self._front.pop()
        return self._backlog.pop() if self._backlog else None

    def _pop_delayed(self, limits: RateLimits, now: float) -> Job | None:
        """The first of those whose own limit may have room again."""
        while (taken := self._delayed.take(now)) is not None:
            key, line = taken
            refusal = self._take(limits, line[0], now)
            if refusal is None:
                job = line.popleft()
                if line:
                    self._delayed.begin(key, line, now, None)
                return job
            self._delayed.begin(key, line, refusal.until, refusal)
            if refusal.key is None:
                self.refusal = refusal
                break
        return None

    def _take(self, limits: RateLimits, job: Job, now: float) -> Refusal | None:
        return limits.take(job, now, overlaid=self.is_overlaid, own=self._rates.get(job.domain))

    def _joins_a_line(self, limits: RateLimits, job: Job) -> bool:
        key = self._delayed.line_of(limits.keys(job)) if self._delayed else None
        if key is None:
            return False
        self._delayed.join(key, job)
        return True

    def _is_refused(self, limits: RateLimits, job: Job, now: float) -> bool:
        refusal = self._take(limits, job, now)
        if refusal is None:
            return False
        if refusal.key is None:
            self._front.append(job)
            self.refusal = refusal
        else:
            if self._delayed is _NOBODY:
                self._delayed = Delayed()
            self._delayed.begin(refusal.key, [job], refusal.until, refusal)
        return True

    def refusal_of(self, wanted: Callable[[Job], bool]) -> Refusal | None:
        """What the first job that is wanted waits for apart from the lane, as it was recorded; None: for nothing."""
        return self._delayed.why(wanted)

    def takes_further(self, job: Job, now: float) -> bool:
        """Whether a further transaction of a message that is under way may begin now; it is counted."""
        return self.limits is None or self._take(self.limits, job, now) is None

    def give_back(self, job: Job, taken_at: float) -> None:
        """Put a job in front that was taken out at that moment, and not attempted."""
        if self.limits is not None:
            self.limits.give_back(job, taken_at, overlaid=self.is_overlaid, own=self._rates.get(job.domain))
        self._weigh(job, 1)
        self._front.append(job)

    def drop_last(self) -> Job:
        """Take out what would go last, or nearly so. An IndexError: nothing waits."""
        job = self._drop_last()
        self._weigh(job, -1)
        return job

    def _drop_last(self) -> Job:
        if self._backlog:
            return self._backlog.drop_last()
        if self._front:
            return self._front.pop(0)
        last = next(iter(self._delayed), None)
        if last is None:
            raise IndexError
        return self._delayed.remove(lambda job: job is last)[0]

    def remove(self, wanted: Callable[[Job], bool]) -> list[Job]:
        """Take out all that are wanted elsewhere."""
        taken = [job for job in self._front if wanted(job)]
        if taken:
            self._front = [job for job in self._front if not wanted(job)]
        taken += (*self._delayed.remove(wanted), *self._backlog.remove(wanted))
        for job in taken:
            self._weigh(job, -1)
        return taken

    def empty(self) -> list[Job]:
        """Take out everything."""
        left = [*self._front, *self._delayed.empty(), *self._backlog.empty()]
        self._front.clear()
        self.deliveries = self.size_bytes = 0
        self._ages = None
        return left


def _age_of(job: Job) -> Age:
    first = job.deliveries[0].key
    return job.claim.received, first.message, first.ordinal


def flow_of(envelope: Envelope) -> object:
    """Whose message it is: the user who logged in, else the reverse-path."""
    origin = envelope.origin
    return (None if origin is None else origin.user) or envelope.reverse_path
