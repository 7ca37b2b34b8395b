"""A message with all that became of its deliveries, as it is written into another store: in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from attrs import frozen

from empath.mail.delivery import WAITING, Status
from empath.mail.ids import MessageId
from empath.spool.contract import (
    Acceptance,
    Action,
    Delete,
    DeliveryKey,
    Fail,
    Fate,
    Finished,
    Hold,
    Quarantined,
    Row,
    Selector,
    SpoolError,
    Waiting,
)
from empath.spool.store import Store
from empath.spool.stored import StoredMessage

_MOST: Final = 1000
"""Deliveries that are asked for at a time."""


@frozen
class Moved:
    """One message on its way."""

    message: StoredMessage
    rows: tuple[Row, ...]
    """All deliveries that are left of it."""
    now: float

    @property
    def mid(self) -> MessageId:
        """Its name."""
        return self.rows[0].mid

    def is_in(self, store: Store) -> bool:
        """Whether it was put there before."""
        return next(self._there(store), None) is not None

    def put(self, store: Store) -> None:
        """Write it, in a transaction of the store. A SpoolError: it cannot be."""
        by_ordinal = {row.key.ordinal: row for row in self.rows}
        number = store.accept(self._acceptance(by_ordinal))
        if not isinstance(number, int):
            raise SpoolError(f"message {self.mid} is taken for another one, {number}")
        gone = [DeliveryKey(number, ordinal) for ordinal in range(max(by_ordinal)) if ordinal not in by_ordinal]
        store.record([Finished(key=key) for key in gone])
        store.record([self._waiting(row, number) for row in self.rows])
        store.record([fate for row in self.rows for fate in _ending(row, DeliveryKey(number, row.key.ordinal))])
        self._apply(store, _decision)
        self._apply(store, lambda row: Delete(row.note) if row.is_deleted else None)

    def drop(self, store: Store) -> list[str]:
        """Remove it, in a transaction of the store that it comes from; its body file."""
        return store.record([Finished(key=row.key) for row in self.rows])

    def _acceptance(self, by_ordinal: dict[int, Row]) -> Acceptance:
        """As it was once accepted. Of deliveries that are gone nothing is known any more, nor needed."""
        any_row = self.rows[0]
        rows = [by_ordinal.get(ordinal) for ordinal in range(max(by_ordinal) + 1)]
        return Acceptance(
            mid=self.mid,
            received=self.message.received,
            envelope=self.message.envelope,
            body=self.message.body,
            domains=tuple([any_row.domain if row is None else row.domain for row in rows]),
            next_attempt=self.now,
            sender=any_row.sender,
            recipients=tuple(["" if row is None else row.recipient for row in rows]),
            priority=any_row.priority,
        )

    def _waiting(self, row: Row, number: int) -> Waiting:
        return Waiting(
            key=DeliveryKey(number, row.key.ordinal),
            next_attempt=row.next_attempt if row.aside is None else self.now,
            attempts=row.attempts,
            last=row.last,
            status=row.status if row.status in WAITING else Status.PENDING,
        )

    def _apply(self, store: Store, decision: Callable[[Row], Action | None]) -> None:
        decided = {row.key.ordinal: (row, action) for row in self.rows if (action := decision(row)) is not None}
        if decided:
            for there in list(self._there(store)):
                if there.key.ordinal in decided:
                    row, action = decided[there.key.ordinal]
                    store.apply(action, [there], now=row.since)

    def _there(self, store: Store) -> Iterator[Row]:
        for in_trash in (False, True):
            yield from rows_of(store, Selector(ids=frozenset({self.mid}), in_trash=in_trash), self.now)


def rows_of(store: Store, selector: Selector, now: float) -> Iterator[Row]:
    """All deliveries that a selector chooses, within a transaction of the store."""
    after: DeliveryKey | None = None
    while True:
        look = store.find(selector, now=now, after=after, limit=_MOST)
        yield from look.rows
        after = look.after
        if after is None:
            return


def _ending(row: Row, key: DeliveryKey) -> list[Fate]:
    """What became of one that neither waits nor was an operator's decision."""
    if row.is_damaged:
        return [Quarantined(key=key, reason=row.note)]
    if row.status is Status.EXPIRED or (row.status is Status.FAILED and _decision(row) is None):
        return [Finished(key=key, status=row.status, at=row.since, attempts=row.attempts, last=row.last)]
    return []


def _decision(row: Row) -> Action | None:
    """What an operator has decided about one, before it was deleted if it was."""
    note = "" if row.is_deleted else row.note
    if row.is_damaged:
        return None
    if row.status is Status.HELD:
        return Hold(note)
    return Fail(note) if row.status is Status.FAILED and note else None
