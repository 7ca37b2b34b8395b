"""How a SQLite store finds what people ask for: by whatever index spares most, and never many rows at a time.

A delivery that goes out at the first attempt must not pay for indexes that only people use. So a row is entered into
those of recipient, sender and domain when it has waited for a while: it is *listed* then. That happens in the order of
messages, so that up to some message all rows are listed, and behind it none is. A search goes through an index up to
there, and through the rows themselves behind it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import apsw
from attrs import define

from empath.mail.delivery import Status
from empath.mail.ids import DeliveryId, MessageId
from empath.spool import statements as sql
from empath.spool.contract import DeliveryKey, Row, Selector
from empath.spool.store import Look
from empath.spool.tally import EXPIRED, FAILED, HELD, MARKS, QUARANTINE, TRASH, status_of

LOOK: Final = 500
"""How many rows one look goes through: some milliseconds."""
_MOST_CONDITIONS: Final = 50
"""With more of them it is as well to look at all rows."""
_PARKED: Final = {Status.HELD: (QUARANTINE, HELD), Status.FAILED: (FAILED,), Status.EXPIRED: (EXPIRED,)}

Columns = tuple[Any, ...]
"""Of ``statements.ROWS``; their types are those of the schema."""
Place = tuple[int, int]
"""The message and ordinal of a delivery, in the order of all."""
Condition = tuple[str, Any]
"""A statement, and the value that it asks for."""
_ANY: Final[Condition] = (sql.ANY, None)


@define(eq=False)
class Finder:
    """Looks for deliveries."""

    _connection: apsw.Connection

    def look(self, selector: Selector, *, now: float, after: DeliveryKey | None, limit: int, listed: int) -> Look:
        """See ``store.Store.find``. ``listed``: up to which message all rows are listed."""
        place = (-1, 0) if after is None else (after.message, after.ordinal)
        found, is_all = self._candidates(selector, place, listed)
        meant = [row for row in map(_row, found) if row is not None and selector.matches(row, now)]
        if len(meant) > limit:
            return Look(meant[:limit], meant[limit - 1].key)
        return Look(meant, None if is_all else DeliveryKey(*_place(found[-1])))

    def _candidates(self, selector: Selector, place: Place, listed: int) -> tuple[list[Columns], bool]:
        """The first of those that may be meant, and whether there are no more."""
        conditions, are_listed = self._conditions(selector)
        if len(conditions) > _MOST_CONDITIONS or (are_listed and place[0] > listed):
            return self._merged((_ANY,), place)
        found, is_all = self._merged(conditions, place)
        if is_all and are_listed:
            behind, is_all = self._merged((_ANY,), (listed + 1, -1))
            found += behind
        return found, is_all

    def _merged(self, conditions: tuple[Condition, ...], place: Place) -> tuple[list[Columns], bool]:
        """The first rows for any of these conditions, and whether there are no more."""
        most = LOOK // max(len(conditions), 1)
        found: list[Columns] = []
        known: list[Place] = []
        for statement, value in conditions:
            values = (*place, most) if value is None else (value, *place, most)
            rows = self._connection.execute(statement, values).fetchall()
            found += rows
            if len(rows) == most:
                known.append(_place(rows[-1]))
        if len(conditions) > 1:
            found.sort(key=_place)
        if not known:
            return found, True
        first = min(known)  # behind this place, a condition that has more may have them anywhere
        return [columns for columns in found if _place(columns) <= first], False

    def _conditions(self, selector: Selector) -> tuple[tuple[Condition, ...], bool]:
        """What to look up, and whether only what is listed can be found by it."""
        if selector.ids:
            names = {str(one.message if isinstance(one, DeliveryId) else one) for one in selector.ids}
            return tuple((sql.OF_MESSAGE, name) for name in names), False
        if selector.in_trash:
            return ((sql.PARKED, TRASH),), False
        if selector.sites_aside:
            return _each(sql.SET_ASIDE_FOR, selector.sites_aside), False
        statuses = selector.statuses
        if statuses and statuses <= _PARKED.keys():
            return tuple((sql.PARKED, code) for status in statuses for code in _PARKED[status]), False
        if selector.recipient:
            return ((sql.TO, selector.recipient),), True
        if selector.sender:
            return ((sql.FROM, selector.sender),), True
        if selector.domains:
            return _each(sql.IN_DOMAIN, selector.domains), True
        if statuses and statuses <= set(MARKS[1:]):
            return _each(sql.MARKED, [MARKS.index(status) for status in statuses]), False
        if selector.priorities and 0 not in selector.priorities:
            return _each(sql.OF_PRIORITY, selector.priorities), False
        return (_ANY,), False


def _place(columns: Columns) -> Place:
    return columns[0], columns[1]


def _each(statement: str, values: Iterable[object]) -> tuple[Condition, ...]:
    return tuple([(statement, value) for value in values])


def _row(columns: Columns) -> Row | None:
    """The row; None: its name is damaged. Looking after the spool finds such a one, and nobody can name it."""
    message, ordinal, mid, received, size_bytes, sender, recipient, domain, priority, *rest = columns
    claimed, mark, was, attempts, next_attempt, last, aside, since, note = rest
    code = claimed if was is None else was
    try:
        name = MessageId.parse(mid)
    except ValueError:
        return None
    return Row(
        key=DeliveryKey(message, ordinal),
        mid=name,
        received=received,
        size_bytes=size_bytes,
        sender=sender,
        recipient=recipient,
        domain=domain,
        priority=priority,
        status=status_of(code, mark),
        attempts=attempts,
        next_attempt=next_attempt,
        last=last,
        aside=aside,
        since=since,
        note=note,
        is_damaged=code == QUARANTINE,
        is_deleted=was is not None,
    )
