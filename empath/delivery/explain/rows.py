"""The table of lanes: one row for each that has work, or of which something is known."""

from __future__ import annotations

import trio
from attrs import evolve, frozen

from empath.delivery.explain.reasons import of_lane
from empath.delivery.explain.tally import Tally, minute_of
from empath.delivery.lanes.lane import Lane
from empath.mail.waiting import Wait, WaitReason
from empath.policy.breaker import BreakerState

_STATES = {
    WaitReason.BREAKER_OPEN: "breaker",
    WaitReason.SUSPENDED: "suspended",
    WaitReason.FROZEN: "frozen",
    WaitReason.DRAINING: "draining",
}


@frozen(kw_only=True)
class LaneRow:
    """One lane, as it stands."""

    site: str
    state: str
    """``ok``, ``slowed`` (a host asked for less), ``breaker``, ``suspended``, ``frozen``, ``draining``, ``idle``."""
    queued: int
    """Deliveries in memory that wait."""
    is_set_aside: bool
    """Whether there are more in the spool, which wait for room."""
    oldest_s: float | None
    """How long ago the oldest of those in memory was accepted; None: there are none."""
    connections: int
    connection_limit: int
    window: int
    """How many it may have now."""
    rate_per_s: float
    """Messages, lately."""
    wait: Wait | None
    """What holds it up; None: nothing does."""
    breaker: str
    ok_share: float | None = None
    """Which part of the attempts of the latest quarter of an hour delivered; None: there were none."""
    p95_s: float | None = None
    """How long 95 of 100 attempts took at most."""
    last_reply: str = ""
    since: float | None = None
    """When counting began; wall clock. None: nothing was counted yet."""


def row_of(lane: Lane, tally: Tally | None, *, wall: float, is_set_aside: bool) -> LaneRow:
    """The row of a lane."""
    said = "" if tally is None else tally.last_reply
    is_held_up = lane.backlog.deliveries or lane.breaker.until is not None or lane.helm.steering
    wait = of_lane(lane, wall, said) if is_held_up else None
    received = lane.backlog.oldest
    row = LaneRow(
        site=lane.site,
        state=_state_of(lane, wait),
        queued=lane.backlog.deliveries,
        is_set_aside=is_set_aside,
        oldest_s=None if received is None else max(0.0, wall - received),
        connections=lane.senders,
        connection_limit=lane.window.limit,
        window=lane.window.size,
        rate_per_s=lane.helm.rate_per_s(trio.current_time()),
        wait=wait,
        breaker=lane.breaker.state.value,
    )
    return _counted(row, tally, wall)


def row_at_rest(site: str, tally: Tally | None, *, wall: float, is_set_aside: bool) -> LaneRow:
    """The row of a site that has no lane now.

    It is the very same one as long as it holds. There may be very many such sites, so who shows all of them each second
    has next to nothing to do.
    """
    if tally is None:
        return _at_rest(site, is_set_aside=is_set_aside)
    made_from = tally.count, minute_of(wall), is_set_aside
    if tally.row is None or tally.row[0] != made_from:
        tally.row = made_from, _counted(_at_rest(site, is_set_aside=is_set_aside), tally, wall)
    return tally.row[1]


def _at_rest(site: str, *, is_set_aside: bool) -> LaneRow:
    return LaneRow(
        site=site,
        state="idle",
        queued=0,
        is_set_aside=is_set_aside,
        oldest_s=None,
        connections=0,
        connection_limit=0,
        window=0,
        rate_per_s=0.0,
        wait=None,
        breaker=BreakerState.CLOSED.value,
    )


def _counted(row: LaneRow, tally: Tally | None, wall: float) -> LaneRow:
    if tally is None:
        return row
    return evolve(
        row,
        ok_share=tally.ok_share(wall),
        p95_s=tally.p95_s,
        last_reply=tally.last_reply,
        since=tally.since,
    )


def _state_of(lane: Lane, wait: Wait | None) -> str:
    if wait is not None and wait.reason in _STATES:
        return _STATES[wait.reason]
    if lane.helm.steering is not None and lane.helm.steering.remembers:
        return "slowed"
    return "ok" if lane.running else "idle"
