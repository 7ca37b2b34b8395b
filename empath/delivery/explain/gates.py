"""Gates: everything that may hold a delivery up on its lane, open or shut, with what is used of it."""

from __future__ import annotations

import trio
from attrs import frozen

from empath.delivery.lanes.capacity import Capacity
from empath.delivery.lanes.lane import Lane
from empath.mail.waiting import WaitReason
from empath.policy.breaker import BreakerState
from empath.policy.steering import OperatorRule


@frozen
class Gate:
    """One of them."""

    name: WaitReason
    """The reason why a delivery waits if it is shut."""
    ok: bool
    """Whether it is open."""
    used: float | None = None
    limit: float | None = None
    detail: str = ""


def gates_of(lane: Lane, capacity: Capacity, freeze: OperatorRule | None) -> tuple[Gate, ...]:
    """The gates of a lane, in the order in which they are passed."""
    now = trio.current_time()
    breaker, window, helm, refusal = lane.breaker, lane.window, lane.helm, lane.backlog.refusal
    stop = helm.stop(now)
    suspension = stop if stop is not None and stop.reason is WaitReason.SUSPENDED else None
    rated = helm.steering
    idle = lane.senders > lane.calls  # a connection that has nothing to carry takes the next message
    shut = refusal is not None and refusal.until > now
    gates = [
        Gate(WaitReason.FROZEN, freeze is None, detail="" if freeze is None else str(freeze)),
        Gate(WaitReason.SUSPENDED, suspension is None, detail="" if suspension is None else suspension.detail),
        Gate(
            WaitReason.BREAKER_OPEN,
            breaker.room(now) > 0,
            used=breaker.failures,
            limit=breaker.failure_threshold,
            detail="" if breaker.state is BreakerState.CLOSED else breaker.state.value,
        ),
        Gate(WaitReason.WINDOW, idle or lane.senders < window.size, used=lane.senders, limit=window.size),
        Gate(WaitReason.CONN_HOST, idle or lane.senders < window.limit, used=lane.senders, limit=window.limit),
        Gate(WaitReason.CONN_GLOBAL, idle or capacity.used < capacity.limit, used=capacity.used, limit=capacity.limit),
    ]
    if rated is not None and rated.bucket is not None:
        used, limit = helm.rate_per_s(now), rated.bucket.rate_per_s
        gates.append(Gate(WaitReason.RATE_DOMAIN, rated.bucket.ready_at <= now, used, limit, "set by an operator"))
    if rated is not None and rated.pace is not None and rated.pace_asked is not None:
        used, limit, cause = helm.rate_per_s(now), rated.pace.rate_per_s, rated.pace_asked.cause
        gates.append(Gate(WaitReason.RATE_DOMAIN, rated.pace.ready_at <= now, used, limit, cause))
    if stop is not None and stop.reason is WaitReason.DRAINING:
        gates.append(Gate(WaitReason.DRAINING, False, detail=stop.detail))
    if refusal is not None:
        gates.append(Gate(refusal.reason, not shut, used=helm.rate_per_s(now)))
    return tuple(gates)
