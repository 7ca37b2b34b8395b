"""The store on PostgreSQL: accepting, claiming, recording. Statements go out together, and one COMMIT keeps them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Final

from attrs import define, evolve, field
from psycopg import errors

from empath.mail.ids import MessageId
from empath.spool.checking import Checked, Checker
from empath.spool.claiming import claim, claim_rows
from empath.spool.contract import (
    ANYTHING,
    Acceptance,
    Claim,
    Claimed,
    ClaimedDelivery,
    Damage,
    DeliveryKey,
    Demand,
    Fate,
    Finished,
    Quarantined,
    Row,
    SpoolError,
    Waiting,
)
from empath.spool.copying import Copying
from empath.spool.finding.replies import kept
from empath.spool.postgres import statements as sql
from empath.spool.postgres import states
from empath.spool.postgres.care import Care, nameless
from empath.spool.postgres.schema import NODE
from empath.spool.postgres.tables import MESSAGES
from empath.spool.stored import StoredMessage

_BLOCK: Final = 1000
"""Numbers that are drawn at a time."""


@define(eq=False)
class PostgresStore(Care):
    """See ``store.Store``."""

    _numbers: deque[int] = field(init=False, factory=deque)

    def _reach(self) -> None:
        before = self._connection
        super()._reach()
        if self._connection is not before:
            # A server that has crashed has forgotten numbers that it gave and that nothing was committed with.
            self._numbers.clear()

    def accept(self, acceptance: Acceptance, claimed_until: float | None = None) -> int | MessageId:
        """See ``store.Store``."""
        earlier = self._repeated(acceptance)
        if earlier is not None:
            return earlier
        mid, number = str(acceptance.mid), self._number()
        if claimed_until is None and self._link.has_kept(mid):
            return number  # its rows have another number, and wait: see ``link``
        try:
            row = StoredMessage.of(acceptance).columns
            self._do(sql.ACCEPT, number, *row, acceptance.sender, acceptance.priority)
        except errors.UniqueViolation as problem:
            raise SpoolError(f"message {mid} is here already") from problem
        is_claimed = claimed_until is not None
        state = states.CLAIMED if is_claimed else states.PENDING
        deliveries = {
            "message": number,
            "priority": acceptance.priority,
            "state": state,
            "was": states.PENDING if is_claimed else None,
            "next_attempt": acceptance.next_attempt if claimed_until is None else claimed_until,
            "node": NODE if is_claimed else None,
            "epoch": self._link.lease.epoch if is_claimed else None,
            "domains": list(acceptance.domains),
            "came": acceptance.received,
            "recipients": [text.replace("\0", "") for text in acceptance.addresses],
        }
        self._connection.execute(sql.ADD_DELIVERIES.encode(), deliveries)
        self._ages.add(number, acceptance.received)
        self._count(None, state, len(acceptance.domains))
        self._count(None, MESSAGES)
        self._link.offered.append(mid)
        if is_claimed:
            self._link.taken += [DeliveryKey(number, ordinal) for ordinal in range(len(acceptance.domains))]
        return number

    def _number(self) -> int:
        if not self._numbers:
            ((last,),) = self._rows(sql.BLOCK, _BLOCK - 1)
            self._numbers.extend(range(last - _BLOCK + 1, last + 1))
        return self._numbers.popleft()

    def claim(self, *, now: float, until: float, latest: float, room: int, demand: Demand = ANYTHING) -> Claimed:
        """See ``contract.Spool``. After a connection has broken it names all sites that anything is set aside for."""
        claimed = claim(self, now=now, until=until, latest=latest, room=room, demand=demand)
        if self._link.was_cut:
            claimed = evolve(claimed, aside=claimed.aside | self.sites_aside())
            self._link.was_cut = False
        return claimed

    def claim_rows(self, rows: Sequence[Row], *, until: float) -> Claimed:
        """See ``store.Store``."""
        return claim_rows(self, rows, until=until)

    def due(self, *, now: float, latest: float, limit: int, head_start_s: float) -> list[ClaimedDelivery]:
        """See ``claiming.Rows``."""
        asked: dict[str, object] = {"now": now, "latest": max(now, latest), "limit": limit, "head_start": head_start_s}
        return [_waiting(row) for row in self._named(sql.DUE, asked)]

    def aside(self, site: str, *, messages: int, limit: int) -> list[ClaimedDelivery]:
        """See ``claiming.Rows``."""
        asked: dict[str, object] = {"site": site, "messages": min(messages, limit), "limit": limit}
        return [_waiting(row) for row in self._named(sql.ASIDE, asked)]

    def longest_aside(self, site: str, *, messages: int, limit: int) -> list[ClaimedDelivery]:
        """See ``claiming.Rows``."""
        asked: dict[str, object] = {"site": site, "messages": min(messages, limit), "limit": limit}
        return [_waiting(row) for row in self._named(sql.LONGEST_ASIDE, asked)]

    def envelope(self, message: int) -> bytes | None:
        """See ``claiming.Rows``."""
        found = [] if message in self._unreadable else self._look(sql.ENVELOPE, message)
        return found[0][0] if found else None

    def take(self, deliveries: tuple[ClaimedDelivery, ...], until: float) -> Claim | Damage:
        """See ``claiming.Rows``."""
        message = deliveries[0].key.message
        read = self.message(message)
        if isinstance(read, Damage):
            for one in deliveries:
                self._quarantine(one.key, read)
            return read
        ordinals = [one.key.ordinal for one in deliveries]
        epoch = self._link.lease.epoch
        taken = {"message": message, "ordinals": ordinals, "until": until, "node": NODE, "epoch": epoch}
        self._change(sql.TAKE, taken)
        self._link.taken += [one.key for one in deliveries]
        return read.claim(deliveries)

    def _quarantine(self, key: DeliveryKey, damage: Damage) -> None:
        # A text of PostgreSQL has no NUL, and what is damaged may have any octet.
        mid, reason = (text.replace("\0", "\N{REPLACEMENT CHARACTER}") for text in (damage.mid, damage.reason))
        put = {"message": key.message, "ordinal": key.ordinal, "mid": mid, "reason": reason}
        self._change(sql.QUARANTINE, put)

    def set_aside(self, key: DeliveryKey, site: str, next_attempt: float) -> None:
        """See ``claiming.Rows``."""
        self._do(sql.SET_ASIDE, site, next_attempt, key.message, key.ordinal)

    def next_due(self) -> float | None:
        """See ``claiming.Rows``."""
        ((moment,),) = self._rows(sql.NEXT_DUE)
        return None if moment is None else float(moment)

    def sites_aside(self) -> frozenset[str]:
        """See ``contract.Spool``."""
        return frozenset(row[0] for row in self._rows(sql.SITES))

    def record(self, fates: Iterable[Fate]) -> list[str]:
        """See ``store.Store``."""
        completed: dict[int, list[int]] = {}
        touched = set()
        for fate in fates:
            key = fate.key
            match fate:
                case Finished() if (state := states.STATE.get(fate.status)) is not None:
                    self._end(fate, state)
                    touched.add(key.message)
                case Finished():
                    completed.setdefault(key.message, []).append(key.ordinal)
                case Quarantined():
                    name = self._rows(sql.NAME, key.message)
                    mid = str(name[0][0]) if name else nameless(key.message)
                    self._quarantine(key, Damage(mid=mid, reason=fate.reason))
                case Waiting():
                    self._postpone(fate)
        for message, ordinals in completed.items():
            self._change(sql.COMPLETE, (message, ordinals))
        return self._retire([*completed, *touched])

    def _end(self, fate: Finished, state: int) -> None:
        """It has failed or expired. What is damaged goes: nobody could send it, and it is reported."""
        key = fate.key
        where: dict[str, object] = {"message": key.message, "ordinal": key.ordinal, "state": state}
        self._change(sql.END, where | {"at": fate.at, "attempts": fate.attempts} | _said(fate.last))
        self._change(sql.END_DAMAGED, (key.message, key.ordinal))

    def _postpone(self, fate: Waiting) -> None:
        key = fate.key
        where: dict[str, object] = {"message": key.message, "ordinal": key.ordinal}
        to_be = {"next_attempt": fate.next_attempt, "attempts": fate.attempts} | _said(fate.last)
        self._change(sql.POSTPONE, where | to_be | {"state": states.STATE[fate.status]})

    def touch(self) -> None:
        """See ``store.Store``. All that went before is durable already."""

    def check(self, *, after: int | None, limit: int) -> Checked:
        """See ``store.Store``."""
        return Checker(numbers=self._numbers_behind, read=self.message, ordinals=self._ordinals).check(after, limit)

    def _numbers_behind(self, after: int, limit: int) -> list[int]:
        return [number for (number,) in self._named(sql.NUMBERS, {"after": after, "limit": limit})]

    def _ordinals(self, message: int) -> list[int]:
        return [ordinal for (ordinal,) in self._rows(sql.ORDINALS, message)]

    def needed(self, names: Sequence[str]) -> set[str]:
        """See ``store.Store``."""
        return {name for (name,) in self._rows(sql.NEEDED, list(names))}

    def begin_copy(self, directory: str) -> Copying:
        """See ``store.Store``. It is the server's to copy what it has."""
        server = self._link.server
        raise SpoolError(
            f"the queue is in {server}, with its bodies, and is backed up there while the daemon runs: use pg_dump "
            f"--schema={server.schema} and pg_restore, or pg_basebackup for the whole server"
        )

    def copies_on(self) -> bool:
        """See ``store.Store``."""
        return False

    def end_copy(self) -> None:
        """See ``store.Store``."""

    def body_files(self) -> set[str]:
        """See ``store.Store``."""
        return {row[0] for row in self._rows("SELECT body_file FROM message WHERE body_file IS NOT NULL")}

    def identity(self) -> str | None:
        """See ``store.Store``."""
        found = self._rows("SELECT token FROM identity")
        return str(found[0][0]) if found else None

    def identify(self, token: str) -> None:
        """See ``store.Store``."""
        self._do("INSERT INTO identity VALUES (%s)", token)


def _said(last: bytes) -> dict[str, object]:
    """The columns with what the latest attempt came to."""
    return {"last": last, "reply": kept(last)}


def _waiting(row: Sequence[Any]) -> ClaimedDelivery:
    message, ordinal, domain, attempts, last, state = row
    key = DeliveryKey(message, ordinal)
    return ClaimedDelivery(key=key, domain=domain, attempts=attempts, last=last, status=states.STATUS[state])
