"""A lane: one destination site with its breaker, its window and its bounded backlog.

The lane decides, and senders do. ``feed`` puts work in; a sender takes it out with ``next_call``, for which the breaker
gives leave; ``settle`` hears what came of it. All decisions are plain functions between two awaits. A lane
runs as a task only while it has work or connections: it starts senders as the window grows, and sleeps to the very
moment at which its breaker lets the next probe through.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from math import inf
from typing import NamedTuple, Protocol

import trio
from attrs import define, field

from empath.delivery.lanes.capacity import Capacity
from empath.delivery.lanes.job import Job
from empath.mail.diagnosis import Charge
from empath.mail.facts import BreakerMoved, Fact
from empath.mail.outcome import Delivered, Outcome
from empath.policy.breaker import Breaker, BreakerState, Ticket
from empath.policy.window import Window


class Call(NamedTuple):
    """A job that was taken out, and the breaker's leave to attempt it."""

    job: Job
    ticket: Ticket


class Sender(Protocol):
    """What a lane starts: the owner of one connection."""

    async def run(self) -> None:
        """Take jobs from the lane until there are none for a while."""


@define(eq=False, kw_only=True)
class Lane:
    """See the module."""

    site: str
    breaker: Breaker
    window: Window
    _capacity: Capacity
    _new_sender: Callable[[Lane], Sender]
    _observe: Callable[[Fact], None]
    _wall: Callable[[], float]
    backlog: deque[Job] = field(init=False, factory=deque)
    deliveries: int = field(init=False, default=0)
    """How many there are in the backlog."""
    size_bytes: int = field(init=False, default=0)
    """What the messages of the backlog take in memory."""
    senders: int = field(init=False, default=0)
    """Connections it has or is opening."""
    running: bool = field(init=False, default=False)
    _draining: bool = field(init=False, default=False)
    _calls: int = field(init=False, default=0)
    """Jobs that are with senders."""
    _parked: trio.lowlevel.ParkingLot = field(init=False, factory=trio.lowlevel.ParkingLot)
    _changed: trio.Event = field(init=False, factory=trio.Event)

    @property
    def room(self) -> float:
        """How many more jobs it can make use of soon, as far as its breaker is concerned; inf: any number."""
        if self.breaker.state is BreakerState.CLOSED:
            return inf
        return self.breaker.half_open_max_calls - len(self.backlog)

    @property
    def is_fresh(self) -> bool:
        """Whether nothing would be lost if the lane were forgotten and made anew."""
        return not (self.backlog or self.running) and self.breaker.until is None

    def feed(self, job: Job) -> None:
        """Put work in. The lane must be running, or be started."""
        self.backlog.append(job)
        self._weigh(job, 1)
        self.notice()

    def drain(self) -> list[Job]:
        """Hand no further jobs out, and return those that were not."""
        self._draining = True
        left, self.backlog = list(self.backlog), deque()
        self.deliveries = self.size_bytes = 0
        self._parked.unpark_all()
        self._changed.set()
        return left

    def shed(self) -> list[Job]:
        """Return what cannot go out soon because the breaker is open, all but what the probes will need."""
        if self.breaker.until is None:
            return []
        left = []
        while self.room < 0:
            left.append(self.backlog.pop())
            self._weigh(left[-1], -1)
        return left

    def _weigh(self, job: Job, sign: int) -> None:
        self.deliveries += sign * len(job.deliveries)
        self.size_bytes += sign * job.claim.size_bytes

    def notice(self) -> None:
        """Something has changed that may let the lane go on."""
        self._parked.unpark(count=min(len(self.backlog), len(self._parked)))
        self._changed.set()

    async def run(self) -> None:
        """See to it that the backlog has senders. Ends when there is neither; to be started again by who feeds it."""
        self.running = True
        try:
            while self.backlog:  # closing the nursery takes a moment, in which work may come
                async with trio.open_nursery() as nursery:
                    await self._keep_staffed(nursery)
        finally:
            self.running = False
            self._capacity.forget(self.notice)

    async def _keep_staffed(self, nursery: trio.Nursery) -> None:
        while self.backlog or self.senders:
            self._changed = trio.Event()
            self._staff(nursery)
            opens_at = self.breaker.until
            if opens_at is None or opens_at <= trio.current_time():
                opens_at = inf
            with trio.move_on_at(opens_at):
                await self._changed.wait()

    def _staff(self, nursery: trio.Nursery) -> None:
        """Wake or start as many senders as may work now, as far as breaker, window and capacity allow."""
        ready = min(len(self.backlog), self.breaker.room(trio.current_time()))
        self._parked.unpark(count=min(int(ready), len(self._parked)))
        while self.senders < self.window.size and self.senders - self._calls < ready:
            if not self._capacity.take():
                self._capacity.wait(self.notice)
                return
            self.senders += 1
            nursery.start_soon(self._employ)
        self._capacity.forget(self.notice)

    async def _employ(self) -> None:
        try:
            await self._new_sender(self).run()
        finally:
            self.senders -= 1
            self._capacity.give_back()
            self._changed.set()

    async def next_call(self, *, idle_s: float) -> Call | None:
        """The next job, once there is one and the breaker lets it through.

        None: there was none for ``idle_s``, or somebody else needs the connection, or the daemon is stopping.
        """
        call = self._take()
        if call is not None:
            return call
        with trio.move_on_after(idle_s) as scope:
            while not self._draining:
                self._capacity.idle(scope, scope.cancel)
                try:
                    await self._parked.park()
                finally:
                    self._capacity.busy(scope)
                call = self._take()
                if call is not None:
                    return call
        return None

    def _take(self) -> Call | None:
        if not self.backlog:
            return None
        before = self.breaker.state
        ticket = self.breaker.admit(trio.current_time())
        self._tell(before)
        if ticket is None:
            return None
        self._calls += 1
        job = self.backlog.popleft()
        self._weigh(job, -1)
        return Call(job, ticket)

    def settle(self, call: Call, outcomes: Iterable[Outcome] | None) -> None:
        """Hear what a call came to; None: nothing that says anything about the site."""
        self._calls -= 1
        before = self.breaker.state
        if outcomes is None:
            self.breaker.withdraw(call.ticket)
        elif all(_site_failed(outcome) for outcome in outcomes):
            self.breaker.fail(call.ticket, trio.current_time())
            self.window.fail(self._calls)
        else:
            self.breaker.succeed(call.ticket)
            self.window.succeed()
        self._tell(before)
        if self.backlog:
            self._changed.set()

    def _tell(self, before: BreakerState) -> None:
        if self.breaker.state is before:
            return
        until = None if self.breaker.until is None else self._wall() + self.breaker.until - trio.current_time()
        self._observe(
            BreakerMoved(
                at=self._wall(), site=self.site, before=before.value, after=self.breaker.state.value, until=until
            )
        )


def _site_failed(outcome: Outcome) -> bool:
    return not isinstance(outcome, Delivered) and outcome.diagnosis.kind.charge is Charge.SITE
