"""What the dashboard shows beside the lanes: ``/recent`` and ``/attention``."""

from __future__ import annotations

import trio
from attrs import frozen

from empath.ops.api.reading import Nothing
from empath.ops.api.route import Call, Route, get
from empath.ops.api.tokens import Scope
from empath.ops.views.glance import Attention, GlanceView, RecentView


@frozen(kw_only=True)
class GlanceRoutes:
    """See the module."""

    view: GlanceView

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            get("/recent", self._recent, Scope.READ),
            get("/attention", self._attention, Scope.READ),
        )

    async def _recent(self, call: Call[Nothing, Nothing]) -> RecentView:
        """Show how the latest attempts ended, and how long their stages took."""
        await trio.lowlevel.checkpoint()
        return self.view.recent()

    async def _attention(self, call: Call[Nothing, Nothing]) -> Attention:
        """List what needs somebody, the worst first."""
        return await self.view.attention()
