"""The queue in figures: ``/queue`` and ``/queue/shape``."""

from __future__ import annotations

from typing import Protocol

from attrs import frozen

from empath.ops.api.reading import Nothing
from empath.ops.api.route import Call, Route, get
from empath.ops.api.tokens import Scope
from empath.ops.views.queue import QueueShape, QueueStats, ShapeView, queue_stats
from empath.spool.contract import Statistics


class Counted(Protocol):
    """What a spool counts."""

    async def statistics(self) -> Statistics:
        """Count."""


@frozen(kw_only=True)
class QueueRoutes:
    """See the module."""

    spool: Counted
    shape: ShapeView

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            get("/queue", self._stats, Scope.READ),
            get("/queue/shape", self._shape, Scope.READ),
        )

    async def _stats(self, call: Call[Nothing, Nothing]) -> QueueStats:
        """Count what is in the spool, by status."""
        return queue_stats(await self.spool.statistics(), self.shape.clock.now())

    async def _shape(self, call: Call[Nothing, Nothing]) -> QueueShape:
        """Count what waits, by lane and age."""
        return await self.shape.shape()
