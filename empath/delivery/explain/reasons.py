"""The one reason why a delivery does not go now: of a lane, of a row in the spool, and of several."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf
from typing import Final

import trio
from attrs import evolve

from empath.delivery.lanes.errands import errand_of
from empath.delivery.lanes.job import Job
from empath.delivery.lanes.lane import Lane
from empath.mail.delivery import Status
from empath.mail.diagnosis import Kind
from empath.mail.failure import DamagedRecord
from empath.mail.progress import decode_progress
from empath.mail.waiting import Wait, WaitReason
from empath.policy.steering import OperatorRule, RuleKind
from empath.spool.contract import Row

_TLS: Final = frozenset({Kind.TLS_UNAVAILABLE, Kind.TLS_FAILED, Kind.TLS_UNTRUSTED, Kind.NEEDS_TLS})
DUE: Final = Wait(WaitReason.DUE)


def longest(waits: Iterable[Wait]) -> Wait | None:
    """Of several the one that ends last; of equals the first."""
    return max(waits, key=lambda wait: inf if wait.until is None else wait.until, default=None)


def of_lane(lane: Lane, wall: float, said: str = "") -> Wait | None:
    """What the lane has recorded as holding it up; None: nothing does.

    ``wall`` is the wall clock, now. ``said`` is what the site has answered lately.
    """
    if lane.is_draining:
        return Wait(WaitReason.DRAINING)
    wait = None if lane.cause is None else lane.cause.wait(trio.current_time(), wall)
    if wait is not None and wait.reason is WaitReason.BREAKER_OPEN and not wait.detail:
        return evolve(wait, detail=said)
    return wait


def of_job(lane: Lane, wanted: Callable[[Job], bool], wall: float) -> Wait | None:
    """What a job of this lane waits for by itself; None: nothing but its lane."""
    now = trio.current_time()
    errand = errand_of(lane, wanted)
    if errand is not None:
        return errand.wait(now, wall) or Wait(errand.reason, None, errand.detail)
    refusal = lane.backlog.refusal_of(wanted)
    return None if refusal is None or refusal.until <= now else Wait(refusal.reason, wall + refusal.until - now)


def of_row(row: Row, now: float) -> Wait:
    """What its own record says that a delivery waits for. It must wait, be held or be in progress."""
    if row.status is Status.HELD:
        return Wait(WaitReason.HELD, None, row.note)
    if row.status is Status.IN_PROGRESS:
        return Wait(WaitReason.IN_FLIGHT)
    if row.next_attempt <= now:
        return DUE
    if row.status is Status.PENDING:
        return Wait(WaitReason.SCHEDULED, row.next_attempt)
    if row.status is Status.UNCERTAIN:
        return Wait(WaitReason.UNCERTAIN, row.next_attempt, "the reply to its end was lost")
    reason = WaitReason.TLS_POLICY if _failed_by_tls(row.last) else WaitReason.RETRY_BACKOFF
    return Wait(reason, row.next_attempt, row.reply)


def of_rule(rule: OperatorRule) -> Wait:
    """What a rule of an operator makes a delivery wait for."""
    reason = WaitReason.FROZEN if rule.kind is RuleKind.FREEZE else WaitReason.SUSPENDED
    return Wait(reason, rule.until, str(rule))


def _failed_by_tls(last: bytes) -> bool:
    try:
        return bool(last) and decode_progress(last).last.kind in _TLS
    except DamagedRecord:
        return False
