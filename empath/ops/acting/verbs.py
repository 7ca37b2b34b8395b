"""The verbs, what each is for, and who carries them out."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final, Protocol

from empath.mail.delivery import FINAL, WAITING, Status
from empath.spool.contract import Action, Changed, Page, Row, Selector


class Verb(Enum):
    """What can be done to chosen deliveries."""

    RETRY = "retry"
    """Make them due now. All limits hold as before."""
    HOLD = "hold"
    RELEASE = "release"
    BOUNCE = "bounce"
    """End them, and tell their senders."""
    FAIL = "fail"
    """End them, and tell nobody."""
    DELETE = "delete"
    """Move them to the trash. Nobody is told."""
    UNDELETE = "undelete"

    def is_for(self, row: Row) -> bool:
        """Whether it can be done to a delivery as it stands."""
        return _IS_FOR[self](row)


def _rests(row: Row) -> bool:
    return not row.is_deleted and row.status not in FINAL


_IS_FOR: Final[dict[Verb, Callable[[Row], bool]]] = {
    Verb.RETRY: lambda row: not row.is_deleted and row.status in WAITING,
    # What is in progress may be waiting in memory, and is taken from there.
    Verb.HOLD: lambda row: _rests(row) and row.status is not Status.HELD,
    Verb.RELEASE: lambda row: not row.is_deleted and row.status is Status.HELD and not row.is_damaged,
    Verb.BOUNCE: lambda row: _rests(row) and not row.is_damaged,
    Verb.FAIL: lambda row: _rests(row) and row.status is not Status.IN_PROGRESS,
    Verb.DELETE: lambda row: not row.is_deleted and row.status is not Status.IN_PROGRESS,
    Verb.UNDELETE: lambda row: row.is_deleted,
}
REVERSE: Final = {
    Verb.HOLD: Verb.RELEASE,
    Verb.RELEASE: Verb.HOLD,
    Verb.DELETE: Verb.UNDELETE,
    Verb.UNDELETE: Verb.DELETE,
    Verb.BOUNCE: Verb.RELEASE,
}


class Hands(Protocol):
    """Who does it, in delivery and in the spool."""

    async def find(self, selector: Selector, *, now: float, cursor: str | None = None, limit: int = 100) -> Page:
        """Choose."""

    async def apply(self, action: Action, selector: Selector, *, now: float) -> Changed:
        """Change what lies in the spool."""

    async def flush(self, selector: Selector) -> Changed:
        """Make due."""

    async def hold(self, selector: Selector, *, by: str, why: str) -> Changed:
        """Put on hold, from memory too."""

    async def release(self, selector: Selector) -> Changed:
        """Take from hold."""

    async def bounce(self, selector: Selector, *, why: str) -> Changed:
        """End what is on hold or waits, and tell the senders."""
