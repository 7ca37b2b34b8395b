"""What goes over many deliveries: in portions, each a transaction, between which mail has its turn.

A portion takes some milliseconds, however long the queue is, so nobody who lists a million deliveries, or holds them,
stops one from going out.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from attrs import define

from empath.mail.delivery import WAITING, Status
from empath.spool.committer import Committer
from empath.spool.contract import (
    Action,
    Changed,
    Claim,
    Claimed,
    Damage,
    DeliveryKey,
    Page,
    Retention,
    Row,
    Selector,
)
from empath.spool.store import Look, Purged, Store

PORTION: Final = 500
"""Deliveries that are changed in one transaction."""


@define(eq=False)
class Portions:
    """See the module. The methods are those of ``contract.Spool``."""

    _committer: Committer[Store]

    async def find(self, selector: Selector, *, now: float, cursor: str | None, limit: int) -> Page:
        """Look, again and again, until there are enough."""
        after, rows = _read(cursor), list[Row]()
        while True:
            look = await self._look(selector, now, after, limit - len(rows))
            rows += look.rows
            after = look.after
            if after is None or len(rows) >= limit:
                return Page(rows=tuple(rows), cursor=None if after is None else f"{after.message}.{after.ordinal}")

    async def count(self, selector: Selector, *, now: float) -> int:
        """Look at all."""
        after, found = None, 0
        while True:
            look = await self._look(selector, now, after, PORTION)
            found += len(look.rows)
            after = look.after
            if after is None:
                return found

    async def _look(self, selector: Selector, now: float, after: DeliveryKey | None, limit: int) -> Look:
        def look(store: Store) -> Look:
            return store.find(selector, now=now, after=after, limit=limit)

        return await self._committer.do(look, durable=False, patient=True)

    async def apply(self, action: Action, selector: Selector, *, now: float) -> Changed:
        """Change them all; then make it durable."""
        after, done, skipped = None, 0, 0
        while True:
            some, others, after = await self._committer.do(
                partial(_apply, action=action, selector=selector, now=now, after=after), durable=False, patient=True
            )
            done, skipped = done + some, skipped + others
            if after is None:
                break
        if done:
            await self._committer.do(lambda store: store.touch(), durable=True)
        return Changed(done=done, skipped=skipped)

    async def claim_chosen(self, selector: Selector, *, now: float, until: float, room: int) -> Claimed:
        """Claim as many as there is room for."""
        after, claims, damaged = None, list[Claim](), list[Damage]()
        while room > 0:
            claimed, after = await self._committer.do(
                partial(_claim, selector=selector, now=now, until=until, after=after, room=min(room, PORTION)),
                durable=False,
                patient=True,
            )
            claims += claimed.claims
            damaged += claimed.damaged
            room -= sum(len(one.deliveries) for one in claimed.claims)
            if after is None:
                break
        return Claimed(claims=claims, next_due=None, damaged=tuple(damaged))

    async def purge(self, *, now: float, retention: Retention) -> tuple[int, list[str]]:
        """Remove all that was kept long enough; how many deliveries, and the body files that nobody needs any more."""
        deliveries, files = 0, list[str]()

        def purge(store: Store) -> Purged:
            return store.purge(now=now, retention=retention, limit=PORTION)

        while True:
            purged = await self._committer.do(purge, durable=False, patient=True)
            deliveries += purged.deliveries
            files += purged.files
            if purged.is_all:
                return deliveries, files


def _read(cursor: str | None) -> DeliveryKey | None:
    if cursor is None:
        return None
    message, dot, ordinal = cursor.partition(".")
    if not (dot and all(part.isascii() and part.isdigit() and len(part) < 19 for part in (message, ordinal))):
        raise ValueError(f"{cursor[:40]!r} is not a cursor that this spool has given")
    return DeliveryKey(int(message), int(ordinal))


def _apply(
    store: Store, *, action: Action, selector: Selector, now: float, after: DeliveryKey | None
) -> tuple[int, int, DeliveryKey | None]:
    look = store.find(selector, now=now, after=after, limit=PORTION)
    meant = [row for row in look.rows if action.is_for(row)]
    store.apply(action, meant, now=now)
    return len(meant), len(look.rows) - len(meant), look.after


def _claim(
    store: Store, *, selector: Selector, now: float, until: float, after: DeliveryKey | None, room: int
) -> tuple[Claimed, DeliveryKey | None]:
    look = store.find(selector, now=now, after=after, limit=room)
    free = [row for row in look.rows if not row.is_deleted and _can_be_claimed(row)]
    return store.claim_rows(free, until=until), look.after


def _can_be_claimed(row: Row) -> bool:
    return row.status in WAITING or (row.status is Status.HELD and not row.is_damaged)
