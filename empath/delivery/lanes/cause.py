"""What holds a lane up: decided where the lane looks for something to do, kept on the lane, and told when it changes.

Whoever asks later why mail waits reads what was recorded here, and decides nothing anew.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING

from attrs import frozen

from empath.delivery.lanes.helm import reason_of
from empath.mail.facts import BreakerMoved, LaneChanged
from empath.mail.waiting import Wait, WaitReason
from empath.policy.breaker import BreakerState

if TYPE_CHECKING:  # a lane keeps a cause
    from empath.delivery.lanes.lane import Lane


@frozen
class Cause:
    """One reason, and to which moment it holds."""

    reason: WaitReason
    until: float = inf
    """On Trio's clock; inf: an event ends it, and nobody knows when."""
    detail: str = ""

    def wait(self, now: float, wall: float) -> Wait | None:
        """The same by the wall clock; None: it is over. ``now`` is the moment on Trio's clock."""
        if self.until <= now:
            return None
        return Wait(self.reason, None if self.until == inf else wall + self.until - now, self.detail)


def cause_of(lane: Lane, now: float) -> Cause | None:
    """What holds the whole lane up at this moment; None: nothing does. The order is that in which a job is asked."""
    steering, breaker = lane.helm.steering, lane.breaker
    if steering is not None and (found := reason_of(steering, now)) is not None:
        return Cause(*found)
    if breaker.state is not BreakerState.CLOSED:
        if breaker.until is not None and breaker.until > now:
            return Cause(WaitReason.BREAKER_OPEN, breaker.until)
        if breaker.room(now) <= 0:
            return Cause(WaitReason.BREAKER_OPEN, detail="the probes are under way")
    return _crowding(lane, now) if lane.backlog else None


def _crowding(lane: Lane, now: float) -> Cause | None:
    """What the limits of configuration and the window have against another job."""
    refusal = lane.backlog.refusal
    if refusal is not None and refusal.until > now:
        return Cause(refusal.reason, refusal.until)
    if not lane.backlog.ready(now):
        return None  # each waits for a limit of its own
    if lane.leave.blocked:
        return Cause(WaitReason.CONN_HOST, detail="the host has all the connections that it may have")
    if lane.senders >= lane.window.size:
        is_full = lane.window.size >= lane.window.limit
        return Cause(WaitReason.CONN_HOST if is_full else WaitReason.WINDOW, detail=f"{lane.senders} connections")
    if lane.waits_for_capacity:
        return Cause(WaitReason.CONN_GLOBAL)
    connections = lane.leave.connections
    if connections is None:
        return None
    reason, until = lane.leave.refusal(connections)
    return Cause(reason, until, "connections per time") if until > now else None


def note(lane: Lane, now: float, wall: Callable[[], float]) -> LaneChanged | None:
    """Record what holds a lane up; the fact that it is for another reason than before."""
    before, found = lane.cause, cause_of(lane, now)
    if found is None and (before is None or (before.until <= now and lane.backlog)):
        return None  # a lane with a rate lets one through, and will wait for the same again
    lane.cause = found
    if before is not None and found is not None and before.reason is found.reason:
        return None
    at = wall()
    wait = None if found is None else found.wait(now, at)
    return LaneChanged(at=at, site=lane.site, wait=wait, backlog=lane.backlog.deliveries, senders=lane.senders)


def moved(lane: Lane, before: BreakerState, now: float, wall: float) -> BreakerMoved:
    """The fact that the breaker of a lane has changed its state."""
    opens_at = lane.breaker.until
    return BreakerMoved(
        at=wall,
        site=lane.site,
        before=before.value,
        after=lane.breaker.state.value,
        until=None if opens_at is None or opens_at == inf else wall + opens_at - now,
    )
