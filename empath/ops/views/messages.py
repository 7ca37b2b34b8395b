"""Deliveries as people see them: rows of a list, and all there is about one message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec
from attrs import frozen

from empath.mail.delivery import WAITING
from empath.mail.ids import MessageId
from empath.spool.contract import Page, Row, Selector
from empath.world.ports import Clock

_PORTION = 1000
"""Rows that are asked for at a time."""


class DeliveryRow(msgspec.Struct, frozen=True, kw_only=True):
    """One recipient of one message."""

    delivery: str
    mid: str
    sender: str
    """Empty: the null reverse-path."""
    recipient: str
    domain: str
    status: str
    wait: str | None
    """Why it is not being attempted; None: it has ended, or its lane knows."""
    attempts: int
    received: float
    next_attempt: float | None
    """None: nothing is planned."""
    size_bytes: int
    priority: int
    reply: str
    """What the latest attempt came to; empty: nothing is known."""
    since: float | None
    """When it was held, has ended or was deleted."""
    note: str
    """Why, in the words of who did it."""
    aside: str | None
    """The site it is set aside for."""
    damaged: bool
    deleted: bool


class DeliveryList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a list."""

    schema: Literal["empath.messages/1"] = "empath.messages/1"
    deliveries: tuple[DeliveryRow, ...]
    cursor: str | None
    """What to ask for to get the next page; None: this was the last."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message with its deliveries that are still here."""

    schema: Literal["empath.message/1"] = "empath.message/1"
    mid: str
    sender: str
    received: float
    size_bytes: int
    deliveries: tuple[DeliveryRow, ...]


class Finder(Protocol):
    """What a spool finds."""

    async def find(self, selector: Selector, *, now: float, cursor: str | None = None, limit: int = 100) -> Page:
        """Up to ``limit`` deliveries that a selector chooses."""


@frozen
class MessageView:
    """Makes the views of messages."""

    spool: Finder
    clock: Clock

    async def page(self, selector: Selector, *, cursor: str | None, limit: int) -> DeliveryList:
        """See `DeliveryList`. A ValueError: the cursor is none."""
        now = self.clock.now()
        page = await self.spool.find(selector, now=now, cursor=cursor, limit=limit)
        return DeliveryList(deliveries=tuple([delivery_row(row, now) for row in page.rows]), cursor=page.cursor)

    async def message(self, mid: MessageId) -> Message | None:
        """See `Message`; None: there is nothing of it here."""
        rows = await self.rows(mid)
        if not rows:
            return None
        first, now = rows[0], self.clock.now()
        return Message(
            mid=str(mid),
            sender=first.sender,
            received=first.received,
            size_bytes=first.size_bytes,
            deliveries=tuple([delivery_row(row, now) for row in rows]),
        )

    async def rows(self, mid: MessageId) -> Sequence[Row]:
        """All deliveries of a message, those in the trash too."""
        rows: list[Row] = []
        for in_trash in (False, True):
            selector, cursor = Selector(ids=frozenset({mid}), in_trash=in_trash), None
            while True:
                page = await self.spool.find(selector, now=self.clock.now(), cursor=cursor, limit=_PORTION)
                rows += page.rows
                if (cursor := page.cursor) is None:
                    break
        return sorted(rows, key=lambda row: row.key.ordinal)


def delivery_row(row: Row, now: float) -> DeliveryRow:
    """A row of the spool, for people."""
    wait = row.wait(now)
    return DeliveryRow(
        delivery=str(row.id),
        mid=str(row.mid),
        sender=row.sender,
        recipient=row.recipient,
        domain=row.domain,
        status=row.status.value,
        wait=wait.value if wait else None,
        attempts=row.attempts,
        received=row.received,
        next_attempt=row.next_attempt if row.status in WAITING and not row.is_deleted else None,
        size_bytes=row.size_bytes,
        priority=row.priority,
        reply=row.reply,
        since=row.since or None,
        note=row.note,
        aside=row.aside,
        damaged=row.is_damaged,
        deleted=row.is_deleted,
    )
