"""The dispatcher: claims what is due, and feeds the lanes.

What is in memory is a window on the spool. The dispatcher claims no more than there is room for, in all and in each
lane; each claim is divided among the lanes of its sites. What is due for a lane without room is set aside in the spool,
and recalled when the lane has room again: it costs nothing meanwhile, and delays nothing. A doorbell tells of new
messages; losing it would do no harm, since the next due moment is known.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Hashable
from math import inf
from typing import Final

import trio
from attrs import define, field

from empath.delivery.lanes.job import Job
from empath.delivery.lanes.lane import Lane
from empath.delivery.lanes.newcomers import Newcomers
from empath.delivery.lanes.rooms import Rooms
from empath.delivery.lanes.stock import Stock
from empath.delivery.recording.closing import Closing, tell_of_quarantine
from empath.mail.envelope import Envelope
from empath.mail.failure import DamagedRecord
from empath.mail.record import decode_envelope
from empath.spool.contract import Claim, ClaimedDelivery, Damage, Demand, Spool, SpoolError

_LOG = logging.getLogger(__name__)

_PORTION: Final = 1000
"""Deliveries in one claim: others wait for the spool meanwhile."""
_NAMED: Final = 10
"""Damaged messages that the log names at the start, one by one."""
_LOOK_S: Final = 30.0
"""How often it is looked what waits in the lanes."""
_AFTER_FAULT_S = 5.0
"""How long claiming rests after the spool failed."""


@define(eq=False, kw_only=True)
class Dispatcher:
    """See the module."""

    spool: Spool
    closing: Closing
    new_lane: Callable[[str], Lane]
    site_of: Callable[[str], str]
    """The site for a recipient domain. Called in a thread of the spool too."""
    company_of: Callable[[str], Hashable]
    """What is the same for recipient domains that may go in one transaction."""
    stock: Stock
    rooms: Rooms
    max_lanes: int
    """Lanes that are remembered. Those that have work are never forgotten, and are bounded by ``stock``."""
    head_start_s: float = 0.0
    """How much longer other mail must have been due to be claimed before what is one degree more urgent."""
    lease_s: float
    """How far a claim moves the next attempt: what a crash in the middle of it costs."""
    next_due: float = field(init=False, default=-inf)
    """When the first of what waits in the spool is due, as far as the latest claim has seen."""
    lanes: dict[str, Lane] = field(init=False, factory=dict)
    """The lanes that have work, or a memory worth keeping."""
    frozen: bool = field(init=False, default=False)
    """Whether nothing is claimed, since nothing may be attempted."""
    kept_back: Callable[[Job], float | None] | None = field(init=False, default=None)
    """Until when a job waits for a rule that does not stop its lane, or None; None: there are no such rules."""
    apart: frozenset[str] = field(init=False, default=frozenset())
    """Domains that rules are for: they keep no company."""
    prepare: Callable[[Lane], None] | None = field(init=False, default=None)
    """Tells a new lane what operators want of it."""
    _free: trio.Event = field(init=False, factory=trio.Event)
    _rest: trio.CancelScope = field(init=False, factory=trio.CancelScope)
    """Around the wait for something to do."""

    async def run(self, work: trio.Nursery) -> None:
        """Claim and feed until cancelled. Lanes run in ``work``."""
        newcomers = Newcomers(self, work)
        self.spool.hand_over_to(newcomers)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._run, work)
                nursery.start_soon(self._look_after)
        finally:
            self.spool.hand_over_to(None)
            newcomers.end()

    async def _run(self, work: trio.Nursery) -> None:
        knows = False
        while True:
            while self.stock.is_full or self.frozen:
                self._free = trio.Event()
                await self._free.wait()
            try:
                if not knows:
                    await self._take_stock()
                    knows = True
                next_due = await self._claim(work)
            except SpoolError as problem:
                self.closing.persistence.note(problem)
                _LOG.error("the spool cannot be read: %s", problem)
                await trio.sleep(_AFTER_FAULT_S)
                continue
            await self._pause(next_due)

    async def _look_after(self) -> None:
        """Take out of the lanes what somebody is to be told of, whatever it waits for there: a probe, or a limit."""
        while True:
            await trio.sleep(_LOOK_S)
            for lane in [one for one in self.lanes.values() if one.backlog]:
                for job in lane.take_out(lambda job: self.closing.is_expired(job) or self.closing.is_late(job)):
                    await self._tell(job, self.closing.expire if self.closing.is_expired(job) else self.closing.warn)

    async def _take_stock(self) -> None:
        """See what earlier processes have left."""
        self.rooms.set_aside(await self.spool.sites_aside())
        damaged = await self.spool.quarantine()
        for damage in damaged[:_NAMED]:
            tell_of_quarantine(damage)
        if len(damaged) > _NAMED:
            _LOG.error("%d messages are in quarantine in all", len(damaged))

    async def _pause(self, next_due: float | None) -> None:
        """Wait until something is due, or has come, or a lane has room again for what was set aside for it."""
        pause_s = inf if next_due is None else max(0.0, next_due - self.closing.clock.now())
        with trio.move_on_after(pause_s) as self._rest:
            if not self.rooms.recallable:
                await self.spool.wait_news()

    async def _claim(self, work: trio.Nursery) -> float | None:
        """Take what there is room for, and give it to the lanes; when to come again."""
        now = self.closing.clock.now()
        demand = self._demand()
        claimed = await self.spool.claim(
            now=now,
            until=now + self.lease_s,
            latest=self.closing.retry.latest(now),
            room=min(_PORTION, self.stock.share_deliveries, self.stock.max_deliveries - self.stock.deliveries),
            demand=demand,
        )
        self.next_due = inf if claimed.next_due is None else claimed.next_due
        self.rooms.set_aside(claimed.aside, none_left=frozenset(demand.recalled) - claimed.aside)
        for damage in claimed.damaged:
            tell_of_quarantine(damage)
        jobs = [job for claim in claimed.claims for job in await self._divide(claim)]
        crowded: list[Job] = []
        shut_out: list[Job] = []
        for job in jobs:
            if job.envelope.is_kept_back(now):
                # Kept back (RFC 4865), to a moment so far ahead that the spool takes it for a slip of the clock: such a
                # message is looked at from time to time.
                await self.put_back([job], job.envelope.release)
            elif self.closing.is_expired(job):
                await self._tell(job, self.closing.expire)
            elif self.kept_back is not None and (moment := self.kept_back(job)) is not None:
                if self.closing.is_late(job):
                    await self._tell(job, self.closing.warn)
                else:
                    await self.put_back([job], min(moment, self.closing.next_moment(job)))
            elif self.rooms.is_tight(job.site) and self.closing.is_late(job):
                await self._tell(job, self.closing.warn)
            elif not self.feed(job, work):
                # Due at once, so that the next claim sets it aside for a lane that is known to take less now.
                (shut_out if self.rooms.is_tight(job.site) else crowded).append(job)
        await self.put_back(shut_out, now)
        await self.put_back(crowded, now + self.lease_s)
        return claimed.next_due

    def _demand(self) -> Demand:
        return Demand(
            size_bytes=min(self.stock.share_bytes, self.stock.max_bytes - self.stock.size_bytes),
            site_of=self.site_of,
            site_room=self.rooms.usual,
            rooms=self.rooms.tight,
            recalled=self.rooms.recallable,
            moments=self.closing.moments.first,
            head_start_s=self.head_start_s,
        )

    async def _divide(self, claim: Claim) -> list[Job]:
        """The jobs of a claim. An envelope that cannot be read holds nothing else up."""
        try:
            return self.jobs_of(claim, decode_envelope(claim.envelope))
        except DamagedRecord as problem:
            damage = Damage(mid=str(claim.mid), reason=f"its envelope cannot be read: {problem}")
            await self.closing.quarantine(damage, claim.deliveries)
            return []

    def jobs_of(self, claim: Claim, envelope: Envelope) -> list[Job]:
        """One job for those who keep company. From here on they are in memory, until ``release``."""
        if len(claim.deliveries) == 1:
            self.stock.put(claim, 1)
            return [self._job(claim, envelope, claim.deliveries)]
        groups: dict[Hashable, list[ClaimedDelivery]] = {}
        for delivery in claim.deliveries:
            domain = delivery.domain
            # How a host must prove itself under REQUIRETLS hangs on the domain (RFC 8689 4.2.1).
            is_alone = envelope.params.requiretls or domain in self.apart
            company = domain if is_alone else self.company_of(domain)
            # One whose time is over must not be carried along by others; rules can make such a difference.
            is_over = bool(self.closing.retry.rules) and self.closing.is_over(envelope, delivery)
            groups.setdefault((self.site_of(domain), company, is_over), []).append(delivery)
        self.stock.put(claim, len(groups))
        return [self._job(claim, envelope, tuple(group)) for group in groups.values()]

    def _job(self, claim: Claim, envelope: Envelope, deliveries: tuple[ClaimedDelivery, ...]) -> Job:
        domain = deliveries[0].domain
        mixed = len(deliveries) > 1 and any(one.domain != domain for one in deliveries)
        return Job(claim=claim, envelope=envelope, site=self.site_of(domain), deliveries=deliveries, mixed=mixed)

    async def _tell(self, job: Job, tell: Callable[[Job], Awaitable[None]]) -> None:
        """Do what is done without an attempt."""
        try:
            await tell(job)
        except Exception:
            # One message that cannot be reported must not end the daemon, now and at every start.
            _LOG.exception("message %s stays claimed, by a fault in Empath", job.claim.mid)
        self.release(job)

    async def put_back(self, jobs: list[Job], next_attempt: float) -> None:
        """Let go of jobs that were not attempted; they are due at that moment."""
        if jobs:
            await self.closing.put_back(jobs, next_attempt=next_attempt)
        for job in jobs:
            self.release(job)

    def feed(self, job: Job, work: trio.Nursery) -> bool:
        """Give a job to the lane of its site; False: there is no room in it."""
        lane = self.lanes.get(job.site)
        if lane is None:
            lane = self.open_lane(job.site)
        if self.rooms.has_none(lane):
            self.rooms.note(lane)
            return False
        lane.feed(job)
        self.rooms.note_fed(lane)
        if not lane.running:
            lane.running = True
            work.start_soon(self._run_lane, lane)
        return True

    def open_lane(self, site: str) -> Lane:
        """Make a lane. Those that rest are kept for what they know of their sites, and not without end."""
        if len(self.lanes) >= self.max_lanes:
            resting = next((lane.site for lane in self.lanes.values() if not lane.running), None)
            if resting is not None:
                self.forget(resting)
        lane = self.lanes[site] = self.new_lane(site)
        if self.prepare is not None:
            self.prepare(lane)
        return lane

    async def _run_lane(self, lane: Lane) -> None:
        try:
            await lane.run()
        finally:
            if lane.is_fresh and self.lanes.get(lane.site) is lane:
                self.forget(lane.site)

    def forget(self, site: str) -> None:
        """Have no lane for a site any more. One that runs comes to its end by itself."""
        self.lanes.pop(site, None)
        self.rooms.forget(site)
        self._ring()

    def note(self, lane: Lane) -> None:
        """Something has changed about a lane that decides how much it takes."""
        self.rooms.note(lane)
        self._ring()

    def wake(self) -> None:
        """Something has changed about what may be claimed at all."""
        self._free.set()

    def _ring(self) -> None:
        """End the pause if there is something to recall."""
        if self.rooms.recallable:
            self._rest.cancel()

    async def shed(self, lane: Lane) -> None:
        """Put back what a lane cannot send because its breaker is open: others need the room.

        It is due, so the next claim sees it and sets it aside.
        """
        await self.put_back(lane.shed(), self.closing.clock.now())

    def release(self, job: Job) -> None:
        """A job is no longer in memory."""
        self.stock.take_out(job)
        self._free.set()
        lane = self.lanes.get(job.site)
        if lane is not None:
            self.note(lane)

    async def drain(self) -> None:
        """Hand nothing further out, and put back what waits in the lanes: it is due at the next start."""
        jobs = [job for lane in self.lanes.values() for job in lane.drain()]
        await self.put_back(jobs, self.closing.clock.now())
