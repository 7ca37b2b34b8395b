"""The configuration that runs: ``/config``."""

from __future__ import annotations

import trio
from attrs import frozen

from empath.config.schema import Config
from empath.ops.api.reading import Nothing
from empath.ops.api.route import Answer, Call, Route, get
from empath.ops.api.tokens import Scope
from empath.ops.views.settings import ConfigView, config_view


@frozen
class ConfigRoutes:
    """See the module."""

    _config: Config

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (get("/config", self._show, Scope.READ),)

    async def _show(self, call: Call[Nothing, Nothing]) -> Answer[ConfigView]:
        """Show every key with the value that holds."""
        await trio.lowlevel.checkpoint()
        view = config_view(self._config)
        return Answer(view, 200, {"ETag": f'"{view.hash}"'})
