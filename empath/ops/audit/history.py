"""What the audit log knows of an address or a message, for somebody who waits for the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from enum import Enum

import trio
from attrs import define, field, frozen

from empath.ops.audit.blocks import Unreadable
from empath.ops.audit.redaction import hashed
from empath.ops.audit.search import Search
from empath.ops.audit.seeking import Sought, Told, earliest
from empath.ops.audit.stories import Story, stories_of

_SETTLE_S = 1.0
"""How long a search waits for what happened a moment ago to be written."""


class Limit(Enum):
    """Why not all was looked at."""

    TIME = "time"
    RECORDS = "records"
    UNREADABLE = "unreadable"


@frozen(kw_only=True)
class Found:
    """What a search has found."""

    asked: str
    names: frozenset[str]
    records: list[Told]
    since: float
    """From when on was looked."""
    limit: Limit | None
    """None: everything was looked at."""

    def stories(self) -> list[Story]:
        """What became of each delivery, the oldest first."""
        return stories_of(self.records, asked=self.asked, names=self.names)


def names_for(asked: str, key: bytes | None) -> frozenset[str]:
    """How records may call an address or a message, in lower case: by its name, or by its hash."""
    plain = asked.strip().lower()
    return frozenset({plain} if key is None or "@" not in plain else {plain, hashed(plain, key)})


@define(eq=False, kw_only=True)
class History:
    """Searches, one at a time."""

    search: Search
    settle: Callable[[], Awaitable[None]]
    """Returns when all that has happened is written."""
    key: Callable[[], Awaitable[bytes | None]]
    """The key by which addresses were hashed, if they were. Raises DiskError."""
    timeout_s: float
    max_records: int
    _turn: trio.Lock = field(init=False, factory=trio.Lock)

    async def find(self, asked: str, *, since: float) -> Found:
        """Look for what is about an address, in whatever capitals, or about a message. Raises DiskError.

        It ends after ``timeout_s`` or with ``max_records`` found, and has looked at the newest files first.
        """
        names = names_for(asked, await self.key())
        since = max(since, earliest(names))
        records: list[Told] = []
        limit: Limit | None = Limit.TIME
        with trio.move_on_after(_SETTLE_S):
            await self.settle()
        with trio.move_on_after(self.timeout_s):
            async with self._turn:
                limit = await self._collect(Sought(names=(names,), since=since), records)
        return Found(asked=asked, names=names, records=records, since=since, limit=limit)

    async def _collect(self, sought: Sought, records: list[Told]) -> Limit | None:
        try:
            async with aclosing(self.search.hits(sought)) as found:
                async for some in found:
                    records += [hit.record for hit in some[: self.max_records - len(records)]]
                    if len(records) >= self.max_records:
                        return Limit.RECORDS
        except Unreadable:
            return Limit.UNREADABLE
        return None
