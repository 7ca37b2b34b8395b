"""What people choose from a queue, and what they do to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import define

from empath.spool.contract import Action, DeliveryKey, Row, Selector
from empath.spool.finding import Finder
from empath.spool.postgres import statements as sql
from empath.spool.postgres import states
from empath.spool.postgres.lookups import ServerLookups
from empath.spool.postgres.tables import Tables
from empath.spool.store import Look

_WRITE: Final = """
UPDATE delivery SET state = to_be.state, was = to_be.was, next_attempt = to_be.next_attempt,
    aside = CASE WHEN to_be.is_aside THEN delivery.aside END, since = to_be.since, note = to_be.note
FROM unnest(
    %s::bigint[], %s::integer[], %s::smallint[], %s::smallint[], %s::double precision[], %s::boolean[],
    %s::double precision[], %s::text[]
) AS to_be (message, ordinal, state, was, next_attempt, is_aside, since, note)
WHERE delivery.message = to_be.message AND delivery.ordinal = to_be.ordinal
"""


@define(eq=False)
class Listing(Tables):
    """See ``store.Store``."""

    def find(self, selector: Selector, *, now: float, after: DeliveryKey | None, limit: int) -> Look:
        """See ``store.Store``."""
        return Finder(ServerLookups(self._named), self._ages).look(selector, now=now, after=after, limit=limit)

    def apply(self, action: Action, rows: Sequence[Row], *, now: float) -> None:
        """See ``store.Store``."""
        pairs = [(row, action.done_to(row, now)) for row in rows]
        for before, after in pairs:
            self._count(_state(before), _state(after))
        columns = zip(*[_columns(after) for _, after in pairs], strict=True)
        self._do(_WRITE, *[list(column) for column in columns])
        self._forget_damage(sorted({row.key.message for row in rows if row.is_damaged}))

    def _forget_damage(self, messages: list[int]) -> None:
        """Forget what was wrong with those of these messages that are in quarantine no longer."""
        if messages:
            self._do(sql.FORGET_DAMAGE, messages)


def _state(row: Row) -> int:
    return states.TRASH if row.is_deleted else _before(row)


def _before(row: Row) -> int:
    """The state of a delivery, or the one before it was deleted."""
    return states.QUARANTINED if row.is_damaged else states.STATE[row.status]


def _columns(row: Row) -> tuple[object, ...]:
    was = _before(row) if row.is_deleted else None
    texts = row.note.replace("\0", "\N{REPLACEMENT CHARACTER}")
    is_aside = row.aside is not None
    return (row.key.message, row.key.ordinal, _state(row), was, row.next_attempt, is_aside, row.since, texts)
