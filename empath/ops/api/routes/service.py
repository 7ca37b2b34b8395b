"""In and out of service: ``/drain``, and the connections to next hops, ``/pool``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Protocol

import msgspec
import trio
from attrs import frozen

from empath.delivery.explain import Pooled
from empath.mail.quoting import plain
from empath.ops.acting import Deed, Told
from empath.ops.api.problems import Code, Problem
from empath.ops.api.reading import Nothing, Why
from empath.ops.api.route import Call, Route, get, route
from empath.ops.api.tokens import Scope
from empath.ops.condition import Examination
from empath.ops.views.connections import ConnectionList, DrainView, connection_view, drain_view
from empath.policy.steering import OperatorRule


class Draining(Protocol):
    """Who takes the daemon out of service, and back."""

    @property
    def rule(self) -> OperatorRule | None:
        """The drain that is in force."""

    @property
    def sessions(self) -> int:
        """Sessions that are open."""

    @property
    def jobs(self) -> int:
        """Deliveries that are being attempted, while it is drained."""

    async def begin(self, *, by: str, why: str) -> OperatorRule:
        """Drain."""

    async def end(self, *, by: str, why: str = "") -> bool:
        """Go on; whether there was anything to undo."""


class Pool(Protocol):
    """The connections that are open."""

    def __iter__(self) -> Iterator[Pooled]:
        """All of them."""

    def close(self, *, site: str | None = None, host: str | None = None) -> int:
        """Close some of them when they are idle; how many."""


class DrainReason(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why."""

    reason: str = ""


class PoolQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which connections."""

    lane: str | None = None
    host: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1000


class PoolChoice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"everything": "all"}):
    """Which connections are to be closed. One of the three must be said."""

    lane: str | None = None
    host: str | None = None
    everything: bool = False
    dry_run: bool = False


class Closed(msgspec.Struct, frozen=True, kw_only=True):
    """How many are closed, or would be."""

    schema: Literal["empath.pool-closed/1"] = "empath.pool-closed/1"
    count: int


@frozen(kw_only=True)
class ServiceRoutes:
    """See the module."""

    draining: Draining
    pool: Pool
    examination: Examination
    told: Told

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            get("/drain", self._drain, Scope.READ),
            route("PUT", "/drain", self._begin, Scope.ADMIN),
            route("DELETE", "/drain", self._end, Scope.ADMIN),
            get("/pool", self._connections, Scope.READ),
            route("POST", "/pool/close", self._close, Scope.OPERATE),
        )

    async def _drain(self, call: Call[Nothing, Nothing]) -> DrainView:
        """Say whether the daemon is drained, and what is still under way."""
        return await self._view()

    async def _begin(self, call: Call[Nothing, DrainReason]) -> DrainView:
        """Take nothing more in, attempt nothing more, and let what is under way come to its end.

        Clients are answered 421 4.3.2. It lasts until it is undone, or the daemon ends.
        """
        await self.draining.begin(by=call.who.name, why=plain(call.content.reason, utf8=True))
        return await self._view()

    async def _end(self, call: Call[Why, Nothing]) -> DrainView:
        """Take and send mail again."""
        await self.draining.end(by=call.who.name, why=call.query.words)
        return await self._view()

    async def _view(self) -> DrainView:
        queue = (await self.examination.condition()).queue
        waiting = None if queue is None else queue.waiting
        found = self.draining
        return drain_view(found.rule, self.pool, sessions=found.sessions, deliveries=found.jobs, waiting=waiting)

    async def _connections(self, call: Call[PoolQuery, Nothing]) -> ConnectionList:
        """List the connections to next hops that are open, the oldest first."""
        await trio.lowlevel.checkpoint()
        wanted = call.query
        found = [one for one in self.pool if wanted.lane in (None, one.site) and wanted.host in (None, one.host)]
        return ConnectionList(connections=tuple(map(connection_view, found[: wanted.limit])))

    async def _close(self, call: Call[Why, PoolChoice]) -> Closed:
        """Close connections to next hops. A message that is under way comes to its end first."""
        await trio.lowlevel.checkpoint()
        said = call.content
        if not said.everything and said.lane is None and said.host is None:
            why, remedy = "a choice that was forgotten would mean all of them", 'say "lane", "host" or "all": true'
            raise Problem(422, Code.EMPTY_SELECTOR, "nothing was chosen", why=why, remedy=remedy)
        if said.dry_run:
            chosen = [one for one in self.pool if said.lane in (None, one.site) and said.host in (None, one.host)]
            return Closed(count=len(chosen))
        count = self.pool.close(site=said.lane, host=said.host)
        chosen_by = {"lane": said.lane, "host": said.host}
        shown = " ".join(f"{name} {value}" for name, value in chosen_by.items() if value is not None)
        self.told(
            Deed(verb="close connections", selector=shown or "all", by=call.who.name, why=call.query.words, count=count)
        )
        return Closed(count=count)
