"""The one reason why a delivery does not go now: of a lane, of a row in the spool, and of several."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Final

import trio

from empath.delivery.lanes.helm import reason_of
from empath.delivery.lanes.lane import Lane
from empath.mail.delivery import Status
from empath.mail.diagnosis import Kind
from empath.mail.failure import DamagedRecord
from empath.mail.progress import decode_progress
from empath.mail.waiting import Wait, WaitReason
from empath.policy.breaker import BreakerState
from empath.policy.steering import OperatorRule, RuleKind
from empath.spool.contract import Row

_TLS: Final = frozenset({Kind.TLS_UNAVAILABLE, Kind.TLS_FAILED, Kind.TLS_UNTRUSTED, Kind.NEEDS_TLS})
DUE: Final = Wait(WaitReason.DUE)


def longest(waits: Iterable[Wait]) -> Wait | None:
    """Of several the one that ends last; of equals the first."""
    return max(waits, key=lambda wait: inf if wait.until is None else wait.until, default=None)


def of_lane(lane: Lane, wall: float, said: str = "") -> Wait | None:
    """What holds the whole lane up now; None: nothing does.

    ``wall`` is the wall clock, now. ``said`` is what the site has answered lately.
    """
    now = trio.current_time()

    def wait(reason: WaitReason, until: float, detail: str = "") -> Wait:
        return Wait(reason, None if until == inf else wall + until - now, detail)

    if lane.is_draining:
        return Wait(WaitReason.DRAINING)
    steered = None if lane.helm.steering is None else reason_of(lane.helm.steering, now)
    if steered is not None:
        return wait(*steered)
    breaker, refusal = lane.breaker, lane.backlog.refusal
    if breaker.until is not None and breaker.until > now:
        return wait(WaitReason.BREAKER_OPEN, breaker.until, said)
    if breaker.state is BreakerState.HALF_OPEN and breaker.room(now) <= 0:
        return Wait(WaitReason.BREAKER_OPEN, None, "the probes are under way")
    if refusal is not None and refusal.until > now:
        return wait(refusal.reason, refusal.until)
    if lane.leave.blocked:
        return Wait(WaitReason.CONN_HOST, None, "the host has all the connections that it may have")
    if lane.senders >= lane.window.size:
        is_full = lane.window.size >= lane.window.limit
        return Wait(WaitReason.CONN_HOST if is_full else WaitReason.WINDOW, None, f"{lane.senders} connections")
    return Wait(WaitReason.CONN_GLOBAL) if lane.waits_for_capacity else None


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
