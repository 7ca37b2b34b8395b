"""Lanes as people see them, and what operators have decided about them."""

from __future__ import annotations

from typing import Literal

import msgspec

from empath.delivery.explain import Gate, LaneExplanation, LaneRow
from empath.mail.waiting import Wait
from empath.policy.steering import Asked, OperatorRule


class WaitView(msgspec.Struct, frozen=True, kw_only=True):
    """The one reason why something waits."""

    reason: str
    until: float | None
    """None: nobody knows."""
    detail: str


class LaneView(msgspec.Struct, frozen=True, kw_only=True):
    """One lane, in a table."""

    lane: str
    state: str
    """``ok``, ``slowed``, ``breaker``, ``suspended``, ``frozen``, ``draining``, ``idle``."""
    queued: int
    """Deliveries in memory that wait."""
    more: bool
    """Whether there are more in the spool, which wait for room."""
    oldest_s: float | None
    connections: int
    connection_limit: int
    window: int
    """How many connections it may have now."""
    rate_per_s: float
    limited_by: WaitView | None
    """None: nothing holds it up."""
    breaker: str
    ok_share: float | None
    """Of the attempts of the last 15 minutes; None: there were none."""
    p95_s: float | None
    last_reply: str
    since: float | None
    """When counting began."""


class LaneList(msgspec.Struct, frozen=True, kw_only=True):
    """All lanes."""

    schema: Literal["empath.lanes/1"] = "empath.lanes/1"
    lanes: tuple[LaneView, ...]


class GateView(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that may hold a delivery up, open or shut."""

    name: str
    ok: bool
    used: float | None
    limit: float | None
    detail: str


class RuleView(msgspec.Struct, frozen=True, kw_only=True):
    """A decision of an operator."""

    schema: Literal["empath.rule/1"] = "empath.rule/1"
    id: str
    kind: Literal["suspension", "overlay", "breaker", "freeze", "route", "drain"]
    lane: str | None
    domain: str | None
    sender: str | None
    by: str
    reason: str
    created: float
    expires: float | None
    """None: until somebody ends it."""
    rate_per_s: float | None = None
    connections: int | None = None
    next_hop: str | None = None
    """Of a route: where the mail of the domain goes."""


class RuleList(msgspec.Struct, frozen=True, kw_only=True):
    """Decisions that are in force, the oldest first."""

    schema: Literal["empath.rules/1"] = "empath.rules/1"
    rules: tuple[RuleView, ...]


class AskedView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a host has asked for, and is given."""

    what: str
    cause: str


class LaneDetails(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a lane."""

    schema: Literal["empath.lane/1"] = "empath.lane/1"
    lane: LaneView
    set_aside: int
    """Deliveries in the spool that wait for room in it."""
    gates: tuple[GateView, ...]
    rules: tuple[RuleView, ...]
    asked: tuple[AskedView, ...]
    actions: tuple[str, ...]
    """What one can do, as commands."""


def wait_view(wait: Wait | None) -> WaitView | None:
    """A wait, for people."""
    return None if wait is None else WaitView(reason=wait.reason.value, until=wait.until, detail=wait.detail)


def lane_view(row: LaneRow) -> LaneView:
    """A row of the table, for people."""
    return LaneView(
        lane=row.site,
        state=row.state,
        queued=row.queued,
        more=row.is_set_aside,
        oldest_s=row.oldest_s,
        connections=row.connections,
        connection_limit=row.connection_limit,
        window=row.window,
        rate_per_s=round(row.rate_per_s, 3),
        limited_by=wait_view(row.wait),
        breaker=row.breaker,
        ok_share=row.ok_share,
        p95_s=row.p95_s,
        last_reply=row.last_reply,
        since=row.since,
    )


def rule_view(rule: OperatorRule) -> RuleView:
    """A rule, for people."""
    scope = rule.scope
    return msgspec.convert(
        {
            "id": rule.id,
            "kind": rule.kind.name.lower(),
            "lane": scope.lane,
            "domain": scope.domain,
            "sender": scope.sender,
            "by": rule.by,
            "reason": rule.why,
            "created": rule.created,
            "expires": rule.until,
            "rate_per_s": rule.rate_per_s,
            "connections": rule.connections,
            "next_hop": rule.next_hop,
        },
        RuleView,
    )


def lane_details(found: LaneExplanation) -> LaneDetails:
    """A lane, for people."""
    return LaneDetails(
        lane=lane_view(found.row),
        set_aside=found.set_aside,
        gates=tuple(map(gate_view, found.gates)),
        rules=tuple(map(rule_view, found.rules)),
        asked=tuple(map(_asked, found.asked)),
        actions=found.actions,
    )


def gate_view(gate: Gate) -> GateView:
    """A gate, for people."""
    return GateView(name=gate.name.value, ok=gate.ok, used=gate.used, limit=gate.limit, detail=gate.detail)


def _asked(asked: Asked) -> AskedView:
    return AskedView(what=str(asked.reaction), cause=asked.cause)
