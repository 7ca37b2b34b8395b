"""From outcomes to the record: what is finished, what waits until when, and whom to tell.

All that one attempt came to is recorded in one transaction, the report to the sender included: a delivery that failed
has either its report or its row, and one that is late has its report and the note of it, whatever happens in between. A
delivery is given up here and nowhere else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping

from attrs import field, frozen

from empath.config.schema import UncertainAction
from empath.delivery.lanes.job import Job
from empath.delivery.recording.encounter import Encounter, attempts
from empath.delivery.recording.moments import Moments
from empath.delivery.recording.page import Page, Terms
from empath.delivery.recording.persistence import Persistence
from empath.delivery.recording.reporting import Reporting
from empath.mail.delivery import Status
from empath.mail.diagnosis import Diagnosis
from empath.mail.envelope import Envelope
from empath.mail.facts import DeliveryEnded, Fact, ReportMade
from empath.mail.failure_class import FailureClass
from empath.mail.ids import DeliveryId
from empath.mail.outcome import Outcome
from empath.policy.replies import ReplyClasses
from empath.policy.retry import Retries
from empath.spool.contract import Acceptance, ClaimedDelivery, Damage, Quarantined, Spool, Waiting
from empath.world.ports import Clock, Entropy

_LOG = logging.getLogger(__name__)
Observe = Callable[[Fact], None]
"""Takes note of what happened. Never waits, never fails."""


@frozen(kw_only=True)
class Closing:
    """Records what became of jobs."""

    spool: Spool
    retry: Retries
    rules: ReplyClasses
    uncertain: UncertainAction
    clock: Clock
    entropy: Entropy
    reporting: Reporting
    observe: Observe
    persistence: Persistence = field(init=False, factory=Persistence)
    moments: Moments = field(init=False)
    _terms: Terms = field(init=False)

    @moments.default
    def _new_moments(self) -> Moments:
        return Moments(retry=self.retry, rules=self.rules, reporting=self.reporting)

    @_terms.default
    def _new_terms(self) -> Terms:
        return Terms(
            retry=self.retry,
            rules=self.rules,
            uncertain=self.uncertain,
            reporting=self.reporting,
            entropy=self.entropy,
        )

    async def record(self, job: Job, outcomes: Mapping[int, Outcome], met: Encounter | None = None) -> None:
        """Record what came of a job, with an outcome for each of its recipients, by ordinal.

        ``met``: tell of the attempt that it was; None: it was none, but a decision of ours.
        """
        page = Page(self._terms, job, self.clock.now())
        for delivery in job.deliveries:
            page.attempted(delivery, outcomes[delivery.key.ordinal])
        if met is not None:
            for fact in attempts(job, outcomes, page.fates, met, now=page.now, classify=self.classify):
                self.observe(fact)
        await self._commit(page)

    async def expire(self, job: Job) -> None:
        """Give up a job whose time is over before it could be attempted again."""
        page = Page(self._terms, job, self.clock.now())
        for delivery in job.deliveries:
            page.expired(delivery)
        await self._commit(page)

    def next_moment(self, job: Job) -> float:
        """When something has to be told of a delivery of this job, whether or not it is attempted."""
        return min([self.moments.next(job.envelope, one) for one in job.deliveries])

    async def warn(self, job: Job) -> None:
        """Tell the sender of a job that is late, and cannot be attempted now. That costs no attempt."""
        page = Page(self._terms, job, self.clock.now())
        for delivery in job.deliveries:
            page.late(delivery)
        await self._commit(page)

    async def put_back(self, jobs: Iterable[Job], *, next_attempt: float) -> None:
        """Record that jobs were not attempted, and are to be later. That costs none of their attempts."""
        # Not beyond what the spool takes for a slip of the clock.
        next_attempt = min(next_attempt, self.retry.latest(self.clock.now()))
        waiting = [
            Waiting(key=one.key, next_attempt=next_attempt, attempts=one.attempts, last=one.last, status=Status.PENDING)
            for job in jobs
            for one in job.deliveries
        ]

        async def write() -> None:
            await self.spool.record(waiting)

        await self.persistence.write(write)

    async def quarantine(self, damage: Damage, deliveries: Iterable[ClaimedDelivery]) -> None:
        """Keep deliveries of a damaged message from being claimed again, and say so."""
        tell_of_quarantine(damage)
        fates = [Quarantined(key=one.key, reason=damage.reason) for one in deliveries]

        async def write() -> None:
            await self.spool.record(fates)

        await self.persistence.write(write)

    def classify(self, diagnosis: Diagnosis) -> FailureClass:
        """What a failure is about."""
        return self.rules.classify(diagnosis)

    def is_expired(self, job: Job) -> bool:
        """Whether the time of a job is over."""
        # Only rules make a difference between the deliveries of a job.
        deliveries = job.deliveries if self.retry.rules else job.deliveries[:1]
        return all(self.is_over(job.envelope, one) for one in deliveries)

    def is_over(self, envelope: Envelope, delivery: ClaimedDelivery) -> bool:
        """Whether the time of a delivery is over. It counts from when the message was let go, not from when it came."""
        return self.clock.now() >= self.moments.end(envelope, delivery)

    def is_late(self, job: Job) -> bool:
        """Whether the sender is to be told now that a delivery of this job takes longer."""
        envelope, now = job.envelope, self.clock.now()
        if now < self.reporting.warning_moment(envelope):
            return False
        return any(now >= self.moments.warning(envelope, one) for one in job.deliveries)

    async def _commit(self, page: Page) -> None:
        made: tuple[Acceptance, ReportMade] | None = None

        async def write() -> None:
            nonlocal made
            latest = self.retry.latest(page.now)
            made = await self.reporting.make(page.job, page.notices, now=page.now, latest=latest)
            await self.spool.record(page.fates, [made[0]] if made else ())

        await self.persistence.write(write)
        if made is not None:
            self.observe(made[1])
        envelope = page.job.envelope
        for ended in page.ended:
            self.observe(
                DeliveryEnded(
                    at=page.now,
                    delivery=DeliveryId(page.job.claim.mid, ended.ordinal),
                    status=ended.status,
                    diagnosis=ended.diagnosis,
                    failure_class=ended.failure_class,
                    report=made[0].mid if made is not None and ended.ordinal in page.notices else None,
                    reverse_path=envelope.reverse_path,
                    recipient=envelope.recipients[ended.ordinal].address,
                )
            )


def tell_of_quarantine(damage: Damage) -> None:
    """Tell the operator, who alone can do something."""
    _LOG.error(
        "message %s is damaged and in quarantine: %s; it is kept and not sent, all others are; stop the daemon and run "
        "`empath spool verify`",
        damage.mid,
        damage.reason,
    )
