"""Leave to go on: what keeps a lane from taking its next job, or from starting another sender.

Rates of messages and of connections, places that are kept free for the highest class, and hosts that have as many
connections as they may have. The breaker and the window are not asked here: they learn from what hosts do, and this
is what configuration says.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from attrs import define, field

from empath.delivery.lanes.connection_limits import ConnectionLimits
from empath.delivery.lanes.job import Job
from empath.delivery.lanes.queue import Queue
from empath.mail.priority import Priority
from empath.mail.waiting import WaitReason
from empath.policy.window import Window


@define(eq=False, kw_only=True)
class Leave:
    """See the module. Moments are those of Trio's clock."""

    site: str
    queue: Queue = field(factory=Queue)
    window: Window
    host_limit: int = 20
    """How many connections a host may have when this lane wants another one."""
    reserved: int = 0
    """How many of its connections are kept free for the highest class."""
    connections: ConnectionLimits | None = None
    """None: it may connect as often as it likes."""
    blocked: bool = False
    """Whether its hosts have as many connections as they may have, from whichever lanes."""
    opening: bool = False
    """Whether a sender is about to connect. Where connections are limited there is one such at a time."""
    dialling: int = 0
    """Jobs whose senders have no connection yet: they say nothing about how many connections the site bears."""
    wake: Callable[[], None] = field(init=False, default=lambda: None)
    """Has the lane look again."""
    held: tuple[WaitReason, float] = field(init=False, default=(WaitReason.RATE_SOURCE, -inf))
    """Which limit a sender has met on its way to a host, and until when it keeps others from going there."""
    _counted: float = field(init=False, default=-inf)
    """The moment that a connection waited for when that was counted last."""
    _ordinary: int = field(init=False, default=0)
    """Jobs with senders that are not of the highest class; counted only if places are kept free for that."""

    def jobs(self, now: float) -> int:
        """How many jobs may go now."""
        ready = self.queue.ready(now)
        return int(self.queue.has_critical) if ready and self._is_kept_free else ready

    @property
    def _is_kept_free(self) -> bool:
        """Whether what is left of the window is for the highest class."""
        return self.reserved > 0 and self._ordinary >= max(1, self.window.size - self.reserved)

    def next_job(self, now: float) -> Job | None:
        """Take the next job out of the queue; None: none may go now. To be ``ended``."""
        job = self.queue.pop(now, critical_only=self._is_kept_free)
        if job is not None and self._is_ordinary(job):
            self._ordinary += 1
        return job

    def ended(self, job: Job) -> None:
        """A job is no longer with a sender."""
        if self._is_ordinary(job):
            self._ordinary -= 1

    def _is_ordinary(self, job: Job) -> bool:
        return self.reserved > 0 and self.queue.classify(job) is not Priority.CRITICAL

    def may_connect(self, now: float) -> bool:
        """Whether another sender may be started."""
        if self.blocked:
            return False
        return self.connections is None or not (self.opening or self._waits_to_connect(self.connections, now))

    def _waits_to_connect(self, connections: ConnectionLimits, now: float) -> bool:
        if self.held[1] > now:
            return True
        moment = connections.ready_at(self.site)
        if moment <= now:
            return False
        if moment != self._counted:  # this is asked again and again
            connections.note_refusal(self.site)
            self._counted = moment
        return True

    def connected(self) -> None:
        """The sender that was about to connect has leave to do so: another one may ask."""
        if self.opening and self.connections is not None:
            self.wake()
        self.opening = False

    def block(self) -> None:
        """Start no sender before ``unblock``: there is no place for it at any host."""
        self.blocked = True

    def unblock(self) -> bool:
        """There may be a place again; whether it will be made use of."""
        self.blocked = False
        self.wake()
        return bool(self.queue)

    def wakes_at(self, now: float) -> float:
        """When a limit lets something through that waits for it; inf: nothing does."""
        connects_at = inf if self.connections is None else self.refusal(self.connections)[1]
        return min((moment for moment in (self.queue.wakes_at, connects_at) if moment > now), default=inf)

    def refusal(self, connections: ConnectionLimits) -> tuple[WaitReason, float]:
        """What keeps it from connecting, and until when; a past moment: nothing does."""
        general = connections.refusal(self.site)
        return general if general[1] >= self.held[1] else self.held
