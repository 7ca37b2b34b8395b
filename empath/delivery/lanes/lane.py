"""A lane: one destination site with its breaker, its window and its bounded backlog.

The lane decides, and senders do. ``feed`` puts work in; a sender takes it out with ``next_call``, for which the breaker
gives leave; ``settle`` hears what came of it. All decisions are plain functions between two awaits. A lane
runs as a task only while it has work or connections: it starts senders as the window grows, and sleeps to the very
moment at which its breaker lets the next probe through.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from math import inf

import trio
from attrs import Factory, define, field

from empath.delivery.lanes import cause
from empath.delivery.lanes.call import Call, Sender
from empath.delivery.lanes.capacity import Capacity
from empath.delivery.lanes.cause import Cause
from empath.delivery.lanes.helm import Helm
from empath.delivery.lanes.hosts import Place
from empath.delivery.lanes.job import Job
from empath.delivery.lanes.leave import Leave
from empath.delivery.lanes.queue import Queue
from empath.delivery.lanes.shift import OFF_DUTY, Shift
from empath.delivery.lanes.verdict import is_turned_away, judge
from empath.mail.facts import Fact
from empath.mail.outcome import Delivered, Outcome
from empath.policy.breaker import Breaker, BreakerState
from empath.policy.steering import Orders
from empath.policy.window import Window


@define(eq=False, kw_only=True)
class Lane:
    """See the module."""

    site: str
    breaker: Breaker
    window: Window
    helm: Helm
    _capacity: Capacity
    _new_sender: Callable[[Lane], Sender]
    _observe: Callable[[Fact], None]
    _wall: Callable[[], float]
    leave: Leave = field(default=Factory(lambda lane: Leave(site=lane.site, window=lane.window), takes_self=True))
    backlog: Queue = field(init=False, default=Factory(lambda lane: lane.leave.queue, takes_self=True))
    senders: int = field(init=False, default=0)
    """Connections it has or is opening."""
    running: bool = field(init=False, default=False)
    cause: Cause | None = field(init=False, default=None)
    """What holds it up, recorded when that was decided; None: nothing does."""
    errands: dict[int, tuple[Job, Cause]] | None = field(init=False, default=None)
    is_draining: bool = field(init=False, default=False)
    """Whether it hands nothing out any more, since the daemon is stopping, or a new lane has taken its place."""
    calls: int = field(init=False, default=0)
    """Jobs that are with senders."""
    _shift: Shift = field(init=False, default=OFF_DUTY)

    def __attrs_post_init__(self) -> None:
        self.leave.wake = self.notice

    @property
    def room(self) -> float:
        """How many more jobs it can make use of soon, as far as breaker and helm are concerned; inf: any number."""
        if self.helm.steering is not None and self.helm.stop(trio.current_time()) is not None:
            # One job keeps the lane awake until a time is over that nobody else watches.
            return (0 if self.helm.is_ordered else 1) - len(self.backlog)
        if self.breaker.state is BreakerState.CLOSED:
            return inf
        return self.breaker.half_open_max_calls - len(self.backlog)

    @property
    def waits_for_capacity(self) -> bool:
        """Whether it could go on if there were not as many connections as there may be in all."""
        return self._capacity.has_in_line(self.notice)

    @property
    def is_fresh(self) -> bool:
        """Whether nothing would be lost if the lane were forgotten and made anew."""
        return not (self.backlog or self.running or self.helm.steering) and self.breaker.state is BreakerState.CLOSED

    def feed(self, job: Job) -> None:
        """Put work in. The lane must be running, or be started."""
        self.backlog.push(job)
        self.notice()

    def drain(self) -> list[Job]:
        """Hand no further jobs out, and return those that were not."""
        self.is_draining = True
        left = self.backlog.empty()
        self._shift.parked.unpark_all()
        self._shift.changed.set()
        return left

    def shed(self) -> list[Job]:
        """Return what cannot go out soon, since the breaker is open or the lane is stopped; it keeps its ``room``."""
        if self.breaker.until is None and self.helm.steering is None:
            return []
        left = []
        while self.room < 0:
            left.append(self.backlog.drop_last())
        return left

    def take_out(self, wanted: Callable[[Job], bool]) -> list[Job]:
        """Return those of the backlog that are wanted elsewhere."""
        taken = self.backlog.remove(wanted)
        if taken:
            self.notice()
        return taken

    def notice(self) -> None:
        """Something has changed that may let the lane go on."""
        self._shift.parked.unpark(count=min(len(self.backlog), len(self._shift.parked)))
        self._shift.changed.set()

    async def run(self) -> None:
        """See to it that the backlog has senders. Ends when there is neither; to be started again by who feeds it."""
        self.running, self._shift = True, Shift()
        try:
            while self.backlog:  # closing the nursery takes a moment, in which work may come
                async with trio.open_nursery() as nursery:
                    await self._keep_staffed(nursery)
        finally:
            self.running, self._shift = False, OFF_DUTY
            self._capacity.forget(self.notice)

    async def _keep_staffed(self, nursery: trio.Nursery) -> None:
        while self.backlog or self.senders:
            self._shift.changed = trio.Event()
            self._staff(nursery)
            self._note()
            now, opens_at = trio.current_time(), self.breaker.until
            if opens_at is None or opens_at <= now:
                opens_at = inf
            await self._shift.wait(min(opens_at, self.helm.wakes_at(now), self.leave.wakes_at(now)))

    def _staff(self, nursery: trio.Nursery) -> None:
        """Wake or start as many senders as may work now, as far as breaker, window and capacity allow."""
        now = trio.current_time()
        ready = min(self.leave.jobs(now), self.breaker.room(now))
        if self.helm.steering is not None:
            self.helm.settle(now)
            if self.helm.ready_at(now) > now:
                ready = 0
            elif self.helm.is_rated:
                ready = min(ready, 1)
        self._shift.parked.unpark(count=min(int(ready), len(self._shift.parked)))
        while self.senders < self.window.size and self.senders - self.calls < ready and self.leave.may_connect(now):
            critical = self.backlog.has_critical
            if not self._capacity.take(critical=critical):
                self._capacity.wait(self.notice, critical=critical)
                return
            self.leave.opening = True
            self.senders += 1
            nursery.start_soon(self._employ)
        self._capacity.forget(self.notice)

    async def _employ(self) -> None:
        try:
            await self._new_sender(self).run()
        finally:
            self.senders -= 1
            self.leave.opening = False
            self._capacity.give_back()
            self._shift.changed.set()

    async def next_call(self, *, idle_s: float, place: Place | None = None) -> Call | None:
        """The next job, once there is one and the breaker lets it through.

        None: there was none for ``idle_s``, or somebody else needs the connection, or the daemon is stopping, or the
        window has become narrower.
        """
        if self.senders > self.window.size:
            return None
        call = self._take()
        if call is not None:
            return call
        with trio.move_on_after(idle_s) as scope:
            while not self.is_draining:
                self._capacity.idle(scope, scope.cancel)
                if place is not None:
                    place.idle(scope.cancel)
                try:
                    await self._shift.parked.park()
                finally:
                    self._capacity.busy(scope)
                    if place is not None:
                        place.busy()
                call = self._take()
                if call is not None:
                    return call
        return None

    def _take(self) -> Call | None:
        if not self.backlog:
            return None
        now = trio.current_time()
        if self.helm.steering is not None and self.helm.ready_at(now) > now:
            return None
        before = self.breaker.state
        ticket = self.breaker.admit(now)
        self._tell(before)
        if ticket is None:
            return None
        job = self.leave.next_job(now)
        if job is None:
            self.breaker.withdraw(ticket)
            self._shift.changed.set()  # the moment to wait for has changed
            return None
        self.helm.took(now)
        if self.helm.is_rated:
            self._shift.changed.set()  # the next one has its moment, too
        if self.cause is not None and not self.backlog:
            self._note()
        self.calls += 1
        return Call(job, ticket, now)

    def hand_back(self, call: Call) -> None:
        """A job could not be attempted for want of a place; it goes as soon as there is one."""
        self.calls -= 1
        self.leave.ended(call.job)
        self.breaker.withdraw(call.ticket)
        self.backlog.give_back(call.job, call.taken_at)
        self._shift.changed.set()

    def takes_further(self, job: Job) -> bool:
        """Whether a further transaction of a message that is under way may begin now: it counts like a message."""
        now = trio.current_time()
        if self.helm.ready_at(now) > now or not self.backlog.takes_further(job, now):
            return False
        self.helm.took(now)
        return True

    def takes_back(self, call: Call, outcomes: Collection[Outcome]) -> bool:
        """Whether a host turned the connection away while it serves others of this lane: then the job is back in its
        place, with all its attempts, and the window has become narrower.
        """
        if self.senders < 2 or self.is_draining or not is_turned_away(outcomes, self.breaker, self.window):
            return False
        self.window.fail()
        self.helm.hear(outcomes, trio.current_time())
        self.hand_back(call)
        return True

    def settle(self, call: Call, outcomes: Collection[Outcome] | None) -> None:
        """Hear what a call came to; None: nothing that says anything about the site."""
        self.calls -= 1
        self.leave.ended(call.job)
        before, now, under_way = self.breaker.state, trio.current_time(), self.calls + 1 - self.leave.dialling
        judge(call, outcomes, breaker=self.breaker, window=self.window, under_way=under_way, now=now)
        if outcomes is not None and not all(isinstance(outcome, Delivered) for outcome in outcomes):
            self.helm.hear(outcomes, now)
            self._note()
        self._tell(before)
        if self.backlog:
            self._shift.changed.set()

    def steer(self, orders: Orders) -> None:
        """Do what operators want from now on."""
        self.helm.obey(orders)
        self.backlog.overlay(is_overlaid=orders.rate_per_s is not None, rates=orders.domain_rates)
        self._note()
        self.notice()

    def isolate(self, until: float) -> None:
        """Open the breaker, whatever is known of the site, until then on Trio's clock."""
        before = self.breaker.state
        self.breaker.isolate(until)
        self._tell(before)

    def reset(self) -> None:
        """Forget what was found out about the site, and what its hosts have asked for."""
        self.helm.forget()
        self.window.restart()
        self._note()
        self.notice()

    def reset_breaker(self) -> None:
        """Close the breaker, and forget what led to it."""
        before = self.breaker.state
        self.breaker.reset()
        self._tell(before)
        self.notice()

    def _tell(self, before: BreakerState) -> None:
        if self.breaker.state is before:
            return
        if self.breaker.state is BreakerState.CLOSED:
            self.window.restart()
        self._observe(cause.moved(self, before, trio.current_time(), self._wall()))
        self._note()

    def _note(self) -> None:
        """Record what holds the lane up, and tell of another reason."""
        fact = cause.note(self, trio.current_time(), self._wall)
        if fact is not None:
            self._observe(fact)
