"""What lets operators act on a worker: the API, on the servers of ``[api]`` and on the control socket."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import PurePath
from typing import Final

from attrs import field, frozen

from empath.app.assembly import Assembly
from empath.app.auditing import history_routes
from empath.app.draining import Draining
from empath.app.hands import OperatorHands
from empath.app.next_hops import NextHops
from empath.app.reload import Reloader
from empath.app.reloading import CurrentInjection, Reloading
from empath.app.showing import live_routes
from empath.app.token_lines import token_routes
from empath.app.watch import Watch
from empath.capture import DIRECTORY as CAPTURED
from empath.config.rollup import site_names
from empath.delivery.lanes.dispatcher import Dispatcher
from empath.delivery.recording.dismissal import Dismissal
from empath.mail.ids import DeliveryId
from empath.mail.operator_facts import OperatorActed
from empath.ops.acting import Deed, Job, Jobs, State, Verb
from empath.ops.api import PREFIX, Access, Api, Route, TokenFile
from empath.ops.api.routes.actions import ActionRoutes
from empath.ops.api.routes.captured import CapturedRoutes
from empath.ops.api.routes.content import ContentRoutes
from empath.ops.api.routes.daemon import DaemonRoutes
from empath.ops.api.routes.dns import DnsRoutes
from empath.ops.api.routes.glance import GlanceRoutes
from empath.ops.api.routes.injection import InjectionRoutes
from empath.ops.api.routes.lanes import LaneRoutes
from empath.ops.api.routes.log import LogRoutes
from empath.ops.api.routes.messages import Done, MessageRoutes
from empath.ops.api.routes.overrides import OverrideRoutes
from empath.ops.api.routes.queue import QueueRoutes
from empath.ops.api.routes.rules import RuleRoutes
from empath.ops.api.routes.service import ServiceRoutes
from empath.ops.api.routes.settings import ConfigRoutes
from empath.ops.api.routes.spool import SpoolRoutes
from empath.ops.http import HttpServer
from empath.ops.logbook import Levels
from empath.ops.views import DaemonView
from empath.ops.views.captured import CapturedMail
from empath.ops.views.glance import GlanceView
from empath.ops.views.messages import MessageView
from empath.ops.views.queue import ShapeView
from empath.policy.steering import RuleKind
from empath.spool.contract import Changed
from empath.world.endpoint import UnixEndpoint
from empath.world.errors import DiskError, ListenFailed
from empath.world.ports import Listener
from empath.world.resolver import DnsResolver

_LOG: Final = logging.getLogger(__name__)
_GROUP_MAY_CONNECT: Final = 0o660


@frozen(kw_only=True)
class Operators:
    """Makes the API from the parts of a worker."""

    assembly: Assembly
    watch: Watch
    reloader: Reloader
    stop: Callable[[], None]
    started: float = field(init=False)

    @started.default
    def _now(self) -> float:
        return self.assembly.world.clock.now()

    async def open(self, listeners: Sequence[str]) -> Access:
        """Let the API be answered where it is to be. ``listeners``: where mail is taken. Returns who lets people in."""
        config, world = self.assembly.config, self.assembly.world
        settings = config.api
        access = Access(
            settings=settings,
            own_name=config.hostname.ascii,
            tokens=TokenFile(world.disk, settings.tokens_file) if settings.tokens_file else None,
            own_ids=lambda: (os.geteuid(), os.getegid()),
            entropy=world.entropy,
        )
        api = Api(access=access, settings=config.http, given=self._routes(listeners, access))
        self.watch.answer_below(f"{PREFIX}/", api)
        self.watch.insight.health.refusal = access.refusal_to_read
        listener = await self._control_socket()
        if listener is not None:
            server = HttpServer(
                routes=self.watch.insight.health.routes(),
                trees={f"{PREFIX}/": api},
                settings=config.http,
                own_name=config.hostname.ascii,
            )
            self.watch.serve(server, listener)
        return access

    async def _control_socket(self) -> Listener | None:
        """Listen for commands. Mail does not depend on it, so a daemon without one runs, and says so."""
        path, world = self.assembly.config.api.control_socket, self.assembly.world
        try:
            await world.disk.make_directory(PurePath(path).parent)
            return await world.network.listen(UnixEndpoint(str(path), mode=_GROUP_MAY_CONNECT))
        except (DiskError, ListenFailed) as problem:
            _LOG.error("empathctl cannot reach this daemon: %s; api.control_socket names another path", problem)
            return None

    def _routes(self, listeners: Sequence[str], access: Access) -> tuple[Route, ...]:
        assembly, insight = self.assembly, self.watch.insight
        view = DaemonView(
            config=assembly.config,
            clock=assembly.world.clock,
            health=insight.health,
            recent=insight.recent,
            traffic=insight.traffic,
            is_frozen=lambda: bool(assembly.sending.control.rules(RuleKind.FREEZE)),
            places=lambda: (tuple(listeners), {name: str(place) for name, place in self.watch.sections.items()}),
            started=self.started,
            https=self.watch.https,
            needs_restart=lambda: tuple(one.key for one in self.reloader.pending),
            reload_problem=lambda: self.reloader.problem,
        )
        clock, sending, jobs = assembly.world.clock, assembly.sending, self._jobs()
        rooms = (
            DaemonRoutes(view=view, told=self._tell_deed, stop=self.stop),
            InjectionRoutes(
                injector=CurrentInjection(assembly),
                outcomes=insight.outcomes,
                max_message_size_bytes=assembly.config.api.max_message_size_bytes,
            ),
            MessageRoutes(
                view=MessageView(assembly.spool, clock),
                jobs=jobs,
                domains_of=self._domains_of,
                acted=self._tell_done,
            ),
            ActionRoutes(jobs=jobs, clock=clock, domains_of=self._domains_of),
            QueueRoutes(
                spool=assembly.spool,
                shape=ShapeView(spool=assembly.spool, clock=clock, lane_of=partial(_site_of, sending.dispatcher)),
            ),
            ServiceRoutes(
                draining=Draining(assembly),
                pool=sending.hosts.pool,
                examination=insight.health.examination,
                told=self._tell_deed,
            ),
            SpoolRoutes(spool=assembly.spool, clock=clock, told=self.watch.observe),
            LaneRoutes(explainer=sending.explainer, clock=clock),
            RuleRoutes(control=sending.control),
            DnsRoutes(
                resolver=assembly.world.resolver,
                cache=resolver if isinstance(resolver := assembly.world.resolver, DnsResolver) else None,
                told=self._tell_deed,
            ),
            OverrideRoutes(hops=NextHops(assembly)),
            ConfigRoutes(Reloading(self.reloader)),
            LogRoutes(self._levels(), self._tell_config),
            token_routes(assembly.config.api.tokens_file, assembly.world, access.tokens, self._tell_deed),
            CapturedRoutes(mail=self._captured()),
            GlanceRoutes(view=self._glance()),
            ContentRoutes(assembly.spool),
            history_routes(assembly.config, assembly.world, insight.audit),
        )
        shown = live_routes(assembly, self.watch, access, view=view, jobs=jobs)
        return (*(route for room in rooms for route in room.routes()), *shown)

    def _captured(self) -> CapturedMail:
        config, world = self.assembly.config, self.assembly.world
        return CapturedMail(
            disk=world.disk,
            offload=world.offload.own("captured", threads=1),
            directory=PurePath(config.spool_path) / CAPTURED,
        )

    def _glance(self) -> GlanceView:
        assembly, insight = self.assembly, self.watch.insight
        return GlanceView(
            clock=assembly.world.clock,
            health=insight.health,
            lately=insight.lately,
            lanes=assembly.sending.explainer.lanes,
            rules=assembly.sending.control.rules,
            certificates=lambda: assembly.encryption.certificates,
            reload_problem=lambda: self.reloader.problem,
            needs_restart=lambda: tuple(one.key for one in self.reloader.pending),
        )

    def _levels(self) -> Levels:
        levels = Levels()
        self.watch.keep("levels of the log", levels.run)
        return levels

    def _jobs(self) -> Jobs:
        assembly = self.assembly
        settings = assembly.config.api
        sending = assembly.sending
        hands = OperatorHands(
            spool=assembly.spool,
            control=sending.control,
            dismissal=lambda: Dismissal(sending.dispatcher.closing),
        )
        jobs = Jobs(
            hands=hands,
            clock=assembly.world.clock,
            undo_s=settings.undo_window_s,
            max_jobs=settings.max_jobs,
            told=self._tell_job,
            touched=self._tell_portion,
        )
        self.watch.keep("the jobs of operators", jobs.run)
        return jobs

    def _tell_job(self, job: Job) -> None:
        verb = f"undo {job.verb.value}" if job.state is State.UNDONE else job.verb.value
        by = job.undone_by or job.by
        self._tell(verb, job.shown, by=by, why=job.why, done=job.done, skipped=job.skipped, job=job)

    def _tell_portion(self, job: Job, verb: Verb, names: frozenset[DeliveryId], changed: Changed) -> None:
        """Tell of whom it was. What is retried is heard of again, and what is bounced is reported."""
        if verb not in (Verb.RETRY, Verb.BOUNCE):
            by, done, skipped = job.undone_by or job.by, changed.done, changed.skipped
            self._tell(verb.value, job.shown, by=by, why=job.why, done=done, skipped=skipped, job=job, names=names)

    def _tell_done(self, by: str, why: str, mid: str, done: Done, names: frozenset[DeliveryId]) -> None:
        self._tell(done.verb, mid, by=by, why=why, done=done.done, skipped=done.skipped, names=names)

    def _tell_deed(self, deed: Deed) -> None:
        self._tell(deed.verb, deed.selector, by=deed.by, why=deed.why, done=deed.count, skipped=0)

    def _tell_config(self, by: str, verb: str, what: str) -> None:
        self._tell(verb, what, by=by, why="", done=0, skipped=0)

    def _tell(
        self,
        verb: str,
        selector: str,
        *,
        by: str,
        why: str,
        done: int,
        skipped: int,
        job: Job | None = None,
        names: frozenset[DeliveryId] = frozenset(),
    ) -> None:
        self.watch.observe(
            OperatorActed(
                at=self.assembly.world.clock.now(),
                by=by,
                verb=verb,
                selector=selector,
                why=why,
                count=done,
                skipped=skipped,
                job=None if job is None else job.number,
                deliveries=tuple(map(str, sorted(names))),
            )
        )

    def _domains_of(self, lane: str) -> frozenset[str]:
        """The recipient domains of a lane."""
        delivery = self.assembly.config.delivery
        found = frozenset(domain for domain, name in site_names(delivery).items() if name == lane)
        if found:
            return found
        if ":" in lane or delivery.smart_host is not None:
            raise ValueError(f"the lane {lane} is a next hop, which domains do not name")
        return frozenset({lane.lower()})


def _site_of(dispatcher: Dispatcher, domain: str) -> str:
    """As configuration has it at the moment."""
    return dispatcher.site_of(domain)
