"""A viewer: what he has subscribed to, and what he is to be sent next. Nothing here waits.

What is sent is made at the moment at which it can be sent, so a viewer whose network is slow gets what is true then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

import trio
from attrs import define, field

from empath.ops.api.tokens import Scope
from empath.ops.live.hub import Hub
from empath.ops.live.protocol import Code, Misunderstanding, Resync, Subscribe, Unsubscribe, parse
from empath.ops.live.subscription import Subscription

MOST_ERRORS: Final = 100
"""How much nonsense is answered to one viewer."""


@define(eq=False)
class Viewer:
    """One connection, without the connection. To be ended by ``leave``."""

    _hub: Hub
    _scopes: frozenset[Scope] = frozenset()
    _subscriptions: dict[int, Subscription] = field(init=False, factory=dict)
    _answers: deque[str] = field(init=False, factory=deque)
    _news: trio.Event = field(init=False, factory=trio.Event)
    _beat: int = field(init=False, default=0)
    errors: int = field(init=False, default=0)
    """How much he has said that was nonsense."""

    def wake(self, beat: int) -> None:
        """Look whether there is something to send at this beat."""
        self._beat = beat
        if any(one.is_due(beat) for one in self._subscriptions.values()):
            self._news.set()

    def hear(self, text: str | bytes) -> None:
        """Do what he says, or answer why not."""
        try:
            match parse(text):
                case Subscribe() as asked:
                    self._subscribe(asked)
                case Unsubscribe(number):
                    self._of(number).close()
                    del self._subscriptions[number]
                case Resync(number):
                    self._of(number).resync()
                    self._news.set()
        except Misunderstanding as problem:
            self.errors += 1
            self._answers.append(problem.frame())
            self._news.set()

    def _subscribe(self, asked: Subscribe) -> None:
        if asked.id in self._subscriptions:
            why = f"the id {asked.id} is in use already"
            raise Misunderstanding(Code.ID, why, "take another one, or unsub first", asked.id)
        most = self._hub.settings.max_subscriptions
        if len(self._subscriptions) >= most:
            why = f"there are {most} subscriptions already, which is api.live.max_subscriptions"
            raise Misunderstanding(Code.TOO_MANY, why, "unsub what you do not show", asked.id)
        self._subscriptions[asked.id] = self._hub.subscribe(asked, self._scopes)

    def _of(self, number: int) -> Subscription:
        found = self._subscriptions.get(number)
        if found is None:
            raise Misunderstanding(Code.ID, f"there is no subscription {number}", "sub makes one", number)
        return found

    async def wait(self) -> None:
        """Return when there is something to send."""
        await self._news.wait()
        self._news = trio.Event()

    def frames(self) -> Iterator[str]:
        """Yield what is to be sent. Each frame is made when it is asked for."""
        while self._answers:
            yield self._answers.popleft()
        for number in list(self._subscriptions):
            one = self._subscriptions.get(number)
            if one is not None and one.is_due(self._beat):
                yield from one.frames(self._beat)

    def leave(self) -> None:
        """End all subscriptions."""
        for one in self._subscriptions.values():
            one.close()
        self._subscriptions.clear()
