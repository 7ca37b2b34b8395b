"""What was: ``/history`` and the attempts of a message, out of the audit log."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from attrs import frozen

from empath.config.units import UnitError, parse_duration
from empath.ops.api.problems import Code, Problem
from empath.ops.api.reading import Nothing
from empath.ops.api.route import Call, Route, get
from empath.ops.api.selecting import message_id
from empath.ops.api.tokens import Scope
from empath.ops.audit.history import Found, History
from empath.ops.views.history import AttemptList, HistoryView, attempt_list, history_view
from empath.world.errors import DiskError
from empath.world.ports import Clock

_OF_AN_ADDRESS_S: Final = 7 * 86_400.0


class HistoryQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of what, and from when on."""

    of: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    """An address, of a sender or a recipient, or the name of a message."""
    since: str | None = None
    """A duration: not longer ago than this; None: of an address 7 days, of a message all there is."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100
    """How many deliveries, the newest."""


@frozen(kw_only=True)
class HistoryRoutes:
    """See the module."""

    history: History | None
    """None: there is no audit log."""
    hides_addresses: bool
    """Whether the log has no part of an address by which one could be found."""
    clock: Clock

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            get("/history", self._history, Scope.READ),
            get("/messages/{mid}/attempts", self._attempts, Scope.READ),
        )

    async def _history(self, call: Call[HistoryQuery, Nothing]) -> HistoryView:
        """Tell what became of the mail of an address, or of one message, also if it is long gone."""
        query = call.query
        found = await self._found(query.of, self._begin(query))
        return history_view(found, limit=query.limit, hidden=self.hides_addresses)

    def _begin(self, query: HistoryQuery) -> float:
        """From when on is looked."""
        if query.since is None:
            return self.clock.now() - _OF_AN_ADDRESS_S if "@" in query.of else 0.0
        try:
            return self.clock.now() - parse_duration(query.since)
        except UnitError as error:
            why, remedy = "nobody knows how far back to look", "write it like 30m, 4h or 7d"
            raise Problem(422, Code.QUERY, str(error), why=why, remedy=remedy) from None

    async def _attempts(self, call: Call[Nothing, Nothing]) -> AttemptList:
        """List the attempts of a message, also if it is long gone. There need be none."""
        mid = str(message_id(call.names["mid"]))
        return attempt_list(mid, await self._found(mid, 0.0))

    async def _found(self, asked: str, since: float) -> Found:
        if self.history is None:
            why, remedy = "audit.enabled is off, so nobody has written it down", "turn it on for the future"
            raise Problem(409, Code.NO_AUDIT, "there is no audit log", why=why, remedy=remedy)
        try:
            return await self.history.find(asked, since=since)
        except DiskError as problem:
            why, remedy = "the directory of audit.log_path cannot be read", "look after that disk; mail goes on"
            raise Problem(503, Code.AUDIT_UNREADABLE, str(problem), why=why, remedy=remedy) from problem
