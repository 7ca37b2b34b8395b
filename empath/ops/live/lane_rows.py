"""The tables of lanes. They can be long, so they are made a portion at a time, and what has not changed is kept."""

from __future__ import annotations

from typing import Final

import trio
from attrs import define, field

from empath.delivery.explain import Explainer, LaneRow
from empath.ops.live.tables import Row, Rows, row_of
from empath.ops.views.lanes import lane_view

_PORTION: Final = 500
"""Lanes after which others have a turn: a frame of very many must not hold up the mail."""


@define(eq=False)
class LaneRows:
    """Makes them."""

    _explainer: Explainer
    _shown: dict[str, tuple[LaneRow, Row]] = field(init=False, factory=dict)
    """What was made of each lane. Where there are very many most of them rest, and their rows stay the same."""

    async def all(self) -> Rows:
        """One row for each lane."""
        shown: dict[str, tuple[LaneRow, Row]] = {}
        for number, lane in enumerate(self._explainer.each_lane()):
            if number % _PORTION == 0:
                await trio.lowlevel.checkpoint()
            before = self._shown.get(lane.site)
            shown[lane.site] = before if before is not None and before[0] is lane else (lane, row_of(lane_view(lane)))
        self._shown = shown
        return {site: row for site, (_, row) in shown.items()}

    async def broken(self) -> Rows:
        """One for each lane whose breaker is not closed."""
        rows = {}
        for number, lane in enumerate(self._explainer.each_lane()):
            if number % _PORTION == 0:
                await trio.lowlevel.checkpoint()
            if lane.breaker != "closed":
                rows[lane.site] = row_of(lane_view(lane))
        return rows
