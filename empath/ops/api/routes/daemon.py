"""The daemon as a whole: how it is, what it is, and its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
import trio
from attrs import frozen

from empath.ops.acting import Deed, Told
from empath.ops.api.reading import Nothing, Why
from empath.ops.api.route import Call, Route, get, route
from empath.ops.api.tokens import Scope
from empath.ops.views.status import DaemonView, Status, Version


class Stopping(msgspec.Struct, frozen=True, kw_only=True):
    """The end has begun."""

    schema: Literal["empath.stop/1"] = "empath.stop/1"
    grace_s: float
    """How long what is under way may take."""


@frozen(kw_only=True)
class DaemonRoutes:
    """``/status``, ``/version``, ``/stop``."""

    view: DaemonView
    told: Told
    stop: Callable[[], None]
    """Begins the end, or if that has begun: hastens it."""

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            get("/status", self._status, Scope.READ),
            get("/version", self._version, Scope.READ),
            route("POST", "/stop", self._stop, Scope.ADMIN, status=202),
        )

    async def _status(self, call: Call[Nothing, Nothing]) -> Status:
        """Show the daemon at a glance."""
        return await self.view.status()

    async def _version(self, call: Call[Nothing, Nothing]) -> Version:
        """Say what runs here."""
        await trio.lowlevel.checkpoint()
        return self.view.version()

    async def _stop(self, call: Call[Why, Nothing]) -> Stopping:
        """End the daemon in good order, as SIGTERM does.

        It takes nothing in any more, and what is under way may go on for shutdown.grace. A second time ends it at once.
        """
        await trio.lowlevel.checkpoint()
        self.told(Deed(verb="stop", selector="the daemon", by=call.who.name, why=call.query.words))
        self.stop()
        return Stopping(grace_s=self.view.config.shutdown.grace_s)
