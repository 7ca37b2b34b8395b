"""What waits in one lane: the backlog, with the limits that its jobs are subject to.

The backlog says what goes next, the limits say whether it may. What waits for a limit that all of the lane waits for
stops the lane until its exact moment. What waits for a limit of its own (its sender's, or that of its domain in a site
of several) steps aside, and the next one is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from attrs import define, field

from empath.delivery.lanes.job import Job
from empath.delivery.lanes.limits import RateLimits, Refusal
from empath.mail.envelope import Envelope
from empath.mail.priority import Priority
from empath.policy.scheduling import Backlog, Delayed, Standing, Weights

Classify = Callable[[Job], Priority]
_NOBODY: Final[Delayed[Job, Refusal]] = Delayed()
"""What most lanes have for those that wait for a limit of their own: nobody is ever put in here."""


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
    _backlog: Backlog[Job] = field(init=False)
    _front: list[Job] = field(init=False, factory=list)
    """What was next and could not go, the first of it last."""
    _delayed: Delayed[Job, Refusal] = field(init=False, default=_NOBODY)

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

    def overlay(self, *, is_overlaid: bool) -> None:
        """Have another rate in place of those that configuration has for the site and its domains, or these again."""
        if is_overlaid is not self.is_overlaid:
            self.is_overlaid, self.refusal = is_overlaid, None
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
            refusal = limits.take(line[0], now, overlaid=self.is_overlaid)
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

    def _joins_a_line(self, limits: RateLimits, job: Job) -> bool:
        key = self._delayed.line_of(limits.keys(job)) if self._delayed else None
        if key is None:
            return False
        self._delayed.join(key, job)
        return True

    def _is_refused(self, limits: RateLimits, job: Job, now: float) -> bool:
        refusal = limits.take(job, now, overlaid=self.is_overlaid)
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
        return self.limits is None or self.limits.take(job, now, overlaid=self.is_overlaid) is None

    def give_back(self, job: Job) -> None:
        """Put a job in front that was taken out and not attempted. It does not count."""
        if self.limits is not None:
            self.limits.give_back(job, overlaid=self.is_overlaid)
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
        return left


def flow_of(envelope: Envelope) -> object:
    """Whose message it is: the user who logged in, else the reverse-path."""
    origin = envelope.origin
    return (None if origin is None else origin.user) or envelope.reverse_path
