"""Messages and deliveries in memory: for tests and simulation, and the reference that other backends are held to.

It says in the plainest way what a store does. Nothing survives the process, so configuration refuses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import outcome
from attrs import define, evolve, field, frozen

from empath.mail.ids import MessageId
from empath.spool.claiming import claim
from empath.spool.committer import Operation
from empath.spool.contract import (
    ANYTHING,
    Acceptance,
    BodyFile,
    Claim,
    Claimed,
    ClaimedDelivery,
    Damage,
    DeliveryKey,
    Demand,
    Fate,
    Finished,
    Quarantined,
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
    aside: str | None = None
    """The site it is set aside for."""
    damaged: bool = False
    """Whether it is in quarantine."""

    @property
    def waits(self) -> bool:
        return not (self.claimed or self.damaged)


@define(eq=False)
class MemoryStore:
    """See ``store.Store``."""

    _messages: dict[int, _Message] = field(init=False, factory=dict)
    _deliveries: dict[DeliveryKey, _Delivery] = field(init=False, factory=dict)
    _numbers: dict[MessageId, int] = field(init=False, factory=dict)
    _damage: dict[int, str] = field(init=False, factory=dict)
    """Why deliveries of a message are in quarantine."""
    _number: int = field(init=False, default=0)
    _identity: str | None = field(init=False, default=None)
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

    def claim(self, *, now: float, until: float, latest: float, room: int, demand: Demand = ANYTHING) -> Claimed:
        """See ``contract.Spool``."""
        return claim(self, now=now, until=until, latest=latest, room=room, demand=demand)

    def due(self, *, now: float, latest: float, limit: int) -> list[ClaimedDelivery]:
        """See ``claiming.Rows``."""
        rows = self._deliveries.items()
        waiting = sorted((row.next_attempt, key.message, key.ordinal, key) for key, row in rows if row.waits)
        due = [key for moment, *_, key in waiting if moment <= now or moment > latest]
        return [self._waiting(key) for key in due[:limit]]

    def aside(self, site: str, *, messages: int, limit: int) -> list[ClaimedDelivery]:
        """See ``claiming.Rows``."""
        keys = [key for key, row in self._deliveries.items() if row.aside == site]
        first = sorted({key.message for key in keys})[:messages]
        keys = sorted([key for key in keys if key.message in first], key=lambda key: (key.message, key.ordinal))
        return [self._waiting(key) for key in keys[:limit]]

    def envelope(self, message: int) -> bytes:
        """See ``claiming.Rows``."""
        return self._messages[message].acceptance.envelope

    def take(self, deliveries: tuple[ClaimedDelivery, ...], until: float) -> Claim:
        """See ``claiming.Rows``."""
        for one in deliveries:
            row = self._deliveries[one.key]
            self._put(self._deliveries, one.key, evolve(row, claimed=True, next_attempt=until, aside=None))
        message = self._messages[deliveries[0].key.message].acceptance
        return Claim(
            mid=message.mid,
            received=message.received,
            envelope=message.envelope,
            body=message.body,
            deliveries=deliveries,
        )

    def set_aside(self, key: DeliveryKey, site: str, next_attempt: float) -> None:
        """See ``claiming.Rows``."""
        row = self._deliveries[key]
        self._put(self._deliveries, key, evolve(row, aside=site, next_attempt=next_attempt))

    def next_due(self) -> float | None:
        """See ``claiming.Rows``."""
        return min((row.next_attempt for row in self._deliveries.values() if row.waits), default=None)

    def sites_aside(self) -> frozenset[str]:
        """See ``contract.Spool``."""
        return frozenset(row.aside for row in self._deliveries.values() if row.aside is not None)

    def _waiting(self, key: DeliveryKey) -> ClaimedDelivery:
        row = self._deliveries[key]
        return ClaimedDelivery(key=key, domain=row.domain, attempts=row.attempts, last=row.last)

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
            elif isinstance(fate, Quarantined):
                self._put(self._deliveries, fate.key, evolve(row, claimed=False, aside=None, damaged=True))
                self._put(self._damage, fate.key.message, self._damage.get(fate.key.message, fate.reason))
            elif not row.damaged:
                waiting = _Delivery(
                    domain=row.domain, next_attempt=fate.next_attempt, attempts=fate.attempts, last=fate.last
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
        self._put(self._damage, key.message, None)
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
        rows = self._deliveries.values()
        return Statistics(
            messages=len(self._messages),
            waiting=sum(row.waits for row in rows),
            claimed=sum(row.claimed for row in rows),
            quarantined=sum(row.damaged for row in rows),
        )

    def quarantine(self) -> list[Damage]:
        """See ``contract.Spool``."""
        damage = sorted(self._damage.items())
        return [Damage(mid=str(self._messages[number].acceptance.mid), reason=reason) for number, reason in damage]

    def release(self, mid: str) -> int:
        """See ``contract.Spool``."""
        number = next((number for name, number in self._numbers.items() if str(name) == mid), None)
        rows = [(key, row) for key, row in self._deliveries.items() if key.message == number and row.damaged]
        for key, row in rows:
            self._put(self._deliveries, key, evolve(row, damaged=False))
        self._put(self._damage, number, None)
        return len(rows)

    def identity(self) -> str | None:
        """See ``store.Store``."""
        return self._identity

    def identify(self, token: str) -> None:
        """See ``store.Store``."""
        self._identity = token

    def close(self) -> None:
        """See ``store.Store``."""
