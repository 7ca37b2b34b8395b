"""The dispatcher: claims what is due, and feeds the lanes.

What is in memory is a window on the spool. The dispatcher claims no more than there is room for; each claim is divided
among the lanes of its sites, and when a lane lets go of a job the room is free again. A doorbell tells of new messages;
losing it would do no harm, since the next due moment is known.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from math import inf

import trio
from attrs import define, field

from empath.delivery.closing import Closing
from empath.delivery.job import Job
from empath.delivery.lane import Lane
from empath.mail.failure import DamagedRecord, EmpathError
from empath.mail.record import decode_envelope
from empath.spool.contract import Claim, ClaimedDelivery, Spool, SpoolError

_LOG = logging.getLogger(__name__)

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
        claimed = await self.spool.claim(now=now, until=now + self.lease_s, room=self.room - self._held)
        self._held += sum(len(claim.deliveries) for claim in claimed.claims)
        for claim in claimed.claims:
            for job in self._divide(claim):
                await self._give(job, work)
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

    async def _give(self, job: Job, work: trio.Nursery) -> None:
        """Hand a job to its lane, or deal with it at once if no lane can."""
        try:
            lane = self.lanes.get(job.site)
            if self.closing.is_expired(job):
                await self.closing.expire(job)
            elif lane is not None and len(lane.backlog) >= self.lane_room:
                await self.closing.put_back(job, next_attempt=self.closing.clock.now() + self.lease_s)
            else:
                self._feed(job, work)
                return
        except EmpathError as problem:
            _LOG.error("message %s stays claimed: %s", job.claim.mid, problem)
        self.release(job)

    def _feed(self, job: Job, work: trio.Nursery) -> None:
        lane = self.lanes.get(job.site)
        if lane is None:
            lane = self.lanes[job.site] = self.new_lane(job.site)
        lane.feed(job)
        if not lane.running:
            lane.running = True
            work.start_soon(self._run_lane, lane)

    async def _run_lane(self, lane: Lane) -> None:
        try:
            await lane.run()
        finally:
            if lane.is_fresh:
                del self.lanes[lane.site]

    def release(self, job: Job) -> None:
        """A job is no longer in memory."""
        self._held -= len(job.deliveries)
        self._free.set()

    async def drain(self) -> None:
        """Hand nothing further out, and put back what waits in the lanes: it is due at the next start."""
        now = self.closing.clock.now()
        for lane in list(self.lanes.values()):
            for job in lane.drain():
                try:
                    await self.closing.put_back(job, next_attempt=now)
                except SpoolError as problem:
                    _LOG.error("message %s could not be put back: %s", job.claim.mid, problem)
                self.release(job)
