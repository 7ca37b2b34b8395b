"""What watches a worker: the observers of its facts, and the servers that tell operators about them.

None of it can hurt mail. An observer that raises is passed over; a service that ends by a fault of ours is started
again, with a line in the log. Only at the start it is strict: a port that is taken, or an audit log that cannot be
written, would go unnoticed later.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import PurePath
from typing import Final

import trio
from attrs import define, evolve, field, frozen

from empath.app.assembly import Assembly
from empath.app.auditing import open_audit
from empath.app.figures import Figures
from empath.app.http_servers import HttpServers, Open, OpenServer
from empath.app.http_tls import HttpTls
from empath.app.installed import Installed
from empath.app.shutdown import Shutdown
from empath.app.tracing import make_tracer
from empath.config.schema import Config, OnFull
from empath.mail.facts import Fact
from empath.ops import dashboard
from empath.ops.audit import AuditLog
from empath.ops.check import Surroundings
from empath.ops.condition import Examination
from empath.ops.health import Health
from empath.ops.http import Handler, HttpServer
from empath.ops.lately import Lately
from empath.ops.live import Hub
from empath.ops.outcomes import Outcomes
from empath.ops.pulse import Pulse
from empath.ops.recent import RecentAttempts
from empath.ops.traffic import Traffic
from empath.policy.breaker import BreakerState
from empath.spool.contract import Spool
from empath.world.certificates import Certificate
from empath.world.endpoint import Endpoint
from empath.world.free_space import FreeSpace
from empath.world.ports import Listener, World

Observe = Callable[[Fact], None]

_LOG: Final = logging.getLogger(__name__)
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 60.0


@frozen(kw_only=True)
class Insight:
    """What watching has found out, for those who show it."""

    health: Health
    recent: RecentAttempts
    traffic: Traffic
    outcomes: Outcomes
    lately: Lately
    hub: Hub
    audit: AuditLog | None = None
    """None: none is written."""


@define(eq=False, kw_only=True)
class Watch:
    """All that watches one worker. ``run`` it for as long as there may be facts, and a moment longer."""

    observers: tuple[Observe, ...]
    sections: Mapping[str, Endpoint]
    """Where each section of the configuration is served: ``metrics``, ``health``, ``api``."""
    https: frozenset[str] = frozenset()
    """Those of them that are served over TLS."""
    insight: Insight
    figures: Figures | None = None
    """None: nobody can ask for them."""
    _servers: list[OpenServer]
    _services: dict[str, Callable[[], Awaitable[None]]]
    _trees: dict[str, Handler] = field(factory=dict)
    """What is answered below a path by the servers of ``api``."""

    def answer_below(self, prefix: str, handler: Handler) -> None:
        """Let this answer whatever is asked for below a path, which ends with a slash, where ``api`` is served."""
        self._trees[prefix] = handler

    def keep(self, name: str, service: Callable[[], Awaitable[None]]) -> None:
        """Run this service as well. To be called before ``run``."""
        self._services[name] = service

    def serve(self, http: HttpServer, listener: Listener) -> None:
        """Run this server as well. To be called before ``run``."""
        self._servers.append(OpenServer(http, listener))

    def look_at(self, assembly: Assembly, *, recovered: int) -> None:
        """Let figures be looked at, once there is something. ``recovered``: messages that were here at the start."""
        lanes = assembly.sending.dispatcher.lanes
        health = self.insight.health
        health.surroundings = evolve(
            health.surroundings,
            open_breakers=lambda: sum(lane.breaker.state is not BreakerState.CLOSED for lane in lanes.values()),
        )
        if self.figures is not None:
            self.keep("the census", self.figures.begin(assembly, recovered=recovered).run)

    def observe(self, fact: Fact) -> None:
        """Tell everybody. Never fails."""
        for observer in self.observers:
            try:
                observer(fact)
            except Exception:
                _LOG.exception("an observer failed at %s; mail goes on", type(fact).__name__)

    async def run(self) -> None:
        """Run until cancelled."""
        async with trio.open_nursery() as nursery:
            for name, service in self._services.items():
                nursery.start_soon(_keep_running, name, service)
            for server in self._servers:
                nursery.start_soon(self._serve, server)

    async def _serve(self, server: OpenServer) -> None:
        async with server.listener:
            await _keep_running(f"HTTP at {server.listener.endpoint}", lambda: server.http.run(server.listener))


async def _keep_running(name: str, service: Callable[[], Awaitable[None]]) -> None:
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            return await service()
        except Exception:
            _LOG.exception("%s failed and is started again in %g s; mail goes on", name, pause_s)
        await trio.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)


@frozen(kw_only=True)
class Watchmaker:
    """Makes the parts from the configuration."""

    config: Config
    world: World
    spool: Spool
    shutdown: Shutdown
    observe: Observe
    """Who hears of everything in any case."""
    open_listener: Open
    free_space: FreeSpace
    certificates: Callable[[], tuple[Certificate, ...]]
    """Those that clients are shown now."""
    _pulse: Pulse = field(init=False)
    _installed: Installed = field(init=False)
    _recent: RecentAttempts = field(init=False, factory=RecentAttempts)
    _traffic: Traffic = field(init=False, factory=Traffic)
    _outcomes: Outcomes = field(init=False, factory=Outcomes)
    _lately: Lately = field(init=False, factory=Lately)
    _hub: Hub = field(init=False)
    _trees: dict[str, Handler] = field(init=False, factory=dict)
    _tls: list[HttpTls] = field(init=False, factory=list)
    """That of the API, once it is open and if there is any."""

    @_installed.default
    def _as_it_is(self) -> Installed:
        return Installed(self.world.offload)

    @_pulse.default
    def _still(self) -> Pulse:
        return Pulse(self.world.clock)

    @_hub.default
    def _nobody_watches(self) -> Hub:
        return Hub(settings=self.config.api.live, node=str(self.config.hostname))

    async def make(self) -> Watch:
        """Open what there is to open. Raises ListenFailed, AuditUnusable, CertificateUnusable and TracingUnusable."""
        config, audit = self.config, await self._audit()
        tracer = make_tracer(config, self.world)
        figures = self._figures() if config.metrics.enabled else None
        health = self._health(audit)
        routes: dict[str, Mapping[str, Handler]] = {}
        if figures is not None:
            routes["metrics"] = {"/metrics": figures.exposition(health, audit)}
        if config.health.enabled:
            routes["health"] = health.routes()
        if config.api.enabled and config.api.dashboard:
            routes["api"], places = dashboard.pages()
            self._trees.update(places)
        elif config.api.enabled:
            routes["api"] = {}
        tls = HttpTls.open(config, self.world) if config.api.enabled else None
        self._tls.extend([] if tls is None else [tls])
        servers = await HttpServers.open(config, self.open_listener, pages=routes, trees=self._trees, tls=tls)
        services: dict[str, Callable[[], Awaitable[None]]] = {}
        if figures is not None or config.health.enabled:
            services["the pulse"] = self._pulse.run
            services["the watch on the version"] = self._installed.run
        if audit is not None:
            services["the audit log"] = audit.run
        if tls is not None:
            services["the certificate of the API"] = tls.run
        if tracer is not None:
            services["tracing"] = tracer.run
        observers = [self.observe]
        observers += [self._recent.observe] if config.health.enabled or config.api.enabled else []
        for_the_api = (self._traffic, self._outcomes, self._lately, self._hub)
        observers += [part.observe for part in for_the_api] if config.api.enabled else []
        observers += [] if figures is None else [figures.metrics.observe]
        observers += [part.observe for part in (audit, tls, tracer) if part is not None]
        insight = Insight(
            health=health,
            recent=self._recent,
            traffic=self._traffic,
            outcomes=self._outcomes,
            lately=self._lately,
            hub=self._hub,
            audit=audit,
        )
        return Watch(
            observers=tuple(observers),
            sections=servers.sections,
            https=servers.https,
            insight=insight,
            figures=figures,
            servers=servers.servers,
            services=services,
            trees=self._trees,
        )

    async def _audit(self) -> AuditLog | None:
        audit = await open_audit(self.config, self.world)
        if audit is not None and self.config.audit.on_full is OnFull.DEFER:
            self.free_space.keeps_up = lambda: not audit.is_half_full
        return audit

    def _certificates(self) -> tuple[Certificate, ...]:
        return (*self.certificates(), *(one for tls in self._tls for one in tls.certificates))

    def _figures(self) -> Figures:
        return Figures(
            config=self.config, world=self.world, spool=self.spool, hub=self._hub, certificates=self._certificates
        )

    def _health(self, audit: AuditLog | None) -> Health:
        examination = Examination(
            spool=self.spool,
            disk=self.world.disk,
            directory=PurePath(self.config.spool_path),
            free_space=self.free_space,
            is_draining=lambda: self.shutdown.takes_nothing,
        )
        return Health(
            settings=self.config.health,
            examination=examination,
            recent=self._recent,
            pulse=self._pulse,
            clock=self.world.clock,
            audit_writable=lambda: None if audit is None else audit.writable,
            surroundings=Surroundings(
                settings=self.config.health,
                clock=self.world.clock,
                pulse=self._pulse,
                certificates=self._certificates,
                warning_s=self.config.smtp.tls.expiry_warning_s,
                installed_version=lambda: self._installed.version,
            ),
        )
