"""A sender: the task that owns one connection, and takes the jobs of its lane over it, one after the other.

The pool of connections is nothing but these tasks. A connection is opened for the first job, is reused while it is in a
clean state and under its message limit, waits for the next job for the idle time, and ends with its task.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial

import trio
from attrs import define, field

from empath.delivery.lanes.dispatch import Dispatch
from empath.delivery.lanes.job import Job
from empath.delivery.lanes.lane import Call, Lane
from empath.delivery.talking.attempt import Attempt
from empath.delivery.talking.hop import Hop
from empath.delivery.talking.shipment import Shipment
from empath.mail.diagnosis import Charge, Kind
from empath.mail.facts import DeliveryAttempted
from empath.mail.failure import EmpathError, Failure
from empath.mail.ids import DeliveryId
from empath.mail.outcome import Deferred, Delivered, Outcome, outcome_of
from empath.policy.route import Target
from empath.spool.contract import BodyFile, Damage, SpoolDamaged

_LOG = logging.getLogger(__name__)


@define(eq=False)
class Connection:
    """See the module."""

    _lane: Lane
    _dispatch: Dispatch
    _hop: Hop | None = field(init=False, default=None)
    _untried: tuple[Target, ...] = field(init=False, default=())
    """Where the transaction at hand may go if this hop breaks off, the best first."""
    _search_ends: float = field(init=False, default=0.0)
    """When it is too late, on Trio's clock, to go there."""

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
        damage: Damage | None = None
        try:
            await self._attempt(call.job, outcomes)
        except SpoolDamaged as problem:
            damage = Damage(mid=str(call.job.claim.mid), reason=str(problem))
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
                await self._record(call.job, outcomes, wait_s, damage)  # noqa: ASYNC102
            except Exception:
                _LOG.exception("message %s stays claimed, by a fault in Empath", call.job.claim.mid)
            finally:
                self._dispatch.release(call.job)

    async def _record(self, job: Job, outcomes: Mapping[int, Outcome], wait_s: float, damage: Damage | None) -> None:
        """Record the outcomes there are, and put the other recipients back; or away, if the message is damaged."""
        closing = self._dispatch.closing
        if outcomes:
            await closing.record(job.only(outcomes.keys()), outcomes)
        rest = job.only(frozenset(job.ordinals) - outcomes.keys()) if len(outcomes) < len(job.deliveries) else None
        if rest and damage is not None:
            await closing.quarantine(damage, rest.deliveries)
        elif rest:
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
            if broken := next(filter(_broke_off, found.values()), None):
                # No host could be brought to judge some of them, and none would be for the rest of the message.
                outcomes |= {ordinal: broken for ordinal in left if ordinal not in found}
                break
            # Who refuses all of them for being too many has judged none, and is believed: else this would not end.
            again = [ordinal for ordinal in batch if _belongs_to_the_next(found.get(ordinal))]
            left = (*(again if len(again) < len(batch) else ()), *left[len(batch) :])
            if left and not await self._keep():
                await self._part()

    async def _transact_once(self, job: Job, batch: tuple[int, ...]) -> dict[int, Outcome]:
        """One transaction, with the first host that comes to judge. Raises the Failure of the last if none can be used.

        A host that breaks off before it has the message costs no more than the way to the next, which gets those whom
        nobody has judged (RFC 5321 5.1).
        """
        dispatch = self._dispatch
        found: dict[int, Outcome] = {}
        self._untried, self._search_ends = (), trio.current_time() + dispatch.max_search_s
        while True:
            if self._hop is not None and not await self._may_carry(self._hop, job):
                await self._part()
            try:
                hop = self._hop or await self._open(job)
            except Failure as problem:
                if not found:
                    raise
                return dict.fromkeys(batch, outcome_of(problem)) | found
            hop.domains.add(job.domain)
            tried = await Attempt(hop, self._shipment(job, batch), dispatch.shield, dispatch.one_write_bytes).run()
            found = {ordinal: outcome for ordinal, outcome in found.items() if ordinal not in batch} | tried
            batch = tuple([ordinal for ordinal in batch if ordinal in tried and _broke_off(tried[ordinal])])
            if not batch:
                return found
            if hop.transactions > 1:
                # The host has closed a connection that was idle. That is its right, and says nothing about anything.
                self._untried = ()
                found = {ordinal: outcome for ordinal, outcome in found.items() if ordinal not in batch}
            elif not self._may_go_on():
                return found
            await self._part()

    async def _open(self, job: Job) -> Hop:
        """Connect to the first host not tried yet that lets us come to the point of MAIL."""
        dialling = self._dispatch.dialling(job.domain)
        target, *others = self._untried or await self._dispatch.finder.find(job.domain)
        while True:
            self._untried = tuple(others)
            try:
                self._hop = await dialling.open(target, requiretls=job.envelope.params.requiretls)
            except Failure:
                if not self._may_go_on():
                    raise
                target, *others = others
            else:
                return self._hop

    def _may_go_on(self) -> bool:
        """Whether there is another host, and time for it."""
        return bool(self._untried) and trio.current_time() < self._search_ends

    async def _may_carry(self, hop: Hop, job: Job) -> bool:
        """Whether a connection that was used before, perhaps for another domain, may carry this message."""
        dispatch, domain = self._dispatch, job.domain
        return (
            dispatch.finder.suits(hop.target, domain)
            and hop.takes_more(domain, max_messages=dispatch.max_messages)
            and await dispatch.dialling(domain).suits(hop, requiretls=job.envelope.params.requiretls)
            and not hop.has_spoken()
        )

    def _shipment(self, job: Job, ordinals: tuple[int, ...]) -> Shipment:
        body, closing = job.claim.body, self._dispatch.closing
        return Shipment(
            envelope=job.envelope,
            ordinals=ordinals,
            size_bytes=body.size_bytes if isinstance(body, BodyFile) else len(body),
            content=partial(closing.spool.read_body, body) if isinstance(body, BodyFile) else body,
            deliver_by=job.envelope.deliver_by(closing.clock.now()),
        )

    async def _keep(self) -> bool:
        """Whether the connection can carry a further message."""
        hop = self._hop
        return hop is not None and hop.takes_more(max_messages=self._dispatch.max_messages) and await hop.reset()

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
                    reverse_path=job.envelope.reverse_path,
                    recipient=job.envelope.recipients[ordinal].address,
                    site=job.site,
                    attempt=delivery.attempts + 1,
                    outcome=(outcome := outcomes[ordinal]),
                    failure_class=None if isinstance(outcome, Delivered) else closing.classify(outcome.diagnosis),
                    address=None if hop is None else f"{hop.target.address}:{hop.target.port}",
                    tls_version=hop.tls.version if hop and hop.tls else None,
                    waited_s=now - took_s - job.claim.received,
                    took_s=took_s,
                )
            )


def _broke_off(outcome: Outcome) -> bool:
    """Whether the site failed, and has not got the message for sure: then another host may do better."""
    return (
        isinstance(outcome, Deferred)
        and outcome.diagnosis.kind.charge is Charge.SITE
        and not outcome.diagnosis.uncertain
    )


def _belongs_to_the_next(outcome: Outcome | None) -> bool:
    """None: it was not in the transaction, since the host takes fewer recipients (RFC 9422)."""
    if outcome is None:
        return True
    return isinstance(outcome, Deferred) and outcome.diagnosis.kind is Kind.TOO_MANY_RECIPIENTS
