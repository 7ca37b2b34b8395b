"""The helm of a lane: whether something besides its limits holds it back now, and what becomes of that.

Most lanes are not steered, and a helm without steering costs them one comparison. Steering appears when an operator
gives an order or a host asks for something, and goes when nothing of it is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf

from attrs import define, field

from empath.mail.facts import Fact, LaneSteered
from empath.mail.outcome import Delivered, Outcome
from empath.mail.waiting import WaitReason
from empath.policy.replies import Reactions
from empath.policy.steering import Orders, Steering, Stop
from empath.policy.window import Window

_SPAN_S = 10.0
"""Over how long messages are counted to tell how fast a lane goes."""


@define(eq=False, kw_only=True)
class Helm:
    """See the module. Moments are those of Trio's clock; ``wall`` tells the time of day."""

    site: str
    window: Window
    reactions: Reactions | None = None
    """What to do about the answers of hosts; None: nothing."""
    new_steering: Callable[[], Steering] = Steering
    observe: Callable[[Fact], None]
    wall: Callable[[], float]
    steering: Steering | None = field(init=False, default=None)
    _configured: int = field(init=False)
    _count: int = field(init=False, default=0)
    _since: float = field(init=False, default=-inf)
    _before_per_s: float = field(init=False, default=0.0)

    @_configured.default
    def _limit(self) -> int:
        return self.window.limit

    def obey(self, orders: Orders) -> None:
        """Operators want this now, and nothing of what they wanted before."""
        wanted = (orders.stop, orders.rate_per_s, orders.connections)
        if self.steering is None:
            if wanted == (None, None, None):
                return
            self.steering = self.new_steering()
        self.steering.obey(orders.stop, rate_per_s=orders.rate_per_s, connections=orders.connections)
        self._trim()

    def hear(self, outcomes: Iterable[Outcome], now: float) -> None:
        """Do what rules say about what hosts have answered."""
        if self.reactions is None:
            return
        for outcome in outcomes:
            reaction = None if isinstance(outcome, Delivered) else self.reactions.to(outcome.diagnosis)
            if reaction is None or isinstance(outcome, Delivered):
                continue
            steering = self.steering = self.steering or self.new_steering()
            cause = str(outcome.diagnosis)
            if steering.react(reaction, cause, now=now, seen_per_s=self.rate_per_s(now)):
                self.observe(LaneSteered(at=self.wall(), site=self.site, action=str(reaction), cause=cause))
            self._trim()

    def forget(self) -> None:
        """Heed no longer what hosts have asked for."""
        if self.steering is not None:
            self.steering.forget()
            self._trim()

    def settle(self, now: float) -> None:
        """Let go of what is over. To be called when there is steering, before it is asked."""
        if self.steering is not None:
            self.steering.settle(now)
            self._trim()

    def _trim(self) -> None:
        """Set the bounds of the window, and drop a steering that has nothing left."""
        steering = self.steering
        if steering is not None:
            limit = steering.limit(self._configured)
            if limit != self.window.limit:
                self.window.bound(limit)
            if steering.is_idle:
                self.steering = None

    def stop(self, now: float) -> Stop | None:
        """What stops the lane; None: nothing does."""
        return None if self.steering is None else self.steering.stop(now)

    def ready_at(self, now: float) -> float:
        """From when on a message may leave, as far as this is concerned; one that has passed: now."""
        return -inf if self.steering is None else self.steering.ready_at(now)

    def wakes_at(self, now: float) -> float:
        """When the lane has to look again; inf: something else will wake it."""
        if self.steering is None:
            return inf
        moments = (self.steering.ready_at(now), self.steering.next_change(now))
        return min((moment for moment in moments if moment > now), default=inf)

    @property
    def is_rated(self) -> bool:
        """Whether messages leave one at a time, each at its moment."""
        return self.steering is not None and (self.steering.pace is not None or self.steering.bucket is not None)

    @property
    def is_ordered(self) -> bool:
        """Whether an operator has stopped the lane, and nobody knows what ends that."""
        return self.steering is not None and self.steering.ordered is not None

    def took(self, now: float) -> None:
        """A message leaves."""
        if now - self._since > _SPAN_S:
            self._before_per_s = self._count / (now - self._since) if self._count else 0.0
            self._count, self._since = 0, now
        self._count += 1
        if self.steering is not None:
            self.steering.take(now)

    def rate_per_s(self, now: float) -> float:
        """How many messages have left each second, lately."""
        span_s = now - self._since
        if span_s > 2 * _SPAN_S:
            return 0.0
        # At the beginning of a burst a few messages in a moment say little about a whole second.
        return max(self._count / max(span_s, 1.0), 0.0 if span_s >= _SPAN_S else self._before_per_s)


def reason_of(steering: Steering, now: float) -> tuple[WaitReason, float, str] | None:
    """What the steering makes a message wait for at this moment, until when, and why; None: nothing."""
    stop = steering.stop(now)
    if stop is not None:
        return stop.reason, stop.until, stop.detail
    if steering.bucket is not None and steering.bucket.ready_at > now:
        return WaitReason.RATE_DOMAIN, steering.bucket.ready_at, "an operator has set the rate"
    if steering.pace is not None and steering.pace.ready_at > now and steering.pace_asked is not None:
        return WaitReason.RATE_DOMAIN, steering.pace.ready_at, f"the host asks for it: {steering.pace_asked.cause}"
    return None
