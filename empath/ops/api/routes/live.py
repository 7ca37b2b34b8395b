"""Watching: ``/live`` becomes a websocket, ``/live/tickets`` opens it for a page, ``/events`` has the latest events."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

import msgspec
import trio
from attrs import frozen

from empath.ops.api.access import Access
from empath.ops.api.passes import Principal
from empath.ops.api.problems import Code, Problem
from empath.ops.api.reading import Nothing
from empath.ops.api.route import Call, Route, get, route
from empath.ops.api.tokens import Scope
from empath.ops.http import Request, Response
from empath.ops.live import SUBPROTOCOL, Filter, Live
from empath.world.endpoint import UnixEndpoint


class LiveQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a page shows that it may."""

    ticket: str = ""


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """What opens one websocket."""

    schema: Literal["empath.ticket/1"] = "empath.ticket/1"
    ticket: str
    expires_in_s: float


class EventQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events. A star in a text stands for anything."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100
    type: tuple[str, ...] = ()
    outcome: tuple[str, ...] = ()
    domain: tuple[str, ...] = ()
    lane: tuple[str, ...] = ()
    sender: tuple[str, ...] = ()
    mid: tuple[str, ...] = ()


class EventList(msgspec.Struct, frozen=True, kw_only=True):
    """The latest events, the oldest first."""

    schema: Literal["empath.events/1"] = "empath.events/1"
    # Records of the audit log, whose fields differ from event to event.
    events: tuple[dict[str, Any], ...]


@frozen(kw_only=True)
class WatchingRoutes:
    """See the module."""

    access: Access
    live: Live

    def routes(self) -> tuple[Route, ...]:
        """The routes of this room."""
        return (
            get("/live", self._open, None),
            route("POST", "/live/tickets", self._ticket, Scope.READ),
            get("/events", self._events, Scope.READ),
        )

    async def _open(self, call: Call[LiveQuery, Nothing]) -> Response:
        """Become a websocket that speaks empath.live.v1.

        It needs the scope read. A page shows its cookie or a ticket, and is of this site or of one in
        api.allowed_origins; others show a token.
        """
        request = call.request
        who = await self._who(request, call.query.ticket)
        missing = _missing(request)
        if missing:
            raise Problem(
                426,
                Code.NO_UPGRADE,
                f"{missing} is missing",
                why="this path speaks a websocket (RFC 6455) with the subprotocol empath.live.v1",
                remedy="use a websocket client, or `empathctl live`; GET /api/v1/status and /lanes answer at once",
                fields={"Upgrade": "websocket", "Connection": "Upgrade"},
            )
        if self.live.hub.is_full:
            most = self.live.hub.settings.max_viewers
            raise Problem(
                503,
                Code.TOO_MANY_VIEWERS,
                "too many watch already",
                why=f"api.live.max_viewers lets {most} watch at a time",
                remedy="close a page that shows the dashboard, or raise that key",
                fields={"Retry-After": "10"},
            )
        return Response(takeover=partial(self.live.serve, who=who))

    async def _who(self, request: Request, ticket: str) -> Principal:
        """Who wants to watch. Raises Problem."""
        by_token = isinstance(request.peer, UnixEndpoint) or (not ticket and "authorization" in request.fields)
        if not isinstance(request.peer, UnixEndpoint):
            self.access.check_origin(request, needed=not by_token)
        if not ticket:
            return await self.access.principal(request, Scope.READ)
        await trio.lowlevel.checkpoint()
        who = self.access.passes.redeem_ticket(ticket)
        if who is None:
            why, remedy = "a ticket is valid once, and for moments only", "POST /api/v1/live/tickets makes another"
            raise Problem(401, Code.NAMELESS, "the ticket is not valid", why=why, remedy=remedy)
        return who

    async def _ticket(self, call: Call[Nothing, Nothing]) -> Ticket:
        """Make a ticket, with which a page can open the websocket once, within moments."""
        await trio.lowlevel.checkpoint()
        settings = self.live.hub.settings
        return Ticket(ticket=self.access.passes.ticket(call.who), expires_in_s=settings.ticket_time_s)

    async def _events(self, call: Call[EventQuery, Nothing]) -> EventList:
        """List the latest events that are remembered; the audit log has all of them."""
        await trio.lowlevel.checkpoint()
        asked = msgspec.structs.asdict(call.query)
        limit = asked.pop("limit")
        wanted = Filter.of({name: list(values) for name, values in asked.items() if values})
        return EventList(events=tuple(self.live.hub.events.latest(wanted, limit)))


def _missing(request: Request) -> str:
    """What a request lacks to become a websocket (RFC 6455 4.2.1); empty: nothing."""
    fields = request.fields
    if "content-length" in fields or "transfer-encoding" in fields or request.method != "GET":
        return "a plain GET without content"
    if "websocket" not in _words(fields.get("upgrade", "")) or "upgrade" not in _words(fields.get("connection", "")):
        return "Upgrade: websocket"
    if fields.get("sec-websocket-version") != "13" or not fields.get("sec-websocket-key"):
        return "Sec-WebSocket-Version: 13 with its key"
    if SUBPROTOCOL not in _words(fields.get("sec-websocket-protocol", "")):
        return f"Sec-WebSocket-Protocol: {SUBPROTOCOL}"
    return ""


def _words(text: str) -> set[str]:
    return {word.strip().lower() for word in text.split(",")}
