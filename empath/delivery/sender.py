"""A sender: the task that owns one connection, and takes the jobs of its lane over it, one after the other.

The pool of connections is nothing but these tasks. A connection is opened for the first job, is reused while it is in a
clean state and under its message limit, waits for the next job for the idle time, and ends with its task.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial

import trio
from attrs import define, field, frozen

from empath.delivery.attempt import Attempt, Shield, Shipment
from empath.delivery.closing import Closing
from empath.delivery.hop import Dialling, Hop
from empath.delivery.job import Job
from empath.delivery.lane import Call, Lane
from empath.delivery.limits import RateLimits
from empath.delivery.target import Finder
from empath.mail.diagnosis import Kind, Phase
from empath.mail.facts import DeliveryAttempted
from empath.mail.failure import EmpathError, Failure
from empath.mail.ids import DeliveryId
from empath.mail.outcome import Deferred, Outcome, outcome_of
from empath.spool.contract import BodyFile, SpoolError

_LOG = logging.getLogger(__name__)


@frozen(kw_only=True)
class Dispatch:
    """What all senders share."""

    finder: Finder
    dialling: Callable[[str], Dialling]
    """How connections for a recipient domain are made."""
    limits: RateLimits
    closing: Closing
    shield: Shield
    release: Callable[[Job], None]
    """Called when a job has left the hands of its sender, whatever came of it."""
    idle_s: float
    max_messages: int
    max_recipients: int
    put_back_s: float
    """How long a job that could not be attempted by our own fault waits."""


@define(eq=False)
class Connection:
    """See the module."""

    _lane: Lane
    _dispatch: Dispatch
    _hop: Hop | None = field(init=False, default=None)

    async def run(self) -> None:
        """Work until the lane has nothing more to do for this connection."""
        try:
            while (call := await self._lane.next_call(idle_s=self._dispatch.idle_s)) is not None:
                await self._deal(call)
        finally:
            if self._hop is not None:
                await self._part()

    async def _deal(self, call: Call) -> None:
        """Attempt one job and record what came of it. One that cannot be attempted by our fault is put back."""
        outcomes: Mapping[int, Outcome] | None = None
        try:
            outcomes = await self._attempt(call.job)
            await self._dispatch.closing.record(call.job, outcomes)
        except EmpathError as problem:
            _LOG.error("message %s could not be attempted: %s", call.job.claim.mid, problem)
            await self._put_back(call.job, self._dispatch.put_back_s)
        except trio.Cancelled:
            if outcomes is None:
                await self._put_back(call.job, 0.0)
            raise
        finally:
            self._lane.settle(call, None if outcomes is None else outcomes.values())
            self._dispatch.release(call.job)
        if self._hop is not None and not await self._keep():
            await self._part()

    async def _attempt(self, job: Job) -> dict[int, Outcome]:
        """Transactions until every recipient has an outcome; a host that takes few at a time gets several."""
        began = trio.current_time()
        outcomes: dict[int, Outcome] = {}
        left = job.ordinals
        while left:
            try:
                hop = self._hop or await self._open(job)
            except Failure as problem:
                outcomes |= dict.fromkeys(left, outcome_of(problem))
                break
            await self._dispatch.limits.wait(job.domain)
            batch = left[: self._dispatch.max_recipients]
            found = await Attempt(hop, self._shipment(job, batch), self._dispatch.shield).run()
            if hop.transactions > 1 and all(_never_began(outcome) for outcome in found.values()):
                # The host has closed a connection that was idle. That is its right, and says nothing about anything.
                await self._part()
                continue
            outcomes |= found
            # Who refuses all of them for being too many has judged none, and is believed: else this would not end.
            again = [ordinal for ordinal in batch if _belongs_to_the_next(found[ordinal])]
            left = (*(again if len(again) < len(batch) else ()), *left[len(batch) :])
            if left and not await self._keep():
                await self._part()
        self._report(job, outcomes, began)
        return outcomes

    async def _open(self, job: Job) -> Hop:
        """Connect to the first host that lets us come to the point of MAIL."""
        dialling = self._dispatch.dialling(job.domain)
        *others, last = await self._dispatch.finder.find(job.domain)
        for target in others:
            try:
                self._hop = await dialling.open(target)
            except Failure:
                continue
            return self._hop
        self._hop = await dialling.open(last)
        return self._hop

    def _shipment(self, job: Job, ordinals: tuple[int, ...]) -> Shipment:
        body = job.claim.body
        if isinstance(body, BodyFile):
            content = partial(self._dispatch.closing.spool.read_body, body)
            return Shipment(envelope=job.envelope, ordinals=ordinals, size_bytes=body.size_bytes, content=content)
        return Shipment(envelope=job.envelope, ordinals=ordinals, size_bytes=len(body), content=body)

    async def _keep(self) -> bool:
        """Whether the connection can carry a further message."""
        hop = self._hop
        return hop is not None and hop.transactions < self._dispatch.max_messages and await hop.reset()

    async def _part(self) -> None:
        """Close the connection, with good manners if there is time."""
        hop, self._hop = self._hop, None
        if hop is not None:
            await hop.quit()

    async def _put_back(self, job: Job, delay_s: float) -> None:
        closing = self._dispatch.closing
        try:
            await closing.put_back(job, next_attempt=closing.clock.now() + delay_s)
        except SpoolError as problem:
            # It stays claimed, and waits for the moment that the claim has set.
            _LOG.error("message %s could not be put back: %s", job.claim.mid, problem)

    def _report(self, job: Job, outcomes: Mapping[int, Outcome], began: float) -> None:
        closing, hop = self._dispatch.closing, self._hop
        now = closing.clock.now()
        took_s = trio.current_time() - began
        for delivery in job.deliveries:
            ordinal = delivery.key.ordinal
            closing.observe(
                DeliveryAttempted(
                    at=now,
                    delivery=DeliveryId(job.claim.mid, ordinal),
                    recipient=job.envelope.recipients[ordinal].address,
                    site=job.site,
                    attempt=delivery.attempts + 1,
                    outcome=outcomes[ordinal],
                    address=None if hop is None else f"{hop.target.address}:{hop.target.port}",
                    tls_version=hop.tls.version if hop and hop.tls else None,
                    waited_s=now - took_s - job.claim.received,
                    took_s=took_s,
                )
            )


def _never_began(outcome: Outcome) -> bool:
    """Whether the connection was gone before a transaction could begin on it."""
    return (
        isinstance(outcome, Deferred)
        and outcome.diagnosis.phase is Phase.MAIL
        and outcome.diagnosis.kind in (Kind.CONNECTION_LOST, Kind.BUSY)
    )


def _belongs_to_the_next(outcome: Outcome) -> bool:
    return isinstance(outcome, Deferred) and outcome.diagnosis.kind is Kind.TOO_MANY_RECIPIENTS
