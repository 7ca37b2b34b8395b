"""The steering of one lane: what operators want of it, and what its hosts have asked for."""

from __future__ import annotations

from math import inf

from attrs import define, field, frozen

from empath.mail.waiting import WaitReason
from empath.policy.bucket import TokenBucket
from empath.policy.replies.reaction import Reaction
from empath.policy.steering.pace import Pace


@frozen
class Stop:
    """Nothing leaves before a moment."""

    reason: WaitReason
    until: float
    """On the monotonic clock; inf: until somebody ends it."""
    detail: str
    """Why, for people. One line."""


@frozen
class Asked:
    """Something that a host has asked for, and until when it is heeded."""

    reaction: Reaction
    cause: str
    """What the host said."""
    since: float
    until: float


@define(eq=False, kw_only=True)
class Steering:
    """See the module. Time is monotonic, in seconds, and an argument."""

    least_per_s: float = 1 / 60
    """A host that asks for less and less is not sent to less often than that."""
    interval_s: float = 60.0
    """How long the pace waits before each step upwards."""
    ordered: Stop | None = field(init=False, default=None)
    asked: Stop | None = field(init=False, default=None)
    stop_asked: Asked | None = field(init=False, default=None)
    pace: Pace | None = field(init=False, default=None)
    pace_asked: Asked | None = field(init=False, default=None)
    cap: int | None = field(init=False, default=None)
    """Connections that a host has asked for."""
    cap_asked: Asked | None = field(init=False, default=None)
    bucket: TokenBucket | None = field(init=False, default=None)
    """A rate that an operator has set."""
    connections: int | None = field(init=False, default=None)
    """How many an operator has set, in place of those of the configuration."""

    def obey(self, stop: Stop | None, *, rate_per_s: float | None, connections: int | None) -> None:
        """Operators want this now, and nothing of what they wanted before."""
        self.ordered, self.connections = stop, connections
        if rate_per_s is None:
            self.bucket = None
        elif self.bucket is None or self.bucket.rate_per_s != rate_per_s:
            self.bucket = TokenBucket(rate_per_s)

    def react(self, reaction: Reaction, cause: str, *, now: float, seen_per_s: float) -> bool:
        """A host has said something that a rule knows an answer to; whether that is news.

        ``seen_per_s``: how many messages the lane has sent lately.
        """
        news = False
        if reaction.suspend_s is not None:
            until = now + reaction.suspend_s
            news = self.asked is None or self.asked.until <= now
            if news or (self.asked is not None and until > self.asked.until):
                self.asked = Stop(WaitReason.SUSPENDED, until, f"the host asks for it: {cause}")
                self.stop_asked = Asked(reaction, cause, now, until)
        if reaction.connections is not None:
            news |= self.cap_asked is None
            self.cap_asked = Asked(reaction, cause, now, now + reaction.lasts_s)
            self.cap = reaction.connections if self.cap is None else min(self.cap, reaction.connections)
        if reaction.slow is not None:
            if self.pace is None:
                self.pace, news = Pace(seen_per_s, self.least_per_s, self.interval_s), True
            self.pace.cut(reaction.slow, now)
            self.pace_asked = Asked(reaction, cause, now, now + reaction.lasts_s)
        return news

    def forget(self) -> None:
        """Heed no longer what hosts have asked for."""
        self.asked = self.stop_asked = self.pace = self.pace_asked = self.cap = self.cap_asked = None

    def settle(self, now: float) -> None:
        """Let go of what is over, and let the pace grow."""
        if self.asked is not None and self.asked.until <= now:
            self.asked = self.stop_asked = None
        if self.cap_asked is not None and self.cap_asked.until <= now:
            self.cap = self.cap_asked = None
        if self.pace is not None:
            self.pace.grow(now)
            if self.pace.is_over or (self.pace_asked is not None and self.pace_asked.until <= now):
                self.pace = self.pace_asked = None

    def stop(self, now: float) -> Stop | None:
        """What stops the lane now: of two the one that ends later."""
        stops = [stop for stop in (self.ordered, self.asked) if stop is not None and stop.until > now]
        return max(stops, key=lambda stop: stop.until, default=None)

    def limit(self, configured: int) -> int:
        """How many connections the lane may have."""
        limit = configured if self.connections is None else self.connections
        return limit if self.cap is None else min(limit, self.cap)

    def ready_at(self, now: float) -> float:
        """The first moment at which a message may leave; one that has passed: now. inf: nobody knows."""
        stop = self.stop(now)
        moments = [-inf if stop is None else stop.until]
        if self.bucket is not None:
            moments.append(self.bucket.ready_at)
        if self.pace is not None:
            moments.append(self.pace.ready_at)
        return max(moments)

    def take(self, now: float) -> None:
        """A message leaves; ``ready_at`` must have come."""
        if self.bucket is not None:
            self.bucket.take(now)
        if self.pace is not None:
            self.pace.take(now)

    def next_change(self, now: float) -> float:
        """When something ends by itself that bounds connections; inf: nothing does."""
        return inf if self.cap_asked is None or self.cap_asked.until <= now else self.cap_asked.until

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in force: the lane is better off without. Asked after ``settle``."""
        return self.ordered is None and self.bucket is None and self.connections is None and not self.remembers

    @property
    def remembers(self) -> bool:
        """Whether a host has asked for something that is still heeded. Asked after ``settle``."""
        return self.asked is not None or self.pace is not None or self.cap is not None
