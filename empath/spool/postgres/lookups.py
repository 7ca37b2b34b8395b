"""The rows of a queue in PostgreSQL, by each condition: each by an index that has them in the order of their keys.

What a server thinks of its tables may be old: that they are small, say, or that nobody waits. So the rows are chosen
first, behind a place and with a limit, by one condition that an index has in front of the key; then any plan that
follows the index is the cheapest, whatever the server expects of the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from attrs import frozen

from empath.mail.ids import MessageId
from empath.spool.contract import DeliveryKey, Row
from empath.spool.finding import By, Columns, Condition, Place
from empath.spool.finding.replies import MOST_CHARACTERS
from empath.spool.postgres import states

_MOST_DUE: Final = 2000
"""Deliveries that are due may be put in order at each look, up to so many."""
_COLUMNS: Final = """
SELECT one.message, ordinal, mid, received, size_bytes, sender, recipient, domain, one.priority, state, was, attempts,
    next_attempt, last, aside, since, note FROM
"""
_IN_ORDER: Final = "JOIN message ON message.id = one.message ORDER BY one.message, ordinal"
_FIRST: Final = f"{_IN_ORDER} LIMIT %(most)s"
_BY_INDEX: Final = """
(
    SELECT * FROM delivery WHERE {condition} AND (message, ordinal) > (%(message)s, %(ordinal)s)
    ORDER BY message, ordinal LIMIT %(most)s
) AS one
"""
_BY_MESSAGE: Final = """
(
    SELECT id FROM message WHERE {condition} AND id >= %(message)s ORDER BY id LIMIT %(most)s + 1
) AS chosen, LATERAL (
    SELECT * FROM delivery WHERE message = chosen.id AND (message, ordinal) > (%(message)s, %(ordinal)s)
    ORDER BY ordinal LIMIT %(most)s
) AS one
"""
_BY_SITE: Final = """
generate_series(-9, 9) AS degree, LATERAL (
    SELECT * FROM delivery WHERE aside = %(value)s AND -priority = degree
    AND (message, ordinal) > (%(message)s, %(ordinal)s) ORDER BY message, ordinal LIMIT %(most)s
) AS one
"""
_BY_MOMENT: Final = """
(
    SELECT found.* FROM generate_series(-9, 9) AS degree, LATERAL (
        SELECT * FROM delivery WHERE state < 3 AND priority = degree AND next_attempt <= %(value)s
        ORDER BY next_attempt, message, ordinal LIMIT 2001
    ) AS found WHERE (found.message, found.ordinal) > (%(message)s, %(ordinal)s)
    ORDER BY found.message, found.ordinal LIMIT %(most)s
) AS one
"""


def _rows(condition: str) -> str:
    """The statement for rows that meet a condition, by the index that it begins with."""
    return f"{_COLUMNS} {_BY_INDEX.format(condition=condition)} {_IN_ORDER}"


def _of_messages(condition: str) -> str:
    """The statement for rows of messages that meet a condition."""
    return f"{_COLUMNS} {_BY_MESSAGE.format(condition=condition)} {_FIRST.replace('BY one.message', 'BY chosen.id')}"


_SOME_DUE: Final = """
SELECT 1 FROM generate_series(-9, 9) AS degree, LATERAL (
    SELECT 1 FROM delivery WHERE state < 3 AND priority = degree AND next_attempt <= %(now)s
    ORDER BY next_attempt, message, ordinal LIMIT 1 OFFSET %(most)s
) AS one LIMIT 1
"""
REPLIES: Final = """
WITH RECURSIVE one (text) AS (
    (SELECT reply FROM delivery WHERE last <> '' AND reply >= %(first)s ORDER BY reply LIMIT 1)
    UNION ALL
    SELECT (SELECT reply FROM delivery WHERE last <> '' AND reply > text ORDER BY reply LIMIT 1) FROM one
    WHERE text < %(last)s
) SELECT text FROM one WHERE text < %(last)s LIMIT %(most)s
"""
_UNKEPT: Final = "SELECT 1 FROM delivery WHERE last <> '' AND reply IS NULL LIMIT 1"
_STATEMENTS: Final[Mapping[By, str]] = {
    By.ALL: _rows("TRUE"),
    By.MESSAGES: _of_messages("mid = ANY(%(value)s)"),
    By.SITE: f"{_COLUMNS} {_BY_SITE} {_FIRST}",
    By.DOMAIN: _rows("domain = %(value)s"),
    By.SENDER: _of_messages('lower(sender COLLATE "C") = lower(%(value)s COLLATE "C")'),
    By.RECIPIENT: _rows('lower(recipient COLLATE "C") = lower(%(value)s COLLATE "C")'),
    By.PRIORITY: _rows("priority <> 0 AND priority = %(value)s"),
    By.DUE: f"{_COLUMNS} {_BY_MOMENT} {_FIRST}",
    By.REPLY: _rows("last <> '' AND reply = %(value)s"),
}
_OF_STATE: Final = _rows("state = %(value)s")
_SAID: Final = _rows(
    "(message, ordinal) <= (%(last_message)s, %(last_ordinal)s) AND last <> ''"
    " AND (reply ILIKE %(like)s ESCAPE '!' OR reply IS NULL OR length(reply) >= %(length)s)"
)
_REACH: Final = """
SELECT message, ordinal FROM delivery WHERE (message, ordinal) > (%(message)s, %(ordinal)s)
ORDER BY message, ordinal LIMIT 1 OFFSET %(behind)s
"""
_WITHOUT_REPLY: Final = _rows("last <> '' AND reply IS NULL")


@frozen(eq=False)
class ServerLookups:
    """See ``finding.looking.Lookups``."""

    _ask: Callable[[str, dict[str, object]], list[tuple[Any, ...]]]

    def rows(self, condition: Condition, place: Place, most: int) -> list[Columns]:
        """See ``looking.Lookups``."""
        statement, value = statement_of(condition)
        return self._ask(statement, {"value": value, "message": place[0], "ordinal": place[1], "most": most})

    def reach(self, place: Place, rows: int) -> Place | None:
        """See ``looking.Lookups``."""
        found = self._ask(_REACH, {"message": place[0], "ordinal": place[1], "behind": rows - 1})
        return (found[0][0], found[0][1]) if found else None

    def said(self, like: str, place: Place, last: Place, most: int) -> list[Columns]:
        """See ``looking.Lookups``."""
        bounds = {"message": place[0], "ordinal": place[1], "last_message": last[0], "last_ordinal": last[1]}
        return self._ask(_SAID, {**bounds, "like": like, "length": MOST_CHARACTERS, "most": most})

    def is_listed(self, condition: Condition) -> bool:
        """See ``looking.Lookups``."""
        return False

    def replies(self, beginning: str, most: int) -> list[str | None] | None:
        """See ``conditions.Hints``."""
        found = self._ask(REPLIES, {"first": beginning, "last": f"{beginning}\U0010ffff", "most": most + 1})
        if len(found) > most:
            return None
        return [text for (text,) in found] + [None for _ in self._ask(_UNKEPT, {})]

    def is_little_due(self, now: float) -> bool:
        """See ``conditions.Hints``."""
        return not self._ask(_SOME_DUE, {"now": now, "most": _MOST_DUE})

    def row(self, columns: Columns) -> Row | None:
        """See ``looking.Lookups``."""
        return _row(columns)


def statement_of(condition: Condition) -> tuple[str, object]:
    """What looks rows up, and the value that it asks for."""
    match condition.by, condition.value:
        case By.TRASH, _:
            return _OF_STATE, states.TRASH
        case By.QUARANTINE, _:
            return _OF_STATE, states.QUARANTINED
        case By.STATUS, status:
            return _OF_STATE, next((code for known, code in states.STATE.items() if known is status), None)
        case By.REPLY, None:
            return _WITHOUT_REPLY, None
        case By.MESSAGES, tuple(names):
            return _STATEMENTS[By.MESSAGES], list(names)
        case by, value:
            return _STATEMENTS[by], value


def _row(columns: Sequence[Any]) -> Row | None:
    message, ordinal, mid, received, size_bytes, sender, recipient, domain, priority = columns[:9]
    state, was, attempts, next_attempt, last, aside, since, note = columns[9:]
    before = was if state == states.TRASH else state
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
        status=states.STATUS[before],
        attempts=attempts,
        next_attempt=next_attempt,
        last=last,
        aside=aside,
        since=since,
        note=note,
        is_damaged=before == states.QUARANTINED,
        is_deleted=state == states.TRASH,
    )
