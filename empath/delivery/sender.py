"""A sender: the task that owns one connection, and takes the jobs of its lane over it, one after the other.

The pool of connections is nothing but these tasks. A connection is opened for the first job, is reused while it is in a
clean state and under its message limit, waits for the next job for the idle time, and ends with its task.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
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
from empath.policy.route import Target
from empath.spool.contract import BodyFile

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
    shed: Callable[[Lane], Awaitable[None]]
    """Called after each job: takes from a lane whose breaker is open what others need the room of."""
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
    _untried: tuple[Target, ...] = field(init=False, default=())
    """Where the transaction at hand may go if this hop breaks off, the best first."""

    async def run(self) -> None:
        """Work until the lane has nothing more to do for this connection."""
        try:
            while (call := await self._lane.next_call(idle_s=self._dispatch.idle_s)) is not None:
                await self._deal(call)
                await self._dispatch.shed(self._lane)
                if self._hop is not None and not await self._keep():
                    await self._part()
        finally:
            # Cancelled, it takes no leave and waits for nothing; else it has a time limit of its own.
            await self._part()  # noqa: ASYNC102

    async def _deal(self, call: Call) -> None:
        """Attempt one job and record what came of it. What was not attempted, by whatever fault of ours, is put back.

        This is the guard around a job: nothing but cancellation leaves it.
        """
        outcomes: dict[int, Outcome] = {}
        wait_s = self._dispatch.put_back_s
        try:
            await self._attempt(call.job, outcomes)
        except EmpathError as problem:
            _LOG.error("message %s could not be attempted: %s", call.job.claim.mid, problem)
        except trio.Cancelled:
            wait_s = 0.0
            raise
        except Exception:
            # Not foreseen. The connection is in a state that nobody knows, so it is not used again.
            _LOG.exception("message %s could not be attempted, by a fault in Empath", call.job.claim.mid)
            await self._abandon()
        finally:
            self._lane.settle(call, outcomes.values() or None)
            try:
                # Shielded where it is done, and bounded by the last moment of the shutdown.
                await self._record(call.job, outcomes, wait_s)  # noqa: ASYNC102
            except Exception:
                _LOG.exception("message %s stays claimed, by a fault in Empath", call.job.claim.mid)
            finally:
                self._dispatch.release(call.job)

    async def _record(self, job: Job, outcomes: Mapping[int, Outcome], wait_s: float) -> None:
        """Record the outcomes there are, and put the other recipients back."""
        closing = self._dispatch.closing
        if outcomes:
            await closing.record(job.only(outcomes.keys()), outcomes)
        rest = job.only(frozenset(job.ordinals) - outcomes.keys()) if len(outcomes) < len(job.deliveries) else None
        if rest:
            await closing.put_back([rest], next_attempt=closing.clock.now() + wait_s)

    async def _attempt(self, job: Job, outcomes: dict[int, Outcome]) -> None:
        """Transactions until every recipient has an outcome; a host that takes few at a time gets several.

        ``outcomes`` is filled as they come, so that none is lost if this does not come to its end.
        """
        began = trio.current_time()
        try:
            await self._transact(job, outcomes)
        finally:
            self._report(job, outcomes, began)

    async def _transact(self, job: Job, outcomes: dict[int, Outcome]) -> None:
        left = job.ordinals
        while left:
            # Before the connection, which might otherwise be closed on us while we wait.
            await self._dispatch.limits.wait(job.domain)
            batch = left[: self._dispatch.max_recipients]
            try:
                found = await self._transact_once(job, batch)
            except Failure as problem:
                outcomes |= dict.fromkeys(left, outcome_of(problem))
                break
            outcomes |= found
            # Who refuses all of them for being too many has judged none, and is believed: else this would not end.
            again = [ordinal for ordinal in batch if _belongs_to_the_next(found[ordinal])]
            left = (*(again if len(again) < len(batch) else ()), *left[len(batch) :])
            if left and not await self._keep():
                await self._part()

    async def _transact_once(self, job: Job, batch: tuple[int, ...]) -> dict[int, Outcome]:
        """One transaction, with the first host that comes to judge. Raises the Failure of the last if none can be used.

        A host that breaks off before it has the message costs no more than the way to the next (RFC 5321 5.1).
        """
        self._untried = ()
        while True:
            if self._hop is not None and not self._dispatch.dialling(job.domain).suits(self._hop):
                await self._part()
            hop = self._hop or await self._open(job)
            found = await Attempt(hop, self._shipment(job, batch), self._dispatch.shield).run()
            if not all(_never_began(outcome) for outcome in found.values()):
                return found
            if hop.transactions > 1:
                # The host has closed a connection that was idle. That is its right, and says nothing about anything.
                self._untried = ()
            elif not self._untried:
                return found
            await self._part()

    async def _open(self, job: Job) -> Hop:
        """Connect to the first host not tried yet that lets us come to the point of MAIL."""
        dialling = self._dispatch.dialling(job.domain)
        target, *others = self._untried or await self._dispatch.finder.find(job.domain)
        while True:
            self._untried = tuple(others)
            try:
                self._hop = await dialling.open(target)
            except Failure:
                if not others:
                    raise
                target, *others = others
            else:
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

    async def _abandon(self) -> None:
        hop, self._hop = self._hop, None
        if hop is not None:
            await trio.aclose_forcefully(hop.stream)

    def _report(self, job: Job, outcomes: Mapping[int, Outcome], began: float) -> None:
        closing, hop = self._dispatch.closing, self._hop
        now = closing.clock.now()
        took_s = trio.current_time() - began
        for delivery in job.only(outcomes.keys()).deliveries:
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
    """Whether the connection was gone before anything was judged."""
    return (
        isinstance(outcome, Deferred)
        and outcome.diagnosis.phase is Phase.MAIL
        and outcome.diagnosis.kind in (Kind.CONNECTION_LOST, Kind.BUSY, Kind.TIMEOUT)
    )


def _belongs_to_the_next(outcome: Outcome) -> bool:
    return isinstance(outcome, Deferred) and outcome.diagnosis.kind is Kind.TOO_MANY_RECIPIENTS
