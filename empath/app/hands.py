"""What operators do to mail, brought to those who do it: the spool, the lanes, and who ends deliveries."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from empath.delivery.lanes.control import Control
from empath.delivery.recording.dismissal import Dismissal
from empath.spool.contract import Action, Changed, Page, Selector, Spool


@frozen(kw_only=True)
class OperatorHands:
    """See `empath.ops.acting.Hands`."""

    spool: Spool
    control: Control
    dismissal: Callable[[], Dismissal]
    """Under the terms of the moment."""

    async def find(self, selector: Selector, *, now: float, cursor: str | None = None, limit: int = 100) -> Page:
        """Choose."""
        return await self.spool.find(selector, now=now, cursor=cursor, limit=limit)

    async def apply(self, action: Action, selector: Selector, *, now: float) -> Changed:
        """Change what lies in the spool."""
        return await self.spool.apply(action, selector, now=now)

    async def flush(self, selector: Selector) -> Changed:
        """Make due."""
        return await self.control.flush(selector)

    async def hold(self, selector: Selector, *, by: str, why: str) -> Changed:
        """Put on hold, from memory too."""
        return await self.control.hold(selector, by=by, why=why)

    async def release(self, selector: Selector) -> Changed:
        """Take from hold."""
        return await self.control.release(selector)

    async def bounce(self, selector: Selector, *, why: str) -> Changed:
        """End, and tell the senders."""
        return await self.dismissal().bounce(selector, why=why)
