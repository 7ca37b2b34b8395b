"""The dispatcher: claims what is due, and feeds the lanes.

What is in memory is a window on the spool. The dispatcher claims no more than there is room for, in all and in each
lane; each claim is divided among the lanes of its sites. What is due for a lane without room is set aside in the spool,
and recalled when the lane has room again: it costs nothing meanwhile, and delays nothing. A doorbell tells of new
messages; losing it would do no harm, since the next due moment is known.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from math import inf
from typing import Final

import trio
from attrs import define, field

from empath.delivery.lanes.job import Job
from empath.delivery.lanes.lane import Lane
from empath.delivery.lanes.rooms import Rooms
from empath.delivery.lanes.stock import Stock
from empath.delivery.recording.closing import Closing, tell_of_quarantine
from empath.mail.failure import DamagedRecord
from empath.mail.record import decode_envelope
from empath.spool.contract import Claim, ClaimedDelivery, Damage, Demand, Spool, SpoolError

_LOG = logging.getLogger(__name__)

_PORTION: Final = 1000
"""Deliveries in one claim: others wait for the spool meanwhile."""
_NAMED: Final = 10
"""Damaged messages that the log names at the start, one by one."""
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
    stock: Stock
    rooms: Rooms
    max_lanes: int
    """Lanes that are remembered. Those that have work are never forgotten, and are bounded by ``stock``."""
    lease_s: float
    """How far a claim moves the next attempt: what a crash in the middle of it costs."""
    lanes: dict[str, Lane] = field(init=False, factory=dict)
    """The lanes that have work, or a memory worth keeping."""
    _free: trio.Event = field(init=False, factory=trio.Event)
    _rest: trio.CancelScope = field(init=False, factory=trio.CancelScope)
    """Around the wait for something to do."""

    async def run(self, work: trio.Nursery) -> None:
        """Claim and feed until cancelled. Lanes run in ``work``."""
        knows = False
        while True:
            while self.stock.is_full:
                self._free = trio.Event()
                await self._free.wait()
            try:
                if not knows:
                    await self._take_stock()
                    knows = True
                next_due = await self._claim(work)
            except SpoolError as problem:
                _LOG.error("the spool cannot be read: %s", problem)
                await trio.sleep(_AFTER_FAULT_S)
                continue
            await self._pause(next_due)

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
        self.rooms.set_aside(claimed.aside, none_left=frozenset(demand.recalled) - claimed.aside)
        for damage in claimed.damaged:
            tell_of_quarantine(damage)
        jobs = [job for claim in claimed.claims for job in await self._divide(claim)]
        crowded: list[Job] = []
        for job in jobs:
            if job.envelope.is_kept_back(now):
                # Kept back (RFC 4865), to a moment so far ahead that the spool takes it for a slip of the clock: such a
                # message is looked at from time to time.
                await self._put_back([job], job.envelope.release)
            elif self.closing.is_expired(job):
                await self._expire(job)
            elif (lane := self.lanes.get(job.site)) is not None and self.rooms.has_none(lane):
                self.rooms.note(lane)
                crowded.append(job)
            else:
                self._feed(job, work)
        await self._put_back(crowded, now + self.lease_s)
        return claimed.next_due

    def _demand(self) -> Demand:
        return Demand(
            size_bytes=min(self.stock.share_bytes, self.stock.max_bytes - self.stock.size_bytes),
            site_of=self.site_of,
            site_room=self.rooms.usual,
            rooms=self.rooms.tight,
            recalled=self.rooms.recallable,
            expires=self.closing.expires,
        )

    async def _divide(self, claim: Claim) -> list[Job]:
        """One job for each recipient domain. An envelope that cannot be read holds nothing else up."""
        try:
            envelope = decode_envelope(claim.envelope)
        except DamagedRecord as problem:
            damage = Damage(mid=str(claim.mid), reason=f"its envelope cannot be read: {problem}")
            await self.closing.quarantine(damage, claim.deliveries)
            return []
        by_domain: dict[str, list[ClaimedDelivery]] = {}
        for delivery in claim.deliveries:
            by_domain.setdefault(delivery.domain, []).append(delivery)
        self.stock.put(claim, len(by_domain))
        return [
            Job(claim=claim, envelope=envelope, domain=domain, site=self.site_of(domain), deliveries=tuple(deliveries))
            for domain, deliveries in by_domain.items()
        ]

    async def _expire(self, job: Job) -> None:
        try:
            await self.closing.expire(job)
        except Exception:
            # One message that cannot be reported must not end the daemon, now and at every start.
            _LOG.exception("message %s stays claimed, by a fault in Empath", job.claim.mid)
        self.release(job)

    async def _put_back(self, jobs: list[Job], next_attempt: float) -> None:
        if jobs:
            await self.closing.put_back(jobs, next_attempt=next_attempt)
        for job in jobs:
            self.release(job)

    def _feed(self, job: Job, work: trio.Nursery) -> None:
        lane = self.lanes.get(job.site) or self._open_lane(job.site)
        lane.feed(job)
        self.rooms.note_fed(lane)
        if not lane.running:
            lane.running = True
            work.start_soon(self._run_lane, lane)

    def _open_lane(self, site: str) -> Lane:
        """Make a lane. Those that rest are kept for what they know of their sites, and not without end."""
        if len(self.lanes) >= self.max_lanes:
            resting = next((lane.site for lane in self.lanes.values() if not lane.running), None)
            if resting is not None:
                self._forget(resting)
        lane = self.lanes[site] = self.new_lane(site)
        return lane

    async def _run_lane(self, lane: Lane) -> None:
        try:
            await lane.run()
        finally:
            if lane.is_fresh:
                self._forget(lane.site)

    def _forget(self, site: str) -> None:
        self.lanes.pop(site, None)
        self.rooms.forget(site)
        self._ring()

    def _ring(self) -> None:
        """End the pause if there is something to recall."""
        if self.rooms.recallable:
            self._rest.cancel()

    async def shed(self, lane: Lane) -> None:
        """Put back what a lane cannot send because its breaker is open: others need the room.

        It is due, so the next claim sees it and sets it aside.
        """
        await self._put_back(lane.shed(), self.closing.clock.now())

    def release(self, job: Job) -> None:
        """A job is no longer in memory."""
        self.stock.take_out(job)
        self._free.set()
        lane = self.lanes.get(job.site)
        if lane is not None:
            self.rooms.note(lane)
            self._ring()

    async def drain(self) -> None:
        """Hand nothing further out, and put back what waits in the lanes: it is due at the next start."""
        jobs = [job for lane in self.lanes.values() for job in lane.drain()]
        await self._put_back(jobs, self.closing.clock.now())
