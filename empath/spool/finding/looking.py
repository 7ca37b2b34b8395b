"""Going through the rows that conditions are met by, in the order of all deliveries and a bounded number at a time."""

from __future__ import annotations

from sys import maxsize
from typing import Any, Final, Protocol

from attrs import define

from empath.spool.contract import DeliveryKey, Row, Selector
from empath.spool.finding.ages import Ages
from empath.spool.finding.conditions import ALL, Condition, Hints, conditions_of
from empath.spool.finding.replies import like
from empath.spool.store import Look

LOOK: Final = 500
"""How many rows one look goes through: some milliseconds."""
WIDE: Final = 10_000
"""How many rows one look lets the store go through, which compares their replies with a part of a pattern."""
_LEAST: Final = 10
"""Rows for each condition, however many there are."""

Columns = tuple[Any, ...]
"""Of a row. The first two are message and ordinal; of what the others are, `Lookups.row` knows."""
Place = tuple[int, int]
"""The message and ordinal of a delivery, in the order of all."""


class Lookups(Hints, Protocol):
    """The rows of a store."""

    def rows(self, condition: Condition, place: Place, most: int) -> list[Columns]:
        """The first so many rows behind a place that meet a condition, in their order."""

    def reach(self, place: Place, rows: int) -> Place | None:
        """The place of the row that comes so many behind a place; None: there are not so many."""

    def said(self, like: str, place: Place, last: Place, most: int) -> list[Columns]:
        """The first so many rows behind a place, up to another one, whose reply is like this or is not known in full.

        See ``replies.like`` and ``replies.kept``.
        """

    def is_listed(self, condition: Condition) -> bool:
        """Whether only what is listed can be looked up by it."""

    def row(self, columns: Columns) -> Row | None:
        """The row; None: its name is damaged. Looking after the spool finds such a one, and nobody can name it."""


@define(eq=False)
class Finder:
    """See the package."""

    _lookups: Lookups
    _ages: Ages

    def look(
        self, selector: Selector, *, now: float, after: DeliveryKey | None, limit: int, listed: int = maxsize
    ) -> Look:
        """See ``store.Store.find``. ``listed``: up to which message all rows are listed."""
        place = (-1, 0) if after is None else (after.message, after.ordinal)
        first = self._ages.next(selector, max(0, place[0]))
        if first is None:
            return Look([], None)
        if first > max(0, place[0]):
            place = (first, -1)
        most = min(LOOK, limit + 1) if selector.is_everything else LOOK
        found, last = self._candidates(selector, now, place, listed, most)
        read = map(self._lookups.row, found)
        meant = [row for row in read if row is not None and selector.matches(row, now)]
        if len(meant) > limit:
            return Look(meant[:limit], meant[limit - 1].key)
        return Look(meant, None if last is None else DeliveryKey(*last))

    def _candidates(
        self, selector: Selector, now: float, place: Place, listed: int, most: int
    ) -> tuple[list[Columns], Place | None]:
        """The first of those that may be meant, and behind which place there may be more; None: there are no more."""
        conditions = conditions_of(selector, self._lookups, now)
        if conditions == ALL and selector.reply:
            return self._said(selector.reply, place)
        if not any(map(self._lookups.is_listed, conditions)):
            return self._merged(conditions, place, most)
        if place[0] > listed:
            return self._merged(ALL, place, most)
        found, last = self._merged(conditions, place, most)
        up_to = [columns for columns in found if columns[0] <= listed]
        if last is not None and len(up_to) == len(found):
            return found, last
        behind, last = self._merged(ALL, (listed + 1, -1), most)
        return up_to + behind, last

    def _merged(self, conditions: tuple[Condition, ...], place: Place, most: int) -> tuple[list[Columns], Place | None]:
        """The first rows for any of these conditions, and the last place up to which there are no others."""
        most = max(min(_LEAST, most), most // max(len(conditions), 1))
        found: list[Columns] = []
        known: list[Place] = []
        for condition in conditions:
            rows = self._lookups.rows(condition, place, most)
            found += rows
            if len(rows) == most:
                known.append(place_of(rows[-1]))
        if len(conditions) > 1:
            found.sort(key=place_of)
        if not known:
            return found, None
        first = min(known)  # behind this place, a condition that has more may have them anywhere
        return [columns for columns in found if place_of(columns) <= first], first

    def _said(self, pattern: str, place: Place) -> tuple[list[Columns], Place | None]:
        """The first rows whose reply may be meant, among many that are only compared with a part of the pattern."""
        last = self._lookups.reach(place, WIDE)
        found = self._lookups.said(like(pattern), place, last or (maxsize, 0), LOOK)
        return found, place_of(found[-1]) if len(found) == LOOK else last


def place_of(columns: Columns) -> Place:
    """Where a row stands."""
    return columns[0], columns[1]
