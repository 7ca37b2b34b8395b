"""The configuration that runs, and how it is read again: ``/config``."""

from __future__ import annotations

from typing import Protocol

import trio
from attrs import frozen

from empath.ops.api.reading import Nothing
from empath.ops.api.route import Answer, Call, Route, get, route
from empath.ops.api.tokens import Scope
from empath.ops.views.settings import ConfigView, ReloadView


class Configuration(Protocol):
    """Who reads the configuration."""

    def show(self) -> ConfigView:
        """What runs."""

    async def check(self) -> ReloadView:
        """Read it, and change nothing. Raises Problem."""

    async def reload(self, by: str, *, expected: str | None) -> ReloadView:
        """Read it, and let it hold, if ``expected`` is None or the hash of what runs. Raises Problem."""


@frozen
class ConfigRoutes:
    """See the module."""

    _configuration: Configuration

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            get("/config", self._show, Scope.READ),
            route("POST", "/config/check", self._check, Scope.ADMIN),
            route("POST", "/config/reload", self._reload, Scope.ADMIN),
        )

    async def _show(self, call: Call[Nothing, Nothing]) -> Answer[ConfigView]:
        """Show every key with the value that holds."""
        await trio.lowlevel.checkpoint()
        view = self._configuration.show()
        return Answer(view, 200, {"ETag": f'"{view.hash}"'})

    async def _check(self, call: Call[Nothing, Nothing]) -> ReloadView:
        """Read the configuration, and say what a reload would come to. Nothing changes."""
        return await self._configuration.check()

    async def _reload(self, call: Call[Nothing, Nothing]) -> Answer[ReloadView]:
        """Read the configuration again, and let it hold: all that needs no restart, or nothing if there is a fault.

        With If-Match, the ETag of /config, only if that is what runs.
        """
        wanted = call.request.fields.get("if-match", "*").strip()
        expected = None if wanted == "*" else wanted.removeprefix("W/").strip('"')
        view = await self._configuration.reload(call.who.name, expected=expected)
        return Answer(view, 200, {"ETag": f'"{view.hash}"'})
