"""The tables of a store in memory, and how what a failed operation has done to them is undone."""

from __future__ import annotations

from typing import Any

import outcome
from attrs import define, evolve, field, frozen

from empath.mail.delivery import FINAL, WAITING, Status
from empath.mail.ids import MessageId
from empath.spool.committer import Operation
from empath.spool.contract import (
    Acceptance,
    BodyFile,
    ClaimedDelivery,
    DeliveryKey,
    Retention,
    Row,
    StoredRule,
    Waiting,
)
from empath.spool.store import Store


@frozen(kw_only=True)
class Message:
    """A message, as long as one of its deliveries is here."""

    acceptance: Acceptance
    open: frozenset[int]
    """The ordinals of its deliveries that are here."""


@define(eq=False)
class Tables:
    """What there is, and what the operation at hand has changed of it."""

    messages: dict[int, Message] = field(init=False, factory=dict)
    rows: dict[DeliveryKey, Row] = field(init=False, factory=dict)
    numbers: dict[MessageId, int] = field(init=False, factory=dict)
    rules: dict[str, StoredRule] = field(init=False, factory=dict)
    seen: dict[bytes, tuple[float, MessageId]] = field(init=False, factory=dict)
    """The fingerprints of messages, with when they came and their names."""
    _number: int = field(init=False, default=0)
    _undo: list[tuple[dict[Any, Any], object, object]] = field(init=False, factory=list)
    """The table (of any type), the key, and what stood there; None: nothing."""

    def attempt(self, operation: Operation[Store], store: Store) -> outcome.Outcome[object]:
        """Do an operation, or leave all as it was."""
        self._undo.clear()
        result: outcome.Outcome[object] = outcome.capture(operation, store)
        if isinstance(result, outcome.Error):
            for table, key, before in reversed(list(self._undo)):
                self.put(table, key, before)
        return result

    def put(self, table: dict[Any, Any], key: object, value: object) -> None:
        """Write an entry; None: remove it."""
        self._undo.append((table, key, table.pop(key, None)))
        if value is not None:
            table[key] = value

    def change(self, row: Row) -> None:
        """Write a delivery."""
        self.put(self.rows, row.key, row)

    def add(self, acceptance: Acceptance, claimed_until: float | None) -> int:
        """Write a message with its deliveries; its number."""
        self._number += 1
        number, body = self._number, acceptance.body
        self.put(self.numbers, acceptance.mid, number)
        ordinals = frozenset(range(len(acceptance.domains)))
        self.put(self.messages, number, Message(acceptance=acceptance, open=ordinals))
        for ordinal, (domain, recipient) in enumerate(zip(acceptance.domains, acceptance.addresses, strict=True)):
            self.change(
                Row(
                    key=DeliveryKey(number, ordinal),
                    mid=acceptance.mid,
                    received=acceptance.received,
                    size_bytes=body.size_bytes if isinstance(body, BodyFile) else len(body),
                    sender=acceptance.sender,
                    recipient=recipient,
                    domain=domain,
                    priority=acceptance.priority,
                    status=Status.PENDING if claimed_until is None else Status.IN_PROGRESS,
                    attempts=0,
                    next_attempt=acceptance.next_attempt if claimed_until is None else claimed_until,
                )
            )
        return number

    def remove(self, key: DeliveryKey) -> list[str]:
        """Remove a delivery; the body file that goes with it."""
        self.put(self.rows, key, None)
        message = self.messages[key.message]
        rest = message.open - {key.ordinal}
        self.put(self.messages, key.message, evolve(message, open=rest) if rest else None)
        if rest:
            return []
        self.put(self.numbers, message.acceptance.mid, None)
        body = message.acceptance.body
        return [body.name] if isinstance(body, BodyFile) else []


def order(key: DeliveryKey) -> tuple[int, int]:
    """In which order deliveries come."""
    return key.message, key.ordinal


def waits(row: Row) -> bool:
    """Whether an attempt is due for it one day."""
    return row.status in WAITING and not row.is_deleted


def in_quarantine(row: Row) -> bool:
    """Whether it is there now."""
    return row.is_damaged and not row.is_deleted


def claimable(row: Row) -> ClaimedDelivery:
    """The delivery, to be claimed."""
    return ClaimedDelivery(key=row.key, domain=row.domain, attempts=row.attempts, last=row.last, status=row.status)


def postponed(row: Row, fate: Waiting) -> Row:
    """The delivery after an attempt that did not end it."""
    moment, attempts, last = fate.next_attempt, fate.attempts, fate.last
    return evolve(row, status=fate.status, next_attempt=moment, attempts=attempts, last=last, aside=None)


def is_over(row: Row, now: float, retention: Retention) -> bool:
    """Whether it was kept long enough. What ended further ahead than that, a wrong clock has said."""
    if not row.is_deleted and row.status not in FINAL:
        return False
    kept_s = retention.trash_s if row.is_deleted else retention.failed_s
    return not now - kept_s < row.since <= now + kept_s
