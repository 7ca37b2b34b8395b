"""What each lane can still use, and which sites have deliveries set aside: what a claim has to know of the lanes.

A lane has room for half of its bound at a time, and none while more than half of it is taken: so what was set aside
comes back in portions. It has none either while it takes more than its share of the stock. A lane whose breaker is not
closed has room for its probes. All this is noted when it changes, and not asked of every lane in every claim; a site of
which nothing is noted takes all it gets. Sites are recalled in turn.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isinf

from attrs import define, field

from empath.delivery.lanes.lane import Lane
from empath.delivery.lanes.stock import Stock


@define(eq=False)
class Rooms:
    """See the module. Rooms are counted in jobs, which for one site are messages."""

    lane_room: int
    """How many jobs may wait in one lane."""
    stock: Stock
    _tight: dict[str, int] = field(init=False, factory=dict)
    """The sites whose lanes have another room than most."""
    _aside: set[str] = field(init=False, factory=set)
    _recallable: dict[str, None] = field(init=False, factory=dict)
    """Those that have both deliveries set aside and room for some; who has waited longest comes first."""

    @property
    def usual(self) -> int:
        """The room of a lane that takes all it gets."""
        return max(1, self.lane_room // 2)

    @property
    def tight(self) -> dict[str, int]:
        """The sites that have another room, as they are now."""
        return self._tight.copy()

    @property
    def recallable(self) -> tuple[str, ...]:
        """The sites that can use some of what was set aside for them, in turn."""
        return tuple(self._recallable)

    def takes_newcomers(self, sites: Iterable[str]) -> bool:
        """Whether all these sites take all they get, and nothing that is older was set aside for one of them."""
        if not (self._tight or self._aside):
            return True
        return not any(site in self._tight or site in self._aside for site in sites)

    def is_aside(self, site: str) -> bool:
        """Whether deliveries are set aside for this site."""
        return site in self._aside

    def is_tight(self, site: str) -> bool:
        """Whether the lane of this site takes less than others."""
        return site in self._tight

    def has_none(self, lane: Lane) -> bool:
        """Whether a lane must not get another job."""
        return self._left(lane) <= 0

    def _left(self, lane: Lane) -> float:
        return min(lane.room, self.lane_room - len(lane.backlog))

    def note(self, lane: Lane) -> None:
        """Something has changed about a lane: its backlog, or the state of its breaker."""
        queue = lane.backlog
        if not isinf(lane.room):
            self._tight[lane.site] = max(0, int(self._left(lane)))
        elif len(queue) > self.lane_room // 2 or self.stock.is_share(queue.deliveries, queue.size_bytes):
            self._tight[lane.site] = 0
        else:
            self._tight.pop(lane.site, None)
        self._weigh(lane.site)

    def note_fed(self, lane: Lane) -> None:
        """A lane has got a job: it is the turn of others."""
        self._recallable.pop(lane.site, None)
        self.note(lane)

    def forget(self, site: str) -> None:
        """There is no lane for this site any more."""
        self._tight.pop(site, None)
        self._weigh(site)

    def set_aside(self, sites: frozenset[str], *, none_left: frozenset[str] = frozenset()) -> None:
        """Deliveries were set aside for ``sites``, and nothing is any more for ``none_left``."""
        self._aside -= none_left
        self._aside |= sites
        for site in sorted(sites | none_left):  # in the same order in every run of a simulation
            self._weigh(site)

    def _weigh(self, site: str) -> None:
        if site in self._aside and self._tight.get(site, self.usual) > 0:
            self._recallable.setdefault(site)
        else:
            self._recallable.pop(site, None)
