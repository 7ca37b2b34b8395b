"""What becomes of a few messages that somebody waits for."""

from __future__ import annotations

import trio
from attrs import define, field

from empath.mail.facts import DeliveryAttempted, DeliveryEnded, Fact
from empath.mail.ids import MessageId


@define(eq=False)
class Watched:
    """One message."""

    attempts: list[DeliveryAttempted] = field(factory=list)
    ended: set[int] = field(factory=set)
    """The ordinals of the deliveries that have ended."""
    news: trio.Event = field(factory=trio.Event)

    async def wait_attempts(self, count: int) -> None:
        """Return when so many deliveries were attempted, or have ended."""
        while len(self.ended | {fact.delivery.ordinal for fact in self.attempts}) < count:
            await self.news.wait()
            self.news = trio.Event()


@define(eq=False)
class Outcomes:
    """An observer. It looks at nothing as long as nobody waits."""

    _watched: dict[MessageId, Watched] = field(init=False, factory=dict)

    def watch(self, mid: MessageId) -> Watched:
        """Begin to gather what becomes of a message. To be ended by ``forget``."""
        return self._watched.setdefault(mid, Watched())

    def forget(self, mid: MessageId) -> None:
        """Nobody waits any more."""
        self._watched.pop(mid, None)

    def observe(self, fact: Fact) -> None:
        """Take note of a fact about one of them."""
        if not self._watched or not isinstance(fact, DeliveryAttempted | DeliveryEnded):
            return
        watched = self._watched.get(fact.delivery.message)
        if watched is None:
            return
        if isinstance(fact, DeliveryAttempted):
            watched.attempts.append(fact)
        else:
            watched.ended.add(fact.delivery.ordinal)
        watched.news.set()
