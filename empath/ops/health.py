"""Whether the daemon lives, whether it can take mail, and how it does.

``/health``, ``/health/live``, ``/livez``
    200 while the event loop runs. Nothing else is looked at: what a restart would not cure must not cause one.
``/health/ready``, ``/readyz``
    200 while new mail can be kept: the spool can be written, the queue is not over its limit, nobody is stopping us.
    503 else, with the names of the checks that fail. DNS that does not answer, or hosts that take nothing, are no
    reason, unless ``health.ready_requires`` says so: a balancer would then turn the trouble of others into a refusal of
    mail.
``/health/detailed``
    Every check with its value, its limit, since when it is as it is, and what to do. ``status`` is ``ok``; ``degraded``
    if mail is taken and does not get on; ``unready``. Clients on other machines need a token that may read.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec
from attrs import Factory, define, evolve, field

from empath.config.schema import HealthSettings
from empath.ops.check import Check, Surroundings
from empath.ops.condition import Condition, Examination
from empath.ops.http import Handler, Request, Response, problem
from empath.ops.pulse import Pulse
from empath.ops.recent import RecentAttempts
from empath.world.endpoint import TcpEndpoint
from empath.world.ports import Clock

_MAX_UNRESOLVED: Final = 0.5
"""What part of the attempts may fail because DNS does not answer before DNS counts as not responsive."""


def _bare(health: Health) -> Surroundings:
    return Surroundings(settings=health.settings, clock=health.clock, pulse=health.pulse)


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
    surroundings: Surroundings = field(default=Factory(_bare, takes_self=True))
    refusal: Callable[[Request], Awaitable[Response | None]] | None = None
    """Asked why a client on another machine may not see the details; an answer of None: it may. None: no such may."""
    _required: frozenset[str] = field(init=False)
    _last: dict[str, tuple[bool, float]] = field(init=False, factory=dict)
    """Of each check, how it was and since when."""

    @_required.default
    def _asked_for(self) -> frozenset[str]:
        return frozenset(one.value for one in self.settings.ready_requires)

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
        refusal = await self._refusal_of(request)
        if refusal is not None:
            return refusal
        checks = await self.checks()
        status = "unready" if self._failing(checks) else "ok" if all(check.ok for check in checks) else "degraded"
        shown = [
            {
                "name": one.name,
                "ok": one.ok,
                "value": one.value,
                "limit": one.limit,
                "since": one.since,
                "hint": None if one.ok else one.hint,
            }
            for one in checks
        ]
        body = {"schema": "empath.health/1", "status": status, "checks": shown}
        return _answer(503 if status == "unready" else 200, body)

    async def _refusal_of(self, request: Request) -> Response | None:
        if not isinstance(request.peer, TcpEndpoint) or request.peer.is_loopback:
            return None
        if self.refusal is not None:
            return await self.refusal(request)
        why, remedy = "it says much about this host", "ask from this machine, or ask /health/ready"
        return problem(403, code="HLT001", what="not for other machines", why=why, remedy=remedy)

    def _failing(self, checks: list[Check]) -> list[str]:
        return [check.name for check in checks if check.essential and not check.ok]

    async def checks(self) -> list[Check]:
        """Everything that is looked at, as it is now."""
        found = await self.examination.condition()
        all_of_them = (*self._essential(found), *self._others(), *self.surroundings.checks())
        return [self._dated(self._weighed(check)) for check in all_of_them]

    def _weighed(self, check: Check) -> Check:
        """Essential is as well what configuration requires."""
        return evolve(check, essential=True) if check.name in self._required else check

    def _essential(self, found: Condition) -> list[Check]:
        hint = found.trouble or None
        value = "written" if found.writable else "failed"
        checks = [Check(name="spool", ok=found.writable, essential=True, value=value, hint=hint)]
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
        hint = "it was told to stop, or was drained, which `empathctl undrain` ends"
        value = "no" if draining else "yes"
        return [*checks, Check(name="accepting", ok=not draining, essential=True, value=value, hint=hint)]

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
        value = "written" if written else "failed"
        return [delivering, dns, Check(name="audit", ok=written, essential=False, value=value, hint=hint)]

    def _dated(self, check: Check) -> Check:
        ok, since = self._last.get(check.name, (None, 0.0))
        if ok is not check.ok:
            since = self.clock.now()
            self._last[check.name] = (check.ok, since)
        return evolve(check, since=since)


def _answer(status: int, content: object) -> Response:
    return Response(status=status, body=msgspec.json.encode(content))
