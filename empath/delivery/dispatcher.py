"""The dispatcher: claims what is due, and feeds the lanes.

What is in memory is a window on the spool. The dispatcher claims no more than there is room for; each claim is divided
among the lanes of its sites, and when a lane lets go of a job the room is free again. A doorbell tells of new messages;
losing it would do no harm, since the next due moment is known.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from math import inf
from typing import Final

import trio
from attrs import define, field

from empath.delivery.closing import Closing
from empath.delivery.job import Job
from empath.delivery.lane import Lane
from empath.mail.failure import DamagedRecord
from empath.mail.record import decode_envelope
from empath.spool.contract import Claim, ClaimedDelivery, Spool, SpoolError

_LOG = logging.getLogger(__name__)

MAX_LANES: Final = 20_000
"""Lanes that are remembered. Those that have work are never forgotten, and are bounded by ``room``."""
_AFTER_FAULT_S = 5.0
"""How long claiming rests after the spool failed."""


@define(eq=False, kw_only=True)
class Dispatcher:
    """See the module."""

    spool: Spool
    closing: Closing
    new_lane: Callable[[str], Lane]
    site_of: Callable[[str], str]
    """The site for a recipient domain."""
    room: int
    """How many deliveries may be in memory at a time."""
    lane_room: int
    """How many jobs may wait in one lane: what is over that goes back and waits longer."""
    lease_s: float
    """How far a claim moves the next attempt: what a crash in the middle of it costs."""
    lanes: dict[str, Lane] = field(init=False, factory=dict)
    """The lanes that have work, or a memory worth keeping."""
    _held: int = field(init=False, default=0)
    """Deliveries that are in memory."""
    _free: trio.Event = field(init=False, factory=trio.Event)

    async def run(self, work: trio.Nursery) -> None:
        """Claim and feed until cancelled. Lanes run in ``work``."""
        while True:
            while self._held >= self.room:
                self._free = trio.Event()
                await self._free.wait()
            try:
                next_due = await self._claim(work)
            except SpoolError as problem:
                _LOG.error("the spool cannot be read: %s", problem)
                await trio.sleep(_AFTER_FAULT_S)
                continue
            # Nothing more can be taken before something is due, or comes, or is let go of.
            with trio.move_on_after(inf if next_due is None else max(0.0, next_due - self.closing.clock.now())):
                await self.spool.wait_news()

    async def _claim(self, work: trio.Nursery) -> float | None:
        """Take what there is room for, and give it to the lanes; when to come again."""
        now = self.closing.clock.now()
        claimed = await self.spool.claim(
            now=now, until=now + self.lease_s, latest=self.closing.retry.latest(now), room=self.room - self._held
        )
        self._held += sum(len(claim.deliveries) for claim in claimed.claims)
        crowded: list[Job] = []
        for claim in claimed.claims:
            for job in self._divide(claim):
                lane = self.lanes.get(job.site)
                if self.closing.is_expired(job):
                    await self._expire(job)
                elif lane is not None and min(lane.room, self.lane_room - len(lane.backlog)) <= 0:
                    crowded.append(job)
                else:
                    self._feed(job, work)
        await self._put_back(crowded, now + self.lease_s)
        return claimed.next_due

    def _divide(self, claim: Claim) -> Iterable[Job]:
        """One job for each recipient domain. An envelope that cannot be read holds nothing else up."""
        try:
            envelope = decode_envelope(claim.envelope)
        except DamagedRecord as problem:
            _LOG.error("message %s is damaged and stays where it is: %s", claim.mid, problem)
            self._held -= len(claim.deliveries)
            return
        by_domain: dict[str, list[ClaimedDelivery]] = {}
        for delivery in claim.deliveries:
            by_domain.setdefault(delivery.domain, []).append(delivery)
        for domain, deliveries in by_domain.items():
            site = self.site_of(domain)
            yield Job(claim=claim, envelope=envelope, domain=domain, site=site, deliveries=tuple(deliveries))

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
        if not lane.running:
            lane.running = True
            work.start_soon(self._run_lane, lane)

    def _open_lane(self, site: str) -> Lane:
        """Make a lane. Those that rest are kept for what they know of their sites, and not without end."""
        if len(self.lanes) >= MAX_LANES:
            resting = next((lane.site for lane in self.lanes.values() if not lane.running), None)
            self.lanes.pop(resting or "", None)
        lane = self.lanes[site] = self.new_lane(site)
        return lane

    async def _run_lane(self, lane: Lane) -> None:
        try:
            await lane.run()
        finally:
            if lane.is_fresh:
                self.lanes.pop(lane.site, None)

    async def shed(self, lane: Lane) -> None:
        """Put back what a lane cannot send because its breaker is open: others need the room."""
        jobs = lane.shed()
        until = lane.breaker.until or 0.0
        await self._put_back(jobs, self.closing.clock.now() + max(0.0, until - trio.current_time()))

    def release(self, job: Job) -> None:
        """A job is no longer in memory."""
        self._held -= len(job.deliveries)
        self._free.set()

    async def drain(self) -> None:
        """Hand nothing further out, and put back what waits in the lanes: it is due at the next start."""
        jobs = [job for lane in self.lanes.values() for job in lane.drain()]
        await self._put_back(jobs, self.closing.clock.now())
