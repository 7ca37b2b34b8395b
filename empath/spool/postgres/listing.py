"""What people choose from a queue, and what they do to it, as statements: by index, and never many rows at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from attrs import define

from empath.mail.delivery import Status
from empath.mail.ids import DeliveryId, MessageId
from empath.spool.contract import Action, DeliveryKey, Row, Selector
from empath.spool.postgres import statements as sql
from empath.spool.postgres import states
from empath.spool.postgres.tables import Tables
from empath.spool.store import Look

LOOK: Final = 500
"""How many rows one look goes through: some milliseconds."""
_ROWS: Final = """
SELECT message, ordinal, mid, received, size_bytes, sender, recipient, domain, delivery.priority, state, was, attempts,
    next_attempt, last, aside, since, note
FROM delivery JOIN message ON message.id = delivery.message
WHERE (message, ordinal) > (%(message)s, %(ordinal)s) AND {conditions}
ORDER BY message, ordinal LIMIT %(limit)s
"""
_CONDITIONS: Final = {
    "mids": "mid = ANY(%(mids)s)",
    "states": "state = ANY(%(states)s)",
    "before": "was = ANY(%(before)s)",
    "domains": "domain = ANY(%(domains)s)",
    "sender": 'lower(sender COLLATE "C") = lower(%(sender)s COLLATE "C")',
    "recipient": 'lower(recipient COLLATE "C") = lower(%(recipient)s COLLATE "C")',
    "received_before": "received < %(received_before)s",
    "received_after": "received >= %(received_after)s",
    "sites": "aside = ANY(%(sites)s)",
    "priorities": "delivery.priority = ANY(%(priorities)s)",
}
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
        asked = _asked(selector)
        conditions = " AND ".join(_CONDITIONS[name] for name in asked)
        place = {"message": -1, "ordinal": 0} if after is None else {"message": after.message, "ordinal": after.ordinal}
        found = self._named(_ROWS.format(conditions=conditions), asked | place | {"limit": LOOK})
        meant = [row for row in _read(found) if selector.matches(row, now)]
        if len(meant) > limit:
            return Look(meant[:limit], meant[limit - 1].key)
        return Look(meant, DeliveryKey(*found[-1][:2]) if len(found) == LOOK else None)

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


def _asked(selector: Selector) -> dict[str, object]:
    """The conditions that the tables can tell, by their names."""
    wanted = sorted({states.STATE[status] for status in selector.statuses if status in states.STATE})
    if Status.HELD in selector.statuses:
        wanted.append(states.QUARANTINED)
    asked: dict[str, object] = {"states": [states.TRASH]} if selector.in_trash else {}
    if selector.statuses:
        asked["before" if selector.in_trash else "states"] = wanted
    elif not selector.in_trash:
        asked["states"] = list(states.STATUS)
    if selector.ids:
        asked["mids"] = [str(one.message if isinstance(one, DeliveryId) else one) for one in selector.ids]
    if selector.domains:
        asked["domains"] = sorted(selector.domains)
    if selector.sites_aside:
        asked["sites"] = sorted(selector.sites_aside)
    if selector.priorities:
        asked["priorities"] = sorted(selector.priorities)
    single = {
        "sender": selector.sender,
        "recipient": selector.recipient,
        "received_before": selector.received_before,
        "received_after": selector.received_after,
    }
    return asked | {name: value for name, value in single.items() if value is not None}


def _read(found: Iterable[Sequence[Any]]) -> Iterable[Row]:
    """The rows whose message has a name: others are damaged, and listed in quarantine."""
    for columns in found:
        try:
            yield _row(columns)
        except ValueError:
            continue


def _row(columns: Sequence[Any]) -> Row:
    message, ordinal, mid, received, size_bytes, sender, recipient, domain, priority = columns[:9]
    state, was, attempts, next_attempt, last, aside, since, note = columns[9:]
    before = was if state == states.TRASH else state
    return Row(
        key=DeliveryKey(message, ordinal),
        mid=MessageId.parse(mid),
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
