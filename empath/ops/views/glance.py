"""What the dashboard shows beside the lanes: what needs somebody, how attempts ended lately, and where time goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, Literal

import msgspec
from attrs import frozen

from empath.delivery.explain import LaneRow
from empath.ops.check import Check
from empath.ops.health import Health
from empath.ops.lately import Lately
from empath.policy.steering import OperatorRule, RuleKind
from empath.world.certificates import Certificate
from empath.world.ports import Clock

CERTIFICATE_WARNING_S: Final = 14 * 86_400.0
_MAX_LANES: Final = 100
_RUNBOOKS: Final = {
    "spool": "EmpathNotReady",
    "disk": "EmpathSpoolDiskLow",
    "queue": "EmpathQueueGrowing",
    "accepting": "EmpathNotReady",
    "quarantine": "EmpathQuarantine",
    "deletion": "EmpathDeletionFailing",
    "delivery": "EmpathSuccessLow",
    "audit": "EmpathAuditDropping",
    "loop": "EmpathLoopLagHigh",
    "version": "EmpathVersionDrift",
}
_TOLD_APART: Final = frozenset({"breakers", "certificates"})
"""Checks of which each part is told here by itself."""
_ENDING: Final = {
    RuleKind.SUSPENSION: "empathctl resume {}",
    RuleKind.OVERLAY: "empathctl limit clear {}",
    RuleKind.BREAKER: "empathctl breakers close {}",
    RuleKind.FREEZE: "empathctl queue thaw",
    RuleKind.ROUTE: "empathctl dns override remove {}",
    RuleKind.DRAIN: "empathctl undrain",
}


class StageView(msgspec.Struct, frozen=True, kw_only=True):
    """How long one stage of a delivery took lately."""

    stage: str
    """``queue`` (from acceptance to the first attempt), ``dns``, ``connect``, ``tls``, ``mail``, ``rcpt``, ``data``."""
    count: int
    """Of how many this is said."""
    median_s: float
    p95_s: float


class RecentView(msgspec.Struct, frozen=True, kw_only=True):
    """The latest attempts."""

    schema: Literal["empath.recent/1"] = "empath.recent/1"
    now: float
    outcomes: dict[str, str]
    """By lane, the latest last: ``d`` delivered, ``t`` failed for now, ``p`` failed for good."""
    stages: tuple[StageView, ...]


class Concern(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that needs somebody, or that somebody should not forget."""

    level: Literal["error", "warning", "note"]
    what: str
    detail: str
    """What to do about it, or what was said."""
    since: float | None = None
    lane: str | None = None
    """The lane it is about."""
    rule: str | None = None
    """The decision of an operator it is about."""
    command: str | None = None
    """What shows more of it, or ends it."""
    runbook: str | None = None
    """The section of the documentation's page on operations that says what to do."""


class Attention(msgspec.Struct, frozen=True, kw_only=True):
    """All of those, the worst first."""

    schema: Literal["empath.attention/1"] = "empath.attention/1"
    now: float
    concerns: tuple[Concern, ...]


@frozen(kw_only=True)
class GlanceView:
    """Makes both."""

    clock: Clock
    health: Health
    lately: Lately
    lanes: Callable[[], Iterable[LaneRow]]
    rules: Callable[[], Iterable[OperatorRule]]
    certificates: Callable[[], Iterable[Certificate]]
    """Those that clients are shown now."""
    reload_problem: Callable[[], str | None] = lambda: None
    """Why the configuration could not be read again."""
    needs_restart: Callable[[], tuple[str, ...]] = tuple
    """Keys that the files say otherwise than the daemon does."""

    def recent(self) -> RecentView:
        """See `RecentView`."""
        stages = tuple(
            [
                StageView(stage=one.stage, count=one.count, median_s=one.median_s, p95_s=one.p95_s)
                for one in self.lately.stages()
            ]
        )
        return RecentView(now=self.clock.now(), outcomes=self.lately.outcomes(), stages=stages)

    async def attention(self) -> Attention:
        """See `Attention`."""
        now = self.clock.now()
        found = [
            *(_failed(one) for one in await self.health.checks() if not (one.ok or one.name in _TOLD_APART)),
            *_unread(self.reload_problem()),
            *_broken(self.lanes()),
            *_ending(self.certificates(), now),
            *_waiting(self.needs_restart()),
            *map(_decided, self.rules()),
        ]
        order = ("error", "warning", "note")
        return Attention(now=now, concerns=tuple(sorted(found, key=lambda one: order.index(one.level))))


def _failed(check: Check) -> Concern:
    level: Literal["error", "warning"] = "error" if check.essential else "warning"
    return Concern(
        level=level,
        what=f"{check.name}: mail is not taken" if check.essential else f"{check.name}: not as it should be",
        detail=check.hint or "",
        since=check.since,
        command="empathctl health",
        runbook=_RUNBOOKS.get(check.name),
    )


def _unread(problem: str | None) -> Iterator[Concern]:
    if problem is not None:
        yield Concern(
            level="error",
            what="configuration: it could not be read again, and the one before it goes on",
            detail=problem,
            command="empathctl config check",
            runbook="EmpathConfigReloadFailed",
        )


def _waiting(keys: tuple[str, ...]) -> Iterator[Concern]:
    if keys:
        yield Concern(
            level="note",
            what="configuration: a restart is pending",
            detail=f"until then the old values hold: {', '.join(keys)}",
            command="empathctl config diff",
        )


def _broken(lanes: Iterable[LaneRow]) -> Iterator[Concern]:
    broken = sorted((lane for lane in lanes if lane.breaker != "closed"), key=lambda lane: -lane.queued)
    for lane in broken[:_MAX_LANES]:
        yield Concern(
            level="error",
            what=f"{lane.site}: breaker {lane.breaker.replace('_', ' ')}, {lane.queued} waiting",
            detail=lane.last_reply,
            lane=lane.site,
            command=f"empathctl explain {lane.site}",
            runbook="EmpathBreakerStorm",
        )


def _ending(certificates: Iterable[Certificate], now: float) -> Iterator[Concern]:
    for one in certificates:
        left_s = one.not_after - now
        if left_s < CERTIFICATE_WARNING_S:
            name = one.names[0] if one.names else one.cert_file.name
            days = int(left_s // 86_400)
            yield Concern(
                level="warning" if left_s > 0 else "error",
                what=f"certificate {name}: {f'{days} days left' if left_s > 0 else 'has ended'}",
                detail="renew it; the daemon reads the new files by itself",
                runbook="EmpathCertificateEnds",
            )


def _decided(rule: OperatorRule) -> Concern:
    return Concern(
        level="note",
        what=f"{rule.kind.name.lower()} {rule.id} of {rule.scope}, by {rule.by}",
        detail=rule.why,
        since=rule.created,
        lane=rule.scope.lane,
        rule=rule.id,
        command=_ENDING[rule.kind].format(_ended_by(rule)),
    )


def _ended_by(rule: OperatorRule) -> str | None:
    """By what name a command ends it."""
    match rule.kind:
        case RuleKind.BREAKER:
            return rule.scope.lane
        case RuleKind.ROUTE:
            return rule.scope.domain
    return rule.id
