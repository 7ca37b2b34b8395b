"""The mail that is here: a list, one message, and what can be done to one at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import msgspec
from attrs import frozen

from empath.mail.ids import DeliveryId
from empath.mail.quoting import plain
from empath.ops.acting import Jobs, Verb
from empath.ops.api.problems import Code, Problem
from empath.ops.api.reading import Nothing
from empath.ops.api.route import Call, Route, get, route
from empath.ops.api.selecting import DomainsOf, Selection, message_id, no_message, selector_of
from empath.ops.api.tokens import Scope
from empath.ops.views.messages import DeliveryList, Message, MessageView
from empath.spool.contract import Selector


class MessageQuery(Selection, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which deliveries, and how many at a time."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    cursor: str | None = None
    """From the page before."""


class Reason(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why somebody does it."""

    reason: str = ""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, exactly."""

    schema: Literal["empath.done/1"] = "empath.done/1"
    verb: str
    done: int
    skipped: int
    """Deliveries of the message that it could not be done to."""


@frozen(kw_only=True)
class MessageRoutes:
    """``/messages``. Handing one in stands in `injection`."""

    view: MessageView
    jobs: Jobs
    domains_of: DomainsOf
    acted: Callable[[str, str, str, Done, frozenset[DeliveryId]], None]
    """Told of what was done: by whom, why, to which message, with what result, to which deliveries."""

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            get("/messages", self._list, Scope.READ),
            get("/messages/{mid}", self._one, Scope.READ),
            route("POST", "/messages/{mid}/retry", self._retry, Scope.OPERATE),
            route("POST", "/messages/{mid}/hold", self._hold, Scope.OPERATE),
            route("POST", "/messages/{mid}/release", self._release, Scope.OPERATE),
            route("POST", "/messages/{mid}/undelete", self._undelete, Scope.OPERATE),
            route("DELETE", "/messages/{mid}", self._delete, Scope.OPERATE),
        )

    async def _list(self, call: Call[MessageQuery, Nothing]) -> DeliveryList:
        """List deliveries, the oldest message first."""
        query = call.query
        selector = selector_of(query, now=self.view.clock.now(), domains_of=self.domains_of)
        try:
            return await self.view.page(selector, cursor=query.cursor, limit=query.limit)
        except ValueError as error:
            why, remedy = "a cursor is good until the daemon is restarted", "begin again without one"
            raise Problem(422, Code.QUERY, f"the cursor cannot be used: {error}", why=why, remedy=remedy) from None

    async def _one(self, call: Call[Nothing, Nothing]) -> Message:
        """Show one message, with its deliveries that are still here."""
        mid = message_id(call.names["mid"])
        found = await self.view.message(mid)
        if found is None:
            raise no_message(str(mid))
        return found

    async def _retry(self, call: Call[Nothing, Reason]) -> Done:
        """Make a message due now. All limits hold as before."""
        return await self._act(Verb.RETRY, call, call.content.reason)

    async def _hold(self, call: Call[Nothing, Reason]) -> Done:
        """Put a message on hold."""
        return await self._act(Verb.HOLD, call, call.content.reason)

    async def _release(self, call: Call[Nothing, Reason]) -> Done:
        """Let a message go on that is on hold."""
        return await self._act(Verb.RELEASE, call, call.content.reason)

    async def _undelete(self, call: Call[Nothing, Reason]) -> Done:
        """Bring a message back from the trash."""
        return await self._act(Verb.UNDELETE, call, call.content.reason)

    async def _delete(self, call: Call[Reason, Nothing]) -> Done:
        """Move a message to the trash. Nobody is told."""
        return await self._act(Verb.DELETE, call, call.query.reason)

    async def _act(self, verb: Verb, call: Call[Nothing, Reason] | Call[Reason, Nothing], why: str) -> Done:
        mid = message_id(call.names["mid"])
        rows = await self.view.rows(mid)
        if not rows:
            raise no_message(str(mid))
        ids = frozenset(row.id for row in rows if verb.is_for(row))
        if not ids:
            words = ", ".join(sorted({"deleted" if row.is_deleted else row.status.value for row in rows}))
            raise Problem(
                409,
                Code.SETTLED,
                f"{verb.value} is nothing that can be done to {mid} now",
                why=f"its deliveries are: {words}",
                remedy=f"look again with `empathctl queue view {mid}`",
            )
        selector = Selector(ids=frozenset(ids), in_trash=verb is Verb.UNDELETE)
        why = plain(why, utf8=True)
        changed = await self.jobs.act(verb, selector, by=call.who.name, why=why)
        done = Done(verb=verb.value, done=changed.done, skipped=len(rows) - changed.done)
        self.acted(call.who.name, why, str(mid), done, ids)
        return done
