"""Whether the daemon lives, whether it can take mail, and how it does.

``/health``, ``/health/live``, ``/livez``
    200 while the event loop runs. Nothing else is looked at: what a restart would not cure must not cause one.
``/health/ready``, ``/readyz``
    200 while new mail can be kept: the spool can be written, the queue is not over its limit, nobody is stopping us.
    503 else, with the names of the checks that fail. DNS that does not answer, or hosts that take nothing, are no
    reason: a balancer would then turn the trouble of others into a refusal of mail.
``/health/detailed``
    Every check with its value, its limit, since when it is as it is, and what to do. ``status`` is ``ok``; ``degraded``
    if mail is taken and does not get on; ``unready``. For clients on this machine only: there are no tokens by which
    others could be told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from attrs import define, evolve, field, frozen

from empath.config.schema import HealthSettings
from empath.ops.condition import Condition, Examination
from empath.ops.http import Handler, Request, Response, problem
from empath.ops.pulse import Pulse
from empath.ops.recent import RecentAttempts
from empath.world.endpoint import TcpEndpoint
from empath.world.ports import Clock

_MAX_UNRESOLVED: Final = 0.5
"""What part of the attempts may fail because DNS does not answer before DNS counts as not responsive."""


@frozen(kw_only=True)
class Check:
    """One thing that was looked at. A field that does not apply is None."""

    name: str
    ok: bool
    essential: bool
    """Whether mail cannot be taken if it is not ok."""
    value: float | str | None = None
    limit: float | None = None
    since: float | None = None
    """Wall clock."""
    hint: str | None = None
    """What to do if it is not ok."""


@define(eq=False, kw_only=True)
class Health:
    """Answers on the three levels."""

    settings: HealthSettings
    examination: Examination
    recent: RecentAttempts
    pulse: Pulse
    clock: Clock
    audit_writable: Callable[[], bool | None]
    """None: there is no audit log."""
    _last: dict[str, tuple[bool, float]] = field(init=False, factory=dict)
    """Of each check, how it was and since when."""

    def routes(self) -> Mapping[str, Handler]:
        """The paths."""
        live, ready = ("/health", "/health/live", "/livez"), ("/health/ready", "/readyz")
        return (
            dict.fromkeys(live, self._live) | dict.fromkeys(ready, self._ready) | {"/health/detailed": self._detailed}
        )

    async def is_ready(self) -> bool:
        """Whether new mail can be taken."""
        return not await self.failing()

    async def failing(self) -> list[str]:
        """The names of the checks that keep new mail from being taken."""
        return self._failing(await self.checks())

    async def _live(self, _: Request) -> Response:
        return _answer(200, {"status": "ok"}) if self.pulse.alive else _answer(503, {"status": "stuck"})

    async def _ready(self, _: Request) -> Response:
        failing = self._failing(await self.checks())
        if failing:
            return _answer(503, {"status": "unready", "failing": failing})
        return _answer(200, {"status": "ok"})

    async def _detailed(self, request: Request) -> Response:
        if isinstance(request.peer, TcpEndpoint) and not request.peer.is_loopback:
            why, remedy = "it says much about this host", "ask from this machine, or ask /health/ready"
            return problem(403, code="HLT001", what="not for other machines", why=why, remedy=remedy)
        checks = await self.checks()
        status = "unready" if self._failing(checks) else "ok" if all(check.ok for check in checks) else "degraded"
        shown = [
            {"name": one.name, "ok": one.ok, "value": one.value, "limit": one.limit, "since": one.since}
            | ({} if one.ok else {"hint": one.hint})
            for one in checks
        ]
        body = {"schema": "empath.health/1", "status": status, "checks": shown}
        return _answer(503 if status == "unready" else 200, body)

    def _failing(self, checks: list[Check]) -> list[str]:
        return [check.name for check in checks if check.essential and not check.ok]

    async def checks(self) -> list[Check]:
        """Everything that is looked at, as it is now."""
        found = await self.examination.condition()
        return [self._dated(check) for check in (*self._essential(found), *self._others())]

    def _essential(self, found: Condition) -> list[Check]:
        hint = found.trouble or None
        checks = [Check(name="spool", ok=found.writable, essential=True, hint=hint)]
        if found.free_bytes is not None:
            limit = self.examination.free_space.min_free_bytes
            enough, hint = found.free_bytes >= limit, "make room on the disk of spool.path, or lower spool.min_free"
            check = Check(name="disk", ok=enough, essential=True, value=found.free_bytes, limit=limit, hint=hint)
            checks.append(check)
        if found.queue is not None:
            size, limit = found.queue.waiting + found.queue.claimed, self.settings.max_queue_size
            hint = "see what holds mail up in the log, or raise health.max_queue_size"
            checks.append(Check(name="queue", ok=size < limit, essential=True, value=size, limit=limit, hint=hint))
            damaged, hint = found.queue.quarantined, "stop the daemon and run `empath spool verify`"
            checks.append(Check(name="quarantine", ok=not damaged, essential=False, value=damaged, limit=0, hint=hint))
            left, hint = found.queue.undeleted_files, "see to the disk of spool.path: files cannot be removed from it"
            checks.append(Check(name="deletion", ok=not left, essential=False, value=left, limit=0, hint=hint))
        draining = self.examination.is_draining()
        hint = "the daemon was told to stop"
        return [*checks, Check(name="accepting", ok=not draining, essential=True, hint=hint)]

    def _others(self) -> list[Check]:
        now, limit = self.clock.now(), self.settings.min_success_rate
        rate, unresolved = self.recent.success_rate(now), self.recent.unresolved_rate(now)
        hint = "see in the log why attempts fail, by site"
        delivering = Check(
            name="delivery", ok=rate is None or rate >= limit, essential=False, value=rate, limit=limit, hint=hint
        )
        responsive = unresolved is None or unresolved <= _MAX_UNRESOLVED
        hint = "see whether the servers of delivery.dns.servers answer"
        dns = Check(name="dns", ok=responsive, essential=False, value=unresolved, limit=_MAX_UNRESOLVED, hint=hint)
        written = self.audit_writable()
        if written is None:
            return [delivering, dns]
        hint = "see the log for why it cannot be written, and look after the disk of audit.log_path"
        return [delivering, dns, Check(name="audit", ok=written, essential=False, hint=hint)]

    def _dated(self, check: Check) -> Check:
        ok, since = self._last.get(check.name, (None, 0.0))
        if ok is not check.ok:
            since = self.clock.now()
            self._last[check.name] = (check.ok, since)
        return evolve(check, since=since)


def _answer(status: int, content: object) -> Response:
    return Response(status=status, body=msgspec.json.encode(content))
