"""The queue in figures: how much there is of what, and how old it is by lane."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Final, Literal

import msgspec
from attrs import frozen

from empath.mail.delivery import FINAL
from empath.ops.views.messages import Finder
from empath.spool.contract import EVERYTHING, Statistics
from empath.world.ports import Clock

BOUNDS_S: Final = (60.0, 300.0, 900.0, 3600.0, 14_400.0)
"""The ages at which a column of the shape ends; the last one has no end."""
_PORTION: Final = 1000
_MAX_ROWS: Final = 10_000


class QueueStats(msgspec.Struct, frozen=True, kw_only=True):
    """How much there is, by status."""

    schema: Literal["empath.queue/1"] = "empath.queue/1"
    now: float
    messages: int
    pending: int
    in_progress: int
    retry: int
    held: int
    uncertain: int
    failed: int
    expired: int
    deleted: int
    """In the trash."""
    quarantined: int
    """Of messages that are damaged."""


class ShapeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One lane, by age."""

    lane: str
    total: int
    counts: tuple[int, ...]
    """One for each age."""


class QueueShape(msgspec.Struct, frozen=True, kw_only=True):
    """Deliveries that have not ended, by lane and age."""

    schema: Literal["empath.shape/1"] = "empath.shape/1"
    now: float
    bounds_s: tuple[float, ...]
    """Where each age ends, but for the last, which has no end."""
    rows: tuple[ShapeRow, ...]
    """The largest first."""


def queue_stats(found: Statistics, now: float) -> QueueStats:
    """The figures of a spool, for people."""
    return QueueStats(
        now=now,
        messages=found.messages,
        pending=found.pending,
        in_progress=found.claimed,
        retry=found.retry,
        held=found.held,
        uncertain=found.uncertain,
        failed=found.failed,
        expired=found.expired,
        deleted=found.deleted,
        quarantined=found.quarantined,
    )


@frozen(kw_only=True)
class ShapeView:
    """Makes the shape. It looks at all that is here, in portions between which others have their turn."""

    spool: Finder
    clock: Clock
    lane_of: Callable[[str], str]
    """The lane of a recipient domain."""

    async def shape(self) -> QueueShape:
        """See `QueueShape`."""
        counts: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(BOUNDS_S) + 1))
        cursor, now = None, self.clock.now()
        while True:
            page = await self.spool.find(EVERYTHING, now=now, cursor=cursor, limit=_PORTION)
            for row in page.rows:
                if row.status not in FINAL:
                    age_s = now - row.received
                    counts[self.lane_of(row.domain)][sum(age_s >= bound for bound in BOUNDS_S)] += 1
            if (cursor := page.cursor) is None:
                break
        rows = [ShapeRow(lane=lane, total=sum(ages), counts=tuple(ages)) for lane, ages in counts.items()]
        rows.sort(key=lambda row: (-row.total, row.lane))
        return QueueShape(now=now, bounds_s=BOUNDS_S, rows=tuple(rows[:_MAX_ROWS]))
