"""Messages and deliveries in memory: for tests and simulation, and the reference that other backends are held to.

It says in the plainest way what a store does. Nothing survives the process, so configuration refuses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

import outcome
from attrs import define, evolve, field

from empath.mail.delivery import FINAL, Status
from empath.mail.ids import MessageId
from empath.spool.checking import Checked, Checker
from empath.spool.claiming import claim, claim_rows
from empath.spool.committer import Operation
from empath.spool.contract import (
    ANYTHING,
    Acceptance,
    Action,
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
    Retention,
    Row,
    Selector,
    SpoolError,
    Statistics,
    StoredRule,
)
from empath.spool.copying import Copying
from empath.spool.memory_tables import Tables, claimable, in_quarantine, is_over, order, postponed, waits
from empath.spool.store import Look, Purged, Store
from empath.spool.stored import StoredMessage


@define(eq=False)
class MemoryStore:
    """See ``store.Store``."""

    _tables: Tables = field(init=False, factory=Tables)
    _identity: str | None = field(init=False, default=None)

    def commit(self, operations: Sequence[Operation[Store]], *, durable: bool) -> list[outcome.Outcome[object]]:
        """See ``committer.Transactions``. An operation that fails is undone; ``durable`` means nothing here."""
        return [self._tables.attempt(operation, self) for operation in operations]

    def accept(self, acceptance: Acceptance, claimed_until: float | None = None) -> int | MessageId:
        """See ``store.Store``."""
        earlier = self._repeated(acceptance)
        if earlier is not None:
            return earlier
        if acceptance.mid in self._tables.numbers:
            raise SpoolError(f"message {acceptance.mid} is here already")
        return self._tables.add(acceptance, claimed_until)

    def _repeated(self, acceptance: Acceptance) -> MessageId | None:
        """The name of the message that this is another copy of; else its fingerprint is remembered."""
        fingerprint = acceptance.fingerprint
        if fingerprint is None:
            return None
        moment, earlier = self._tables.seen.get(fingerprint.digest, (None, None))
        if moment is not None and moment >= fingerprint.since:
            return earlier
        self._tables.put(self._tables.seen, fingerprint.digest, (acceptance.received, acceptance.mid))
        return None

    def claim(self, *, now: float, until: float, latest: float, room: int, demand: Demand = ANYTHING) -> Claimed:
        """See ``contract.Spool``."""
        return claim(self, now=now, until=until, latest=latest, room=room, demand=demand)

    def claim_rows(self, rows: Sequence[Row], *, until: float) -> Claimed:
        """See ``store.Store``."""
        return claim_rows(self, rows, until=until)

    def due(self, *, now: float, latest: float, limit: int, head_start_s: float) -> list[ClaimedDelivery]:
        """See ``claiming.Rows``."""
        waiting = sorted(
            (row.next_attempt > now, row.next_attempt - head_start_s * row.priority, key.message, key.ordinal)
            for key, row in self._tables.rows.items()
            if waits(row) and not now < row.next_attempt <= latest
        )
        return [claimable(self._tables.rows[DeliveryKey(*key)]) for _, _, *key in waiting[:limit]]

    def aside(self, site: str, *, messages: int, limit: int) -> list[ClaimedDelivery]:
        """See ``claiming.Rows``."""
        rows = [row for row in self._tables.rows.values() if row.aside == site]
        first = sorted({(-row.priority, row.key.message) for row in rows})[:messages]
        rows = sorted(
            [row for row in rows if (-row.priority, row.key.message) in first],
            key=lambda row: (-row.priority, order(row.key)),
        )
        return [claimable(row) for row in rows[:limit]]

    def longest_aside(self, site: str, *, messages: int, limit: int) -> list[ClaimedDelivery]:
        """See ``claiming.Rows``."""
        rows = sorted([row for row in self._tables.rows.values() if row.aside == site], key=lambda row: order(row.key))
        first = [*dict.fromkeys(row.key.message for row in rows)][:messages]
        return [claimable(row) for row in rows if row.key.message in first][:limit]

    def envelope(self, message: int) -> bytes:
        """See ``claiming.Rows``."""
        return self._tables.messages[message].acceptance.envelope

    def take(self, deliveries: tuple[ClaimedDelivery, ...], until: float) -> Claim:
        """See ``claiming.Rows``."""
        for one in deliveries:
            row = self._tables.rows[one.key]
            self._tables.change(
                evolve(row, status=Status.IN_PROGRESS, next_attempt=until, aside=None, since=0.0, note="")
            )
        message = self._tables.messages[deliveries[0].key.message].acceptance
        return Claim(
            mid=message.mid,
            received=message.received,
            envelope=message.envelope,
            body=message.body,
            deliveries=deliveries,
        )

    def set_aside(self, key: DeliveryKey, site: str, next_attempt: float) -> None:
        """See ``claiming.Rows``."""
        self._tables.change(evolve(self._tables.rows[key], aside=site, next_attempt=next_attempt))

    def next_due(self) -> float | None:
        """See ``claiming.Rows``."""
        return min((row.next_attempt for row in self._tables.rows.values() if waits(row)), default=None)

    def sites_aside(self) -> frozenset[str]:
        """See ``contract.Spool``."""
        return frozenset(row.aside for row in self._tables.rows.values() if row.aside is not None)

    def record(self, fates: Iterable[Fate]) -> list[str]:
        """See ``store.Store``."""
        unneeded = []
        for fate in fates:
            row = self._tables.rows.get(fate.key)
            if row is None:
                continue
            if isinstance(fate, Finished):
                unneeded += self._finish(row, fate)
            elif row.is_deleted or row.status in FINAL:
                continue
            elif isinstance(fate, Quarantined):
                note = row.note if row.is_damaged else fate.reason
                self._tables.change(evolve(row, status=Status.HELD, aside=None, is_damaged=True, note=note))
            elif row.status is not Status.HELD:
                self._tables.change(postponed(row, fate))
        return unneeded

    def _finish(self, row: Row, fate: Finished) -> list[str]:
        if fate.status is Status.COMPLETED or in_quarantine(row):
            return self._tables.remove(row.key)
        if not row.is_deleted and row.status not in FINAL:
            attempts, last = fate.attempts, fate.last
            kept = evolve(row, status=fate.status, attempts=attempts, last=last, aside=None, since=fate.at, note="")
            self._tables.change(kept)
        return []

    def message(self, number: int) -> StoredMessage:
        """See ``store.Store``."""
        return StoredMessage.of(self._tables.messages[number].acceptance)

    def find(self, selector: Selector, *, now: float, after: DeliveryKey | None, limit: int) -> Look:
        """See ``store.Store``."""
        keys = sorted([key for key in self._tables.rows if after is None or order(key) > order(after)], key=order)
        meant = (self._tables.rows[key] for key in keys if selector.matches(self._tables.rows[key], now))
        rows = [*islice(meant, limit)]
        return Look(rows, rows[-1].key if rows and rows[-1].key != keys[-1] else None)

    def apply(self, action: Action, rows: Sequence[Row], *, now: float) -> None:
        """See ``store.Store``."""
        for row in rows:
            self._tables.change(action.done_to(row, now))

    def rules(self) -> list[StoredRule]:
        """See ``contract.Spool``."""
        return [rule for _, rule in sorted(self._tables.rules.items())]

    def put_rule(self, rule: StoredRule) -> None:
        """See ``contract.Spool``."""
        self._tables.put(self._tables.rules, rule.id, rule)

    def remove_rule(self, rule_id: str) -> bool:
        """See ``contract.Spool``."""
        was_there = rule_id in self._tables.rules
        self._tables.put(self._tables.rules, rule_id, None)
        return was_there

    def purge(self, *, now: float, retention: Retention, limit: int) -> Purged:
        """See ``store.Store``."""
        old = [row.key for row in self._tables.rows.values() if is_over(row, now, retention)]
        files = [name for key in old[:limit] for name in self._tables.remove(key)]
        for digest, (moment, _) in [*self._tables.seen.items()]:
            if not now - retention.fingerprints_s < moment <= now + retention.fingerprints_s:
                self._tables.put(self._tables.seen, digest, None)
        return Purged(min(len(old), limit), files, is_all=len(old) <= limit)

    def touch(self) -> None:
        """See ``store.Store``."""

    def tend(self) -> bool:
        """See ``store.Store``. There is nothing to do."""
        return False

    def check(self, *, after: int | None, limit: int) -> Checked:
        """See ``store.Store``."""

        def numbers(after: int, limit: int) -> list[int]:
            return sorted(number for number in self._tables.messages if number > after)[:limit]

        def ordinals(number: int) -> list[int]:
            return sorted(self._tables.messages[number].open)

        return Checker(numbers=numbers, read=self.message, ordinals=ordinals).check(after, limit)

    def needed(self, names: Sequence[str]) -> set[str]:
        """See ``store.Store``."""
        return self.body_files().intersection(names)

    def begin_copy(self, directory: str) -> Copying:
        """See ``store.Store``."""
        raise SpoolError("the queue is in memory only; there is nothing that a copy could be made of")

    def copies_on(self) -> bool:
        """See ``store.Store``."""
        return False

    def end_copy(self) -> None:
        """See ``store.Store``."""

    def body_files(self) -> set[str]:
        """See ``store.Store``."""
        bodies = [message.acceptance.body for message in self._tables.messages.values()]
        return {body.name for body in bodies if isinstance(body, BodyFile)}

    def statistics(self) -> Statistics:
        """See ``contract.Spool``."""
        here = [row for row in self._tables.rows.values() if not row.is_deleted]

        def count(status: Status) -> int:
            return sum(row.status is status and not row.is_damaged for row in here)

        return Statistics(
            messages=len(self._tables.messages),
            waiting=sum(waits(row) for row in here),
            claimed=count(Status.IN_PROGRESS),
            quarantined=sum(row.is_damaged for row in here),
            retry=count(Status.RETRY),
            uncertain=count(Status.UNCERTAIN),
            held=count(Status.HELD),
            failed=count(Status.FAILED),
            expired=count(Status.EXPIRED),
            deleted=len(self._tables.rows) - len(here),
        )

    def quarantine(self) -> list[Damage]:
        """See ``contract.Spool``."""
        damaged = sorted(
            [row for row in self._tables.rows.values() if in_quarantine(row)], key=lambda row: order(row.key)
        )
        reasons = {row.mid: row.note for row in reversed(damaged)}
        return [Damage(mid=str(mid), reason=reasons[mid]) for mid in dict.fromkeys(row.mid for row in damaged)]

    def release(self, mid: str) -> int:
        """See ``contract.Spool``."""
        rows = [row for row in self._tables.rows.values() if str(row.mid) == mid and in_quarantine(row)]
        for row in rows:
            self._tables.change(evolve(row, status=Status.PENDING, is_damaged=False, note="", since=0.0))
        return len(rows)

    def identity(self) -> str | None:
        """See ``store.Store``."""
        return self._identity

    def identify(self, token: str) -> None:
        """See ``store.Store``."""
        self._identity = token

    def close(self) -> None:
        """See ``store.Store``."""
