"""Lanes, and why mail waits: ``/lanes``, ``/explain``, ``/messages/{mid}/explain``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Final, Literal

import msgspec
import trio
from attrs import frozen

from empath.delivery.explain import Explainer
from empath.mail.ids import MessageId
from empath.ops.api.reading import Nothing
from empath.ops.api.route import Call, Route, get
from empath.ops.api.selecting import message_id, no_message
from empath.ops.api.tokens import Scope
from empath.ops.views.explanations import Explanation, address_story, story
from empath.ops.views.lanes import LaneDetails, LaneList, LaneView, lane_details, lane_view
from empath.smtp.address import Address
from empath.smtp.errors import AddressError
from empath.world.ports import Clock


class LaneQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which lanes, and in which order."""

    state: str | None = None
    sort: Literal["queued", "oldest", "rate", "connections", "lane"] = "queued"
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 1000


class ExplainQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to explain."""

    about: Annotated[str, msgspec.Meta(min_length=1, max_length=320)]
    """The name of a message, an address, or a lane."""


_SORTS: Final[Mapping[str, Callable[[LaneView], float]]] = {
    "queued": lambda lane: -lane.queued,
    "oldest": lambda lane: -(lane.oldest_s or 0.0),
    "rate": lambda lane: -lane.rate_per_s,
    "connections": lambda lane: -lane.connections,
    "lane": lambda _: 0.0,
}


@frozen(kw_only=True)
class LaneRoutes:
    """See the module."""

    explainer: Explainer
    clock: Clock

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            get("/lanes", self._list, Scope.READ),
            get("/lanes/{lane}", self._one, Scope.READ),
            get("/explain", self._explain, Scope.READ),
            get("/messages/{mid}/explain", self._explain_message, Scope.READ),
        )

    async def _list(self, call: Call[LaneQuery, Nothing]) -> LaneList:
        """List the lanes that have work, or of which something is known."""
        await trio.lowlevel.checkpoint()
        query = call.query
        lanes = [lane_view(row) for row in self.explainer.lanes() if query.state in (None, row.state)]
        lanes.sort(key=lambda lane: (_SORTS[query.sort](lane), lane.lane))
        return LaneList(lanes=tuple(lanes[: query.limit]))

    async def _one(self, call: Call[Nothing, Nothing]) -> LaneDetails:
        """Show all that is known of a lane. One that does not exist is shown as it would be made."""
        return lane_details(await self.explainer.lane(call.names["lane"]))

    async def _explain(self, call: Call[ExplainQuery, Nothing]) -> Explanation:
        """Say why a message or a lane waits, or what would become of a message to an address now."""
        about, now = call.query.about, self.clock.now()
        try:
            return await self._message(MessageId.parse(about))
        except ValueError:
            pass
        try:
            address = Address.parse(about)
        except AddressError:
            lane = lane_details(await self.explainer.lane(about))
            return Explanation(about="lane", name=about, now=now, lane=lane)
        return address_story(await self.explainer.address(address), now)

    async def _explain_message(self, call: Call[Nothing, Nothing]) -> Explanation:
        """Say why the deliveries of a message wait."""
        return await self._message(message_id(call.names["mid"]))

    async def _message(self, mid: MessageId) -> Explanation:
        found, now = await self.explainer.message(mid), self.clock.now()
        if not found:
            raise no_message(str(mid))
        stories = tuple([story(one, now) for one in found])
        return Explanation(about="message", name=str(mid), now=now, deliveries=stories)
