"""A sender: the task that owns one connection, and takes the jobs of its lane over it, one after the other.

The pool of connections is nothing but these tasks. A connection is opened for the first job, is reused while it is in a
clean state and under its message limit, waits for the next job for the idle time, and ends with its task.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial

import trio
from attrs import define, evolve, field

from empath.delivery.lanes.call import Call
from empath.delivery.lanes.dialler import Dialler
from empath.delivery.lanes.dispatch import Dispatch
from empath.delivery.lanes.hosts import HostFull
from empath.delivery.lanes.job import Job
from empath.delivery.lanes.lane import Lane
from empath.delivery.lanes.search import TooEarly
from empath.delivery.lanes.tidings import Tidings
from empath.delivery.lanes.verdict import belongs_to_the_next, broke_off
from empath.delivery.recording.encounter import Encounter
from empath.delivery.talking.attempt import Attempt
from empath.delivery.talking.hop import Hop
from empath.delivery.talking.shipment import Shipment
from empath.mail.failure import EmpathError, Failure
from empath.mail.outcome import Outcome, outcome_of
from empath.spool.contract import BodyFile, Damage, SpoolDamaged

_LOG = logging.getLogger(__name__)


@define(eq=False)
class Connection:
    """See the module."""

    _lane: Lane
    _dispatch: Dispatch
    _hop: Hop | None = field(init=False, default=None)
    _tidings: Tidings = field(init=False)
    _dialler: Dialler = field(init=False)
    _stages: list[tuple[str, float]] = field(init=False, factory=list)
    """Of the latest attempt."""
    _met: Encounter = field(init=False, default=Encounter(took_s=0))
    _has_no_place: bool = field(init=False, default=False)
    """Whether there is no host that may have one connection more."""

    def __attrs_post_init__(self) -> None:
        """Say what becomes of connections."""
        self._tidings = Tidings(self._lane.site, self._dispatch.closing)
        self._dialler = Dialler(self._lane, self._dispatch, self._tidings)

    async def run(self) -> None:
        """Work until the lane has nothing more to do for this connection."""
        try:
            while call := await self._lane.next_call(idle_s=self._dispatch.idle_s, place=self._dialler.place):
                await self._deal(call)
                if self._has_no_place:
                    return
                await self._dispatch.shed(self._lane)
                if self._hop is not None and not await self._keep():
                    await self._part()
                if self._hop is None and self._lane.leave.connections is not None:
                    return  # the lane starts another one when it may connect; no job waits for that in a sender's hands
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
            wait_s = 0.0  # what is left waits for a limit, in its lane
        except HostFull as full:
            self._has_no_place = True
            self._lane.leave.block()
            self._dispatch.hosts.wait(full.targets, self._lane.leave.unblock)
        except TooEarly as early:
            self._has_no_place, wait_s = True, 0.0
            self._lane.leave.held = (early.reason, early.until)
            call = call._replace(job=evolve(call.job, search=early.search))
        except SpoolDamaged as problem:
            damage = Damage(mid=str(call.job.claim.mid), reason=str(problem))
            self._tidings.faulted(len(call.job.deliveries) - len(outcomes))
        except EmpathError as problem:
            _LOG.error("message %s could not be attempted: %s", call.job.claim.mid, problem)
            self._tidings.faulted(len(call.job.deliveries) - len(outcomes))
        except trio.Cancelled:
            wait_s = 0.0
            raise
        except Exception:
            # Not foreseen. The connection is in a state that nobody knows, so it is not used again.
            _LOG.exception("message %s could not be attempted, by a fault in Empath", call.job.claim.mid)
            self._tidings.faulted(len(call.job.deliveries) - len(outcomes))
            await self._abandon()
        finally:
            if self._has_no_place and not outcomes and not self._lane.is_draining:
                self._lane.hand_back(call)
            elif not (outcomes and self._lane.takes_back(call, outcomes.values())):
                # Shielded where it is done, and bounded by the last moment of the shutdown.
                await self._settle(call, outcomes, wait_s, damage)  # noqa: ASYNC102

    async def _settle(self, call: Call, outcomes: Mapping[int, Outcome], wait_s: float, damage: Damage | None) -> None:
        self._lane.settle(call, outcomes.values() or None)
        try:
            await self._record(call.job, outcomes, wait_s, damage)
        except Exception:
            _LOG.exception("message %s stays claimed, by a fault in Empath", call.job.claim.mid)
        finally:
            self._dispatch.release(call.job)

    async def _record(self, job: Job, outcomes: Mapping[int, Outcome], wait_s: float, damage: Damage | None) -> None:
        """Record the outcomes there are, and put the other recipients back; or away, if the message is damaged."""
        closing = self._dispatch.closing
        if outcomes:
            await closing.record(job.only(outcomes.keys()), outcomes, self._met)
        rest = job.only(frozenset(job.ordinals) - outcomes.keys()) if len(outcomes) < len(job.deliveries) else None
        if rest and damage is not None:
            await closing.quarantine(damage, rest.deliveries)
        elif rest:
            await closing.put_back([rest], next_attempt=closing.clock.now() + wait_s)

    async def _attempt(self, job: Job, outcomes: dict[int, Outcome]) -> None:
        """Transactions until every recipient has an outcome or a limit is met. Some hosts take few of them at a time.

        ``outcomes`` is filled as they come, so that none is lost if this does not come to its end.
        """
        began = trio.current_time()
        try:
            await self._transact(job, outcomes)
        finally:
            self._meet(began)

    async def _transact(self, job: Job, outcomes: dict[int, Outcome]) -> None:
        left, is_further = job.ordinals, False
        while left:
            # The lane has counted the first one. If it has nothing to spare for another, the rest gives way to others.
            if is_further:
                if not self._lane.takes_further(job):
                    return
                job = evolve(job, search=None)
            is_further = True
            batch = left[: self._dispatch.max_recipients]
            try:
                found = await self._transact_once(job, batch)
            except Failure as problem:
                outcomes |= dict.fromkeys(left, outcome_of(problem))
                break
            outcomes |= found
            if broken := next(filter(broke_off, found.values()), None):
                # No host could be brought to judge some of them, and none would be for the rest of the message.
                outcomes |= {ordinal: broken for ordinal in left if ordinal not in found}
                break
            again = [ordinal for ordinal in batch if belongs_to_the_next(found.get(ordinal))]
            if len(again) == len(batch):
                # Who refuses all of them for being too many has judged none, and is believed: else this would not end.
                again = [ordinal for ordinal in again if found and ordinal not in found]
            left = (*again, *left[len(batch) :])
            if left and not await self._keep():
                await self._part()

    async def _transact_once(self, job: Job, batch: tuple[int, ...]) -> dict[int, Outcome]:
        """One transaction, with the first host that comes to judge. Raises the Failure of the last if none can be used.

        A host that breaks off before it has the message costs no more than the way to the next, which gets those whom
        nobody has judged (RFC 5321 5.1).
        """
        dispatch = self._dispatch
        found: dict[int, Outcome] = {}
        self._dialler.begin(job.search)
        while True:
            if job.mixed:
                job = job.only(frozenset(batch))  # whose first domain now speaks for them
            if self._hop is not None and not await self._may_carry(self._hop, job):
                await self._part()
            try:
                hop = self._hop = self._hop or await self._dialler.open(job)
            except HostFull:
                if not found:
                    raise
                return found
            except TooEarly:
                if all(map(broke_off, found.values())):
                    raise
                return {ordinal: outcome for ordinal, outcome in found.items() if not broke_off(outcome)}
            except Failure as problem:
                if not found:
                    raise
                return dict.fromkeys(batch, outcome_of(problem)) | found
            hop.domains.add(job.domain)
            if job.mixed:
                batch = await self._welcome(hop, job)
            hop.mid = job.claim.mid
            attempt = Attempt(hop, self._shipment(job, batch), dispatch.shield, dispatch.one_write_bytes)
            tried = await attempt.run()
            self._stages = attempt.stages
            found = {ordinal: outcome for ordinal, outcome in found.items() if ordinal not in batch} | tried
            batch = tuple([ordinal for ordinal in batch if ordinal in tried and broke_off(tried[ordinal])])
            if not batch:
                return found
            if hop.transactions > 1:
                # The host has closed a connection that was idle. That is its right, and says nothing about anything.
                self._dialler.forget()
                found = {ordinal: outcome for ordinal, outcome in found.items() if ordinal not in batch}
            elif not self._dialler.may_go_on:
                return found
            await self._part()

    async def _may_carry(self, hop: Hop, job: Job) -> bool:
        """Whether a connection that was used before, perhaps for another domain, may carry this message."""
        dispatch, domain = self._dispatch, job.domain
        return (
            dispatch.finder.suits(hop.target, domain)
            and hop.takes_more(domain, max_messages=dispatch.max_messages)
            and (domain in hop.domains or await dispatch.finder.leads_to(hop.target, domain))
            and await dispatch.dialling(domain).suits(
                hop, requiretls=job.envelope.params.requiretls, tls_optional=job.envelope.tls_optional
            )
            and not hop.has_spoken()
        )

    async def _welcome(self, hop: Hop, job: Job) -> tuple[int, ...]:
        """The recipients, whatever their domains, for whom this connection will do. The others get another one."""
        dispatch, requiretls = self._dispatch, job.envelope.params.requiretls
        welcome = {job.domain: True}
        for domain in dict.fromkeys([one.domain for one in job.deliveries]):
            if domain not in welcome:
                welcome[domain] = hop.takes_more(
                    domain, max_messages=dispatch.max_messages
                ) and await dispatch.dialling(domain).suits(
                    hop, requiretls=requiretls, tls_optional=job.envelope.tls_optional
                )
                if welcome[domain]:
                    hop.domains.add(domain)
        return tuple([one.key.ordinal for one in job.deliveries if welcome[one.domain]])

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
            self._tidings.left(hop)
            try:
                await hop.quit()
            finally:
                self._dialler.closed()

    async def _abandon(self) -> None:
        hop, self._hop = self._hop, None
        if hop is not None:
            self._tidings.left(hop)
            self._dialler.closed()
            await trio.aclose_forcefully(hop.stream)

    def _meet(self, began: float) -> None:
        """Note what there is to tell of an attempt beside its outcomes."""
        hop = self._hop
        self._met = Encounter(
            took_s=trio.current_time() - began,
            address=None if hop is None else f"{hop.target.address}:{hop.target.port}",
            tls_version=hop.tls.version if hop and hop.tls else None,
            tls_verified=hop is not None and hop.verified,
            way=self._tidings.take_way(),
            stages=tuple(self._stages),
        )
        self._stages = []
