"""The rows of a SQLite store, by each condition."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any, Final

import apsw
from attrs import frozen

from empath.mail.delivery import Status
from empath.mail.ids import MessageId
from empath.spool import statements as sql
from empath.spool.contract import DeliveryKey, Row
from empath.spool.finding.conditions import By, Condition
from empath.spool.finding.looking import Columns, Place, place_of
from empath.spool.finding.replies import MOST_CHARACTERS
from empath.spool.tally import CODES, MARKS, QUARANTINE, TRASH, status_of

_MOST_DUE: Final = 2000
_STATEMENTS: Final[Mapping[By, str]] = {
    By.DOMAIN: sql.IN_DOMAIN,
    By.SENDER: sql.FROM,
    By.RECIPIENT: sql.TO,
    By.PRIORITY: sql.OF_PRIORITY,
    By.DUE: sql.DUE_BY,
}
_LISTED: Final = frozenset({By.DOMAIN, By.SENDER, By.RECIPIENT, By.REPLY})
_LISTED_STATUSES: Final = frozenset({Status.PENDING, Status.IN_PROGRESS})


@frozen(eq=False)
class DatabaseLookups:
    """See ``looking.Lookups``."""

    _connection: apsw.Connection
    _priorities: Callable[[], Iterable[int]]
    """Those that something which waits may have."""

    def rows(self, condition: Condition, place: Place, most: int) -> list[Columns]:
        """See ``looking.Lookups``."""
        if condition.by is By.SITE:
            return self._set_aside(condition.value, place, most)
        statement, values = statement_of(condition)
        return self._connection.execute(statement, (*values, *place, most)).fetchall()

    def _set_aside(self, site: object, place: Place, most: int) -> list[Columns]:
        # Their index is that of claims, which want the urgent ones first.
        found: list[Columns] = []
        for priority in self._priorities():
            found += self._connection.execute(sql.SET_ASIDE_FOR, (site, priority, *place, most))
        return sorted(found, key=itemgetter(0, 1))[:most]

    def reach(self, place: Place, rows: int) -> Place | None:
        """See ``looking.Lookups``."""
        found = self._connection.execute(sql.REACH, (*place, rows - 1)).fetchall()
        return place_of(found[0]) if found else None

    def said(self, like: str, place: Place, last: Place, most: int) -> list[Columns]:
        """See ``looking.Lookups``."""
        return self._connection.execute(sql.SAID, (*place, *last, like, MOST_CHARACTERS, most)).fetchall()

    def is_listed(self, condition: Condition) -> bool:
        """See ``looking.Lookups``."""
        return condition.by in _LISTED or (condition.by is By.STATUS and condition.value in _LISTED_STATUSES)

    def replies(self, beginning: str, most: int) -> list[str | None] | None:
        """See ``conditions.Hints``."""
        found = self._connection.execute(sql.REPLIES, (beginning, f"{beginning}\U0010ffff", most + 1)).fetchall()
        if len(found) > most:
            return None
        unkept = self._connection.execute(sql.UNKEPT_REPLY).fetchall()
        return [*(str(text) for (text,) in found), *(None for _ in unkept)]

    def is_little_due(self, now: float) -> bool:
        """See ``conditions.Hints``."""
        execute = self._connection.execute
        return not any(execute(sql.SOME_DUE, (one, now, _MOST_DUE)).fetchall() for one in self._priorities())

    def row(self, columns: Columns) -> Row | None:
        """See ``looking.Lookups``. The columns are those of ``statements.ROWS``."""
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


def statement_of(condition: Condition) -> tuple[str, tuple[Any, ...]]:
    """What looks rows up, and the values that it asks for before those of a place."""
    by, value = condition.by, condition.value
    match by:
        case By.ALL:
            return sql.ANY, ()
        case By.MESSAGES:
            return sql.OF_MESSAGES, (json.dumps(value),)
        case By.TRASH:
            return sql.PARKED, (TRASH,)
        case By.QUARANTINE:
            return sql.PARKED, (QUARANTINE,)
        case By.REPLY:
            return (sql.UNKEPT, ()) if value is None else (sql.SAYING, (value,))
        case By.STATUS:
            return _of_status(value)
        case _:
            return _STATEMENTS[by], (value,)


def _of_status(status: object) -> tuple[str, tuple[Any, ...]]:
    match status:
        case Status.HELD | Status.FAILED | Status.EXPIRED:
            return sql.PARKED, (CODES[status],)
        case Status.RETRY | Status.UNCERTAIN:
            return sql.MARKED, (MARKS.index(status),)
        case Status.PENDING:
            return sql.PENDING, ()
        case _:
            return sql.IN_PROGRESS, ()
