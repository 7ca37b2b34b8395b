"""What ``/metrics`` of a worker shows: what was counted, and what is looked at when somebody asks."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

import empath
from empath.app.assembly import Assembly
from empath.config.schema import Config
from empath.delivery.explain import Census
from empath.ops.audit import AuditLog
from empath.ops.busiest import BusiestDomains
from empath.ops.exposition import Exposition
from empath.ops.health import Health
from empath.ops.live import Hub
from empath.ops.metrics import Metrics
from empath.ops.series import Gauges, Standing
from empath.policy.steering import RuleKind
from empath.spool.contract import Spool, Statistics
from empath.world.certificates import Certificate
from empath.world.ports import World


@define(eq=False, kw_only=True)
class Figures:
    """See the module."""

    config: Config
    world: World
    spool: Spool
    hub: Hub
    certificates: Callable[[], tuple[Certificate, ...]]
    """Those that clients are shown now."""
    metrics: Metrics = field(init=False)
    _assembly: Assembly | None = field(init=False, default=None)
    _census: Census | None = field(init=False, default=None)
    _recovered: int = field(init=False, default=0)

    @metrics.default
    def _nothing_counted(self) -> Metrics:
        settings = self.config.metrics
        pinned = frozenset(domain.ascii for domain in settings.pinned_domains)
        return Metrics(
            listeners=tuple(str(listener.listen_addr) for listener in self.config.smtp.listeners),
            domains=BusiestDomains(settings.max_domains, pinned),
            servers=BusiestDomains(settings.max_domains, pinned),
            config_read_at=self.world.clock.now(),
        )

    def begin(self, assembly: Assembly, *, recovered: int) -> Census:
        """Look at what is sent from now on. ``recovered``: messages that were here. Returns what has to run for it."""
        self.spool.watch.took = self.metrics.took
        self._assembly, self._recovered = assembly, recovered
        self._census = Census(assembly.sending.explainer)
        return self._census

    def exposition(self, health: Health, audit: AuditLog | None) -> Exposition:
        """What answers."""

        async def look() -> Gauges:
            condition = await health.examination.condition()
            return Gauges(
                queue=condition.queue,
                standing=await self._standing(condition.queue),
                free_bytes=condition.free_bytes,
                ready=await health.is_ready(),
                audit_dropped=0 if audit is None else audit.dropped,
                live_viewers=self.hub.viewers,
                live_dropped=self.hub.dropped,
                dns_hits=self.world.resolver.watch.hits,
                dns_misses=self.world.resolver.watch.misses,
                certificates_end={name_of(one): one.not_after for one in self.certificates()},
            )

        return Exposition(
            metrics=self.metrics,
            loop_lag=health.pulse.lag,
            version=empath.__version__,
            offload=self.world.offload.own("metrics", threads=1),
            look=look,
        )

    async def _standing(self, queue: Statistics | None) -> Standing | None:
        assembly, census = self._assembly, self._census
        if assembly is None or census is None:
            return None
        await census.ask()
        sending, count = assembly.sending, census.count
        oldest_s = None if census.oldest is None else max(0.0, self.world.clock.now() - census.oldest)
        return Standing(
            waits=None if queue is None else census.waits(queue),
            oldest_s=oldest_s if count is None else oldest_s or 0.0,
            size_bytes=None if count is None else count.size_bytes,
            connections={lane.site: lane.senders for lane in sending.dispatcher.lanes.values()},
            rate_limited=sending.terms.refused,
            suspensions=len(sending.control.rules(RuleKind.SUSPENSION)),
            overlays=len(sending.control.rules(RuleKind.OVERLAY)),
            recovered=self._recovered,
        )


def name_of(certificate: Certificate) -> str:
    """What operators know a certificate by."""
    return certificate.names[0] if certificate.names else certificate.cert_file.name
