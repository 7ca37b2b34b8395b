"""Messages and deliveries in memory: for tests and simulation, and the reference that other backends are held to.

It says in the plainest way what a store does. Nothing survives the process, so configuration refuses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import outcome
from attrs import define, evolve, field, frozen

from empath.mail.ids import MessageId
from empath.spool.committer import Operation
from empath.spool.contract import (
    Acceptance,
    BodyFile,
    Claim,
    Claimed,
    ClaimedDelivery,
    DeliveryKey,
    Fate,
    Finished,
    SpoolError,
    Statistics,
)
from empath.spool.store import Store


@frozen(kw_only=True)
class _Message:
    acceptance: Acceptance
    open: frozenset[int]
    """The ordinals of its deliveries that are not finished."""


@frozen(kw_only=True)
class _Delivery:
    domain: str
    next_attempt: float
    attempts: int = 0
    claimed: bool = False
    last: bytes = b""


@define(eq=False)
class MemoryStore:
    """See ``store.Store``."""

    _messages: dict[int, _Message] = field(init=False, factory=dict)
    _deliveries: dict[DeliveryKey, _Delivery] = field(init=False, factory=dict)
    _numbers: dict[MessageId, int] = field(init=False, factory=dict)
    _number: int = field(init=False, default=0)
    _undo: list[tuple[dict[Any, Any], object, object]] = field(init=False, factory=list)
    """What the operation at hand has changed: the table (of any type), the key, and what stood there; None: nothing."""

    def commit(self, operations: Sequence[Operation[Store]], *, durable: bool) -> list[outcome.Outcome[object]]:
        """See ``committer.Transactions``. An operation that fails is undone; ``durable`` means nothing here."""
        return [self._alone(operation) for operation in operations]

    def _alone(self, operation: Operation[Store]) -> outcome.Outcome[object]:
        self._undo.clear()
        result: outcome.Outcome[object] = outcome.capture(operation, self)
        if isinstance(result, outcome.Error):
            for table, key, before in reversed(list(self._undo)):
                self._put(table, key, before)
        return result

    def _put(self, table: dict[Any, Any], key: object, value: object) -> None:
        self._undo.append((table, key, table.pop(key, None)))
        if value is not None:
            table[key] = value

    def accept(self, acceptance: Acceptance) -> None:
        """See ``store.Store``."""
        if acceptance.mid in self._numbers:
            raise SpoolError(f"message {acceptance.mid} is here already")
        self._number += 1
        number = self._number
        self._put(self._numbers, acceptance.mid, number)
        self._put(
            self._messages, number, _Message(acceptance=acceptance, open=frozenset(range(len(acceptance.domains))))
        )
        for ordinal, domain in enumerate(acceptance.domains):
            waiting = _Delivery(domain=domain, next_attempt=acceptance.next_attempt)
            self._put(self._deliveries, DeliveryKey(number, ordinal), waiting)

    def claim(self, *, now: float, until: float, latest: float, room: int) -> Claimed:
        """See ``contract.Spool``."""
        rows = self._deliveries.items()
        waiting = sorted((row.next_attempt, key.message, key.ordinal, key) for key, row in rows if not row.claimed)
        due = [key for moment, *_, key in waiting if moment <= now or moment > latest]
        claims: dict[int, list[ClaimedDelivery]] = {}
        for key in due[:room]:
            row = self._deliveries[key]
            self._put(self._deliveries, key, evolve(row, claimed=True, next_attempt=until))
            claimed = ClaimedDelivery(key=key, domain=row.domain, attempts=row.attempts, last=row.last)
            claims.setdefault(key.message, []).append(claimed)
        next_due = min((row.next_attempt for row in self._deliveries.values() if not row.claimed), default=None)
        taken = [_claim(self._messages[number].acceptance, tuple(rows)) for number, rows in claims.items()]
        return Claimed(claims=taken, next_due=next_due)

    def record(self, fates: Iterable[Fate]) -> list[str]:
        """See ``store.Store``."""
        unneeded = []
        for fate in fates:
            row = self._deliveries.get(fate.key)
            if row is None:
                continue
            if isinstance(fate, Finished):
                self._put(self._deliveries, fate.key, None)
                unneeded += self._finish(fate.key)
            else:
                waiting = evolve(
                    row, claimed=False, next_attempt=fate.next_attempt, attempts=fate.attempts, last=fate.last
                )
                self._put(self._deliveries, fate.key, waiting)
        return unneeded

    def _finish(self, key: DeliveryKey) -> list[str]:
        message = self._messages[key.message]
        rest = message.open - {key.ordinal}
        if rest:
            self._put(self._messages, key.message, evolve(message, open=rest))
            return []
        self._put(self._messages, key.message, None)
        self._put(self._numbers, message.acceptance.mid, None)
        body = message.acceptance.body
        return [body.name] if isinstance(body, BodyFile) else []

    def touch(self) -> None:
        """See ``store.Store``."""

    def body_files(self) -> set[str]:
        """See ``store.Store``."""
        bodies = [message.acceptance.body for message in self._messages.values()]
        return {body.name for body in bodies if isinstance(body, BodyFile)}

    def statistics(self) -> Statistics:
        """See ``contract.Spool``."""
        claimed = sum(row.claimed for row in self._deliveries.values())
        return Statistics(messages=len(self._messages), waiting=len(self._deliveries) - claimed, claimed=claimed)

    def close(self) -> None:
        """See ``store.Store``."""


def _claim(message: Acceptance, rows: tuple[ClaimedDelivery, ...]) -> Claim:
    return Claim(
        mid=message.mid, received=message.received, envelope=message.envelope, body=message.body, deliveries=rows
    )
