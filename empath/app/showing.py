"""What lets operators watch a worker as it works: the tables of the live topics, and who may look at them."""

from __future__ import annotations

from functools import partial

import empath
from empath.app.assembly import Assembly
from empath.app.watch import Watch
from empath.delivery.lanes.dispatcher import Dispatcher
from empath.ops.acting import Jobs
from empath.ops.api import Access, Route
from empath.ops.api.routes.live import WatchingRoutes
from empath.ops.api.routes.login import LoginRoutes
from empath.ops.live import Live
from empath.ops.live.dialogues import TraceTopic
from empath.ops.live.sources import Sources
from empath.ops.views import DaemonView


def live_routes(assembly: Assembly, watch: Watch, access: Access, *, view: DaemonView, jobs: Jobs) -> tuple[Route, ...]:
    """Return the routes for logging in and for watching. The hub is kept running from now on."""
    hub, clock, config, sending = watch.insight.hub, assembly.world.clock, assembly.config, assembly.sending
    sources = Sources(
        view=view, health=watch.insight.health, explainer=sending.explainer, rules=sending.control.rules, jobs=jobs
    )
    hub.show(sources.by_topic())
    hub.trace = TraceTopic(
        settings=config.api.live,
        tap=assembly.tap,
        now=clock.now,
        lane_of=partial(_lane_of, sending.dispatcher),
    )
    watch.keep("the live tables", hub.run)
    live = Live(
        hub=hub,
        facts={"node": str(config.hostname), "version": empath.__version__},
        now=clock.now,
        still_holds=access.holds,
        messages_per_s=config.api.rate_limit.per_second,
    )
    login = LoginRoutes(access=access, clock=clock, told=watch.observe)
    return (*login.routes(), *WatchingRoutes(access=access, live=live).routes())


def _lane_of(dispatcher: Dispatcher, domain: str) -> str:
    """As configuration has it at the moment."""
    return dispatcher.site_of(domain)
