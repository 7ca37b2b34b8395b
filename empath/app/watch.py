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
from attrs import define, field, frozen

import empath
from empath.app.auditing import open_audit
from empath.app.shutdown import Shutdown
from empath.config.schema import Config
from empath.mail.facts import Fact
from empath.ops import dashboard
from empath.ops.audit import AuditLog
from empath.ops.busiest import BusiestDomains
from empath.ops.condition import Examination
from empath.ops.exposition import Exposition, Gauges
from empath.ops.health import Health
from empath.ops.http import Handler, HttpServer
from empath.ops.http.index import index
from empath.ops.lately import Lately
from empath.ops.live import Hub
from empath.ops.metrics import Metrics
from empath.ops.outcomes import Outcomes
from empath.ops.pulse import Pulse
from empath.ops.recent import RecentAttempts
from empath.ops.traffic import Traffic
from empath.spool.contract import Spool
from empath.world.certificates import Certificate
from empath.world.endpoint import Endpoint, TcpEndpoint
from empath.world.free_space import FreeSpace
from empath.world.ports import Listener, World

Observe = Callable[[Fact], None]
Open = Callable[[TcpEndpoint], Awaitable[Listener]]

_LOG: Final = logging.getLogger(__name__)
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 60.0


@frozen
class _Server:
    http: HttpServer
    listener: Listener


@frozen(kw_only=True)
class Insight:
    """What watching has found out, for those who show it."""

    health: Health
    recent: RecentAttempts
    traffic: Traffic
    outcomes: Outcomes
    lately: Lately
    hub: Hub


@define(eq=False, kw_only=True)
class Watch:
    """All that watches one worker. ``run`` it for as long as there may be facts, and a moment longer."""

    observers: tuple[Observe, ...]
    sections: Mapping[str, Endpoint]
    """Where each section of the configuration is served: ``metrics``, ``health``, ``api``."""
    insight: Insight
    _servers: list[_Server]
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
        self._servers.append(_Server(http, listener))

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

    async def _serve(self, server: _Server) -> None:
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
    _pulse: Pulse = field(init=False, factory=Pulse)
    _recent: RecentAttempts = field(init=False, factory=RecentAttempts)
    _traffic: Traffic = field(init=False, factory=Traffic)
    _outcomes: Outcomes = field(init=False, factory=Outcomes)
    _lately: Lately = field(init=False, factory=Lately)
    _hub: Hub = field(init=False)
    _trees: dict[str, Handler] = field(init=False, factory=dict)

    @_hub.default
    def _nobody_watches(self) -> Hub:
        return Hub(settings=self.config.api.live, node=str(self.config.hostname))

    async def make(self) -> Watch:
        """Open what there is to open. Raises ListenFailed and AuditUnusable."""
        config, audit = self.config, await open_audit(self.config, self.world)
        metrics = self._metrics() if config.metrics.enabled else None
        health = self._health(audit)
        routes: dict[str, Mapping[str, Handler]] = {}
        if metrics is not None:
            routes["metrics"] = {"/metrics": self._exposition(metrics, health, audit)}
        if config.health.enabled:
            routes["health"] = health.routes()
        if config.api.enabled and config.api.dashboard:
            routes["api"], places = dashboard.pages()
            self._trees.update(places)
        elif config.api.enabled:
            routes["api"] = {}
        sections, servers = await self._listen(routes)
        services: dict[str, Callable[[], Awaitable[None]]] = {}
        if metrics is not None or config.health.enabled:
            services["the pulse"] = self._pulse.run
        if audit is not None:
            services["the audit log"] = audit.run
        observers = [self.observe]
        observers += [self._recent.observe] if config.health.enabled or config.api.enabled else []
        for_the_api = (self._traffic, self._outcomes, self._lately, self._hub)
        observers += [part.observe for part in for_the_api] if config.api.enabled else []
        observers += [part.observe for part in (metrics, audit) if part is not None]
        insight = Insight(
            health=health,
            recent=self._recent,
            traffic=self._traffic,
            outcomes=self._outcomes,
            lately=self._lately,
            hub=self._hub,
        )
        return Watch(
            observers=tuple(observers),
            sections=sections,
            insight=insight,
            servers=list(servers),
            services=services,
            trees=self._trees,
        )

    async def _listen(
        self, routes: Mapping[str, Mapping[str, Handler]]
    ) -> tuple[dict[str, Endpoint], tuple[_Server, ...]]:
        """Open one server for each address; sections that have the same one share it."""
        addresses = {
            "metrics": self.config.metrics.listen_addr,
            "health": self.config.health.listen_addr,
            "api": self.config.api.listen_addr,
        }
        sections: dict[str, Endpoint] = {}
        servers: list[_Server] = []
        for address in dict.fromkeys(addresses[section] for section in routes):
            here = [section for section in routes if addresses[section] == address]
            served = {path: handler for section in here for path, handler in routes[section].items()}
            if "api" in here and "/" not in served:
                served["/"] = index([*served, "/"], str(self.config.hostname))
            listener = await self.open_listener(address)
            http = HttpServer(
                routes=served,
                trees=self._trees if "api" in here else {},
                settings=self.config.http,
                own_name=self.config.hostname.ascii,
            )
            servers.append(_Server(http, listener))
            sections |= dict.fromkeys(here, listener.endpoint)
        return sections, tuple(servers)

    def _metrics(self) -> Metrics:
        listeners = tuple(str(listener.listen_addr) for listener in self.config.smtp.listeners)
        return Metrics(
            listeners=listeners,
            domains=BusiestDomains(self.config.metrics.max_domains),
            config_read_at=self.world.clock.now(),
        )

    def _health(self, audit: AuditLog | None) -> Health:
        examination = Examination(
            spool=self.spool,
            disk=self.world.disk,
            directory=PurePath(self.config.spool_path),
            free_space=self.free_space,
            is_draining=lambda: self.shutdown.draining,
        )
        return Health(
            settings=self.config.health,
            examination=examination,
            recent=self._recent,
            pulse=self._pulse,
            clock=self.world.clock,
            audit_writable=lambda: None if audit is None else audit.writable,
        )

    def _exposition(self, metrics: Metrics, health: Health, audit: AuditLog | None) -> Exposition:
        async def look() -> Gauges:
            condition = await health.examination.condition()
            return Gauges(
                queue=condition.queue,
                free_bytes=condition.free_bytes,
                ready=await health.is_ready(),
                audit_dropped=0 if audit is None else audit.dropped,
                live_viewers=self._hub.viewers,
                live_dropped=self._hub.dropped,
                dns_hits=self.world.resolver.watch.hits,
                dns_misses=self.world.resolver.watch.misses,
                certificates_end={_name(one): one.not_after for one in self.certificates()},
            )

        return Exposition(
            metrics=metrics,
            loop_lag=self._pulse.lag,
            version=empath.__version__,
            offload=self.world.offload.own("metrics", threads=1),
            look=look,
        )


def _name(certificate: Certificate) -> str:
    """What operators know a certificate by."""
    return certificate.names[0] if certificate.names else certificate.cert_file.name
