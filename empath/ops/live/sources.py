"""What the tables of the live topics are made of: the read model, and nothing of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping

import attrs
import trio
from attrs import frozen

from empath.delivery.explain import Explainer
from empath.ops.acting import Jobs
from empath.ops.health import Health
from empath.ops.live.hub import Source
from empath.ops.live.lane_rows import LaneRows
from empath.ops.live.tables import Row, Rows, row_of
from empath.ops.views import DaemonView
from empath.ops.views.jobs import job_view
from empath.ops.views.lanes import rule_view
from empath.ops.views.queue import queue_stats
from empath.policy.steering import OperatorRule

ALL = "all"
"""The key of the only row of a table that has one."""


@frozen(kw_only=True)
class Sources:
    """One function for each topic."""

    view: DaemonView
    health: Health
    explainer: Explainer
    rules: Callable[[], Iterable[OperatorRule]]
    jobs: Jobs

    def by_topic(self) -> Mapping[str, Source]:
        """Return them by the names of their topics."""
        lanes = LaneRows(self.explainer)
        return {
            "stats": self._stats,
            "queue": self._queue,
            "lanes": lanes.all,
            "breakers": lanes.broken,
            "rules": _at_once(lambda: {rule.id: row_of(rule_view(rule)) for rule in self.rules()}),
            "health": self._checks,
            "jobs": _at_once(lambda: {str(job.number): row_of(job_view(job)) for job in self.jobs.all()}),
        }

    async def _stats(self) -> Rows:
        return {ALL: row_of(await self.view.status())}

    async def _queue(self) -> Rows:
        """Without the moment, which is always new."""
        found = (await self.health.examination.condition()).queue
        if found is None:
            return {}
        row = row_of(queue_stats(found, 0.0))
        return {ALL: {name: value for name, value in row.items() if name != "now"}}

    async def _checks(self) -> Rows:
        return {check.name: _row(attrs.asdict(check)) for check in await self.health.checks()}


def _row(fields: Row) -> Row:
    return {name: value for name, value in fields.items() if value is not None}


def _at_once(rows: Callable[[], Rows]) -> Callable[[], Awaitable[Rows]]:
    async def source() -> Rows:
        await trio.lowlevel.checkpoint()
        return rows()

    return source
