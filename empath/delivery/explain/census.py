"""The census: how many deliveries wait for what, how old the oldest is, and how much mail there is.

Of what is in the lanes it is known at any moment. What waits in the spool has to be looked at, row by row, since what
holds it up changes without a word to the spool: a breaker opens, a moment comes. So that is done in passes, a portion
at a time, and a pass rests much longer than it took: it costs a small part of one core, however long the queue is, and
is so much older. Nothing is looked at unless somebody has asked for the figures lately.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import inf
from typing import Final

import trio
from attrs import define, field, frozen

from empath.delivery.explain.explainer import Explainer
from empath.mail.delivery import FINAL, WAITING, Status
from empath.mail.waiting import WaitReason
from empath.spool.contract import DeliveryKey, Row, Selector, Spool, SpoolError, Statistics

_PORTION: Final = 500
_BREATH: Final = 50
"""Rows after which others have a turn."""
_LEAST_S: Final = 5.0
_REST: Final = 20
"""A pass rests so many times as long as it took."""
_ASKED_S: Final = 300.0
"""For so long after a question there will probably be another one."""
_FIRST_S: Final = 1.0
"""How long the very first question waits for an answer."""
_STANDING: Final = frozenset({*WAITING, Status.IN_PROGRESS})


@frozen(kw_only=True)
class Count:
    """What a pass has found."""

    waits: Mapping[WaitReason, int]
    """Deliveries that wait in the spool and not in a lane, by what they wait for."""
    size_bytes: int
    """Of the bodies of all messages that are here, those in the trash included."""


@define(eq=False)
class Census:
    """``run`` it for as long as somebody may ask."""

    _explainer: Explainer
    oldest: float | None = field(init=False, default=None)
    """When the oldest delivery that has not ended was accepted, as of a few seconds ago; None: there is none."""
    count: Count | None = field(init=False, default=None)
    """Of the latest pass; None: there was none yet."""
    _asked_at: float = field(init=False, default=-inf)
    _question: trio.Event = field(init=False, factory=trio.Event)
    _answer: trio.Event = field(init=False, factory=trio.Event)

    async def ask(self) -> None:
        """Somebody wants the figures. Returns when there are some, or it takes too long."""
        self._asked_at = trio.current_time()
        self._question.set()
        with trio.move_on_after(_FIRST_S):
            await self._answer.wait()

    async def run(self) -> None:
        """Look, again and again, while somebody asks."""
        next_pass = -inf
        while True:
            if trio.current_time() - self._asked_at > _ASKED_S:
                self._question = trio.Event()
                await self._question.wait()
            began = trio.current_time()
            try:
                self.oldest = await self._oldest()
                if began >= next_pass:
                    self.count = await self._pass()
                    took_s = trio.current_time() - began
                    next_pass = began + took_s + max(_LEAST_S, _REST * took_s)
                self._answer.set()
            except SpoolError:
                self.oldest = self.count = None  # whoever looks after the spool speaks of it
            await trio.sleep(_LEAST_S)

    def waits(self, found: Statistics) -> Mapping[WaitReason, int] | None:
        """How many deliveries wait for what, all reasons included; None: nobody has looked yet."""
        if self.count is None:
            return None
        waits = Counter(dict.fromkeys(WaitReason, 0))
        waits.update(self.count.waits)
        node, in_lanes = self._explainer.of_node(), 0
        for lane in self._explainer.dispatcher.lanes.values():
            if lane.backlog:
                wait = node or self._explainer.of_lane(lane)
                waits[WaitReason.DUE if wait is None else wait.reason] += lane.backlog.deliveries
                in_lanes += lane.backlog.deliveries
        waits[WaitReason.IN_FLIGHT] += max(0, found.claimed - in_lanes)
        waits[WaitReason.HELD] += found.held + found.quarantined
        return waits

    async def _oldest(self) -> float | None:
        """Rows come in the order in which messages were accepted."""
        page = await self._spool.find(Selector(statuses=_STANDING), now=self._wall, limit=1)
        return page.rows[0].received if page.rows else None

    async def _pass(self) -> Count:
        waits: Counter[WaitReason] = Counter()
        size_bytes = 0
        for selector in (Selector(), Selector(in_trash=True)):
            cursor, before = None, DeliveryKey(-1, 0)
            while True:
                page = await self._spool.find(selector, now=self._wall, cursor=cursor, limit=_PORTION)
                for number, row in enumerate(page.rows):
                    if number % _BREATH == 0:
                        await trio.lowlevel.checkpoint()
                    if row.key.message != before.message:
                        size_bytes += row.size_bytes
                    before = row.key
                    waits.update(self._wait(row))
                if (cursor := page.cursor) is None:
                    break
        return Count(waits=waits, size_bytes=size_bytes)

    def _wait(self, row: Row) -> tuple[WaitReason, ...]:
        """What a row of the spool waits for; nothing for one that is counted elsewhere, or has ended."""
        if row.status in FINAL or row.status in (Status.IN_PROGRESS, Status.HELD):
            return ()
        wait = self._explainer.wait_of(row)
        return () if wait is None else (wait.reason,)

    @property
    def _spool(self) -> Spool:
        return self._explainer.dispatcher.spool

    @property
    def _wall(self) -> float:
        return self._explainer.dispatcher.closing.clock.now()
