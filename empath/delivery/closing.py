"""From outcomes to the record: what is finished, what waits until when, and whom to tell.

All that one attempt came to is recorded in one transaction, the report to the sender included: a delivery that failed
has either its report or its row, whatever happens in between. A delivery is given up here and nowhere else.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import assert_never

import trio
from attrs import frozen

from empath.delivery.job import Job
from empath.mail.delivery import Status
from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.dsn import Action, Notice, report, returned, wanted
from empath.mail.facts import DeliveryEnded, Fact
from empath.mail.failure import DamagedRecord
from empath.mail.ids import NUMBER_BITS, DeliveryId, MessageId
from empath.mail.outcome import Bounced, Deferred, Delivered, Outcome
from empath.mail.record import decode_diagnosis, encode_diagnosis, encode_envelope
from empath.policy.retry import GiveUp, RetryPolicy
from empath.smtp import Return
from empath.spool.contract import (
    Acceptance,
    Body,
    BodyFile,
    ClaimedDelivery,
    Fate,
    Finished,
    Spool,
    SpoolError,
    Waiting,
)
from empath.world.ports import Clock, Entropy

_LOG = logging.getLogger(__name__)
_AGAIN_S = 5.0
"""How long to wait before the spool is asked again."""

Observe = Callable[[Fact], None]
"""Takes note of what happened. Never waits, never fails."""

_Ended = tuple[ClaimedDelivery, Status, Diagnosis | None]


@frozen(kw_only=True)
class Closing:
    """Records what became of jobs."""

    spool: Spool
    retry: RetryPolicy
    clock: Clock
    entropy: Entropy
    hostname: str
    bounce: bool
    """Whether senders are told at all."""
    observe: Observe

    async def record(self, job: Job, outcomes: Mapping[int, Outcome]) -> None:
        """Record an attempt. ``outcomes`` has one for each recipient of the job, by ordinal."""
        now = self.clock.now()
        fates: list[Fate] = []
        ended: list[_Ended] = []
        for delivery in job.deliveries:
            match outcomes[delivery.key.ordinal]:
                case Delivered():
                    ended.append((delivery, Status.COMPLETED, None))
                case Bounced(diagnosis):
                    ended.append((delivery, Status.FAILED, diagnosis))
                case Deferred(diagnosis):
                    later = self._later(job, delivery, diagnosis, now)
                    if isinstance(later, Waiting):
                        fates.append(later)
                    else:
                        ended.append((delivery, Status.EXPIRED, later))
                case unreachable:
                    assert_never(unreachable)
        await self._commit(job, fates, ended, now)

    async def expire(self, job: Job) -> None:
        """Give up a job whose time is over before it could be attempted again."""
        ended = [(delivery, Status.EXPIRED, _gave_up(_last(delivery))) for delivery in job.deliveries]
        await self._commit(job, [], ended, self.clock.now())

    async def put_back(self, jobs: Iterable[Job], *, next_attempt: float) -> None:
        """Record that jobs were not attempted, and are to be later. That costs none of their attempts."""
        # Not beyond what the spool takes for a slip of the clock.
        next_attempt = min(next_attempt, self.retry.latest(self.clock.now()))
        waiting = [
            Waiting(key=one.key, next_attempt=next_attempt, attempts=one.attempts, last=one.last)
            for job in jobs
            for one in job.deliveries
        ]

        async def write() -> None:
            await self.spool.record(waiting)

        await _persist(write)

    def is_expired(self, job: Job) -> bool:
        """Whether the time of a job is over."""
        return self.retry.is_expired(job.claim.received, self.clock.now())

    def _later(self, job: Job, delivery: ClaimedDelivery, diagnosis: Diagnosis, now: float) -> Waiting | Diagnosis:
        """When to try again; or if that is never, why it was given up."""
        attempts = delivery.attempts + 1
        chance = self.entropy.rng.random()
        moment = self.retry.after(attempts, created=job.claim.received, now=now, chance=chance)
        if isinstance(moment, GiveUp):
            return _gave_up(diagnosis)
        last = encode_diagnosis(diagnosis)
        return Waiting(key=delivery.key, next_attempt=moment, attempts=attempts, last=last)

    async def _commit(self, job: Job, fates: list[Fate], ended: Sequence[_Ended], now: float) -> None:
        reports: list[Acceptance] = []

        async def write() -> None:
            reports[:] = await self._report(job, ended, now)
            await self.spool.record([*fates, *(Finished(key=delivery.key) for delivery, _, _ in ended)], reports)

        await _persist(write)
        for delivery, status, diagnosis in ended:
            self.observe(
                DeliveryEnded(
                    at=now,
                    delivery=DeliveryId(job.claim.mid, delivery.key.ordinal),
                    status=status,
                    diagnosis=diagnosis,
                    report=reports[0].mid if reports and diagnosis is not None else None,
                )
            )

    async def _report(self, job: Job, ended: Sequence[_Ended], now: float) -> list[Acceptance]:
        """The report to the sender, if there is anything to tell and anybody who wants to hear it."""
        notices = []
        for delivery, _, diagnosis in ended:
            recipient = job.envelope.recipients[delivery.key.ordinal]
            if diagnosis is not None and self.bounce and wanted(job.envelope, recipient):
                notices.append(Notice(recipient=recipient, diagnosis=diagnosis, last_attempt=now))
        sender = job.envelope.reverse_path
        if not notices or sender is None:
            return []
        mid = MessageId.make(now, self.entropy.rng.getrandbits(NUMBER_BITS))
        ret = returned(job.envelope, _size_bytes(job.claim.body))
        made = report(
            notices,
            action=Action.FAILED,
            envelope=job.envelope,
            original=job.claim.mid,
            content=await self._original(job.claim.body, ret),
            ret=ret,
            message=mid,
            hostname=self.hostname,
            now=now,
        )
        domain = sender.domain.ascii if sender.domain else self.hostname
        record = encode_envelope(made.envelope)
        return [
            Acceptance(mid=mid, received=now, envelope=record, body=made.content, domains=(domain,), next_attempt=now)
        ]

    async def _original(self, body: Body, ret: Return) -> bytes:
        """As much of the message as the report needs: all that is small, the beginning of what is not."""
        if not isinstance(body, BodyFile):
            return body
        try:
            async with aclosing(self.spool.read_body(body)) as blocks:
                async for block in blocks:
                    return block
        except SpoolError as problem:
            _LOG.error("a report goes without the message that it is about: %s", problem)
        return b""


async def _persist(write: Callable[[], Awaitable[None]]) -> None:
    """Write to the spool, again and again until it takes it or the daemon ends.

    A delivery stays claimed until it is recorded, and one that was delivered and not recorded would be sent again.
    """
    while True:
        try:
            # Shielded, and safely so: it waits for our own disk only. What is known must not be forgotten.
            with trio.CancelScope(shield=True):
                return await write()
        except SpoolError as problem:
            _LOG.error("what became of a message cannot be recorded, trying again: %s", problem)
        await trio.sleep(_AGAIN_S)


def _size_bytes(body: Body) -> int:
    return body.size_bytes if isinstance(body, BodyFile) else len(body)


def _gave_up(last: Diagnosis) -> Diagnosis:
    """Why it is over: the time was used up, and what stood in the way at last."""
    return Diagnosis(
        kind=Kind.EXPIRED, phase=last.phase, host=last.host, reply=last.reply, text=f"gave up: {last.text}"
    )


def _last(delivery: ClaimedDelivery) -> Diagnosis:
    try:
        return decode_diagnosis(delivery.last)
    except DamagedRecord:
        return Diagnosis(kind=Kind.EXPIRED, phase=Phase.ROUTE, text="it was not attempted in time")
