"""A page of the record: what one job came to, as it will be written down, and told to the sender.

For each recipient it decides whether the delivery is finished, waits, or is given up, and whether the report that is
written in the same transaction has a notice of it. Everything here is decided without waiting; `Closing` writes it.
"""

from __future__ import annotations

from math import inf
from typing import Final, NamedTuple, assert_never

from attrs import define, evolve, field, frozen

from empath.config.schema import UncertainAction
from empath.delivery.lanes.job import Job
from empath.delivery.recording.reporting import Reporting
from empath.mail.delivery import Status
from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.envelope import Envelope, Recipient
from empath.mail.failure import DamagedRecord
from empath.mail.failure_class import FailureClass
from empath.mail.notice import Action, Notice
from empath.mail.outcome import Bounced, Deferred, Delivered, Outcome
from empath.mail.progress import Progress, decode_progress, encode_progress
from empath.policy.replies import ReplyClasses
from empath.policy.retry import GiveUp, Retries
from empath.smtp import EnhancedCode
from empath.spool.contract import ClaimedDelivery, Fate, Finished, Waiting
from empath.world.ports import Entropy

_NEVER_ATTEMPTED: Final = Diagnosis(kind=Kind.EXPIRED, phase=Phase.ROUTE, text="it was not attempted in time")

_TIME_OVER: Final = EnhancedCode(4, 4, 7)
"""The time is over that the sender gave, and it is tried on (RFC 2852 4.1)."""
_NOT_ATTEMPTED: Final = Diagnosis(
    kind=Kind.CONNECT, phase=Phase.ROUTE, text="it was not attempted yet, since its next host takes no mail now"
)


@frozen(kw_only=True)
class Terms:
    """By what it is decided."""

    retry: Retries
    rules: ReplyClasses
    uncertain: UncertainAction
    reporting: Reporting
    entropy: Entropy


class Ended(NamedTuple):
    """A delivery that has come to its end."""

    ordinal: int
    status: Status
    diagnosis: Diagnosis | None = None
    failure_class: FailureClass | None = None


@define(eq=False)
class Page:
    """See the module."""

    _terms: Terms
    job: Job
    now: float
    fates: list[Fate] = field(init=False, factory=list)
    ended: list[Ended] = field(init=False, factory=list)
    notices: dict[int, Notice] = field(init=False, factory=dict)
    """By ordinal."""
    _drawn: float | None = field(init=False, default=None)

    @property
    def _chance(self) -> float:
        """One for all: what was deferred together is tried again together, in one transaction."""
        if self._drawn is None:
            self._drawn = self._terms.entropy.rng.random()
        return self._drawn

    def attempted(self, delivery: ClaimedDelivery, outcome: Outcome) -> None:
        """Write down an attempt."""
        match outcome:
            case Delivered():
                self.fates.append(Finished(key=delivery.key))
                self.ended.append(Ended(delivery.key.ordinal, Status.COMPLETED))
                recipient = self._recipient(delivery)
                if self._terms.reporting.tells_of_relaying(self.job.envelope, recipient, outcome):
                    self._put(delivery, Action.RELAYED, outcome, last_attempt=self.now)
            case Bounced(diagnosis):
                self._fail(delivery, diagnosis, self._terms.rules.classify(diagnosis))
            case Deferred(diagnosis):
                self._defer(delivery, diagnosis, self._terms.rules.classify(diagnosis))
            case unreachable:
                assert_never(unreachable)

    def expired(self, delivery: ClaimedDelivery) -> None:
        """Give up what could not be attempted again in its time."""
        progress = progress_of(delivery)
        last = progress.last if progress else _NEVER_ATTEMPTED
        self._give_up(delivery, last, self._terms.rules.classify(last), last_attempt=None)

    def _defer(self, delivery: ClaimedDelivery, diagnosis: Diagnosis, failure_class: FailureClass) -> None:
        """Plan the next attempt or give up; and tell the sender, once, that it takes longer."""
        terms, envelope = self._terms, self.job.envelope
        if failure_class is FailureClass.UNCERTAIN and terms.uncertain is UncertainAction.REPORT:
            self._fail(delivery, diagnosis, failure_class)
            return
        before = progress_of(delivery)
        warned = before is not None and before.warned
        warning = inf if warned else terms.reporting.warns_at(envelope, self._recipient(delivery))
        moment = terms.retry.after(
            delivery.attempts + 1,
            domain=delivery.domain,
            failure_class=failure_class,
            created=envelope.release,
            now=self.now,
            chance=self._chance,
            deadline=deadline_of(envelope),
            landmark=warning,
        )
        if isinstance(moment, GiveUp):
            self._give_up(delivery, diagnosis, failure_class, last_attempt=self.now)
            return
        if warning <= self.now:
            warned = True
            self._warn(delivery, diagnosis, failure_class, last_attempt=self.now)
        last = encode_progress(Progress(last=diagnosis, warned=warned))
        status = Status.UNCERTAIN if failure_class is FailureClass.UNCERTAIN else Status.RETRY
        attempts = delivery.attempts + 1
        self.fates.append(Waiting(key=delivery.key, next_attempt=moment, attempts=attempts, last=last, status=status))

    def late(self, delivery: ClaimedDelivery) -> None:
        """Tell the sender, if it is time to, of what cannot be attempted now. It is due as before."""
        before, last = progress_of(delivery), delivery.last
        warned = before is not None and before.warned
        if not warned and self._terms.reporting.warns_at(self.job.envelope, self._recipient(delivery)) <= self.now:
            diagnosis = before.last if before else _NOT_ATTEMPTED
            last = encode_progress(Progress(last=diagnosis, warned=True))
            self._warn(delivery, diagnosis, self._terms.rules.classify(diagnosis), last_attempt=None)
        attempts = delivery.attempts
        self.fates.append(
            Waiting(key=delivery.key, next_attempt=self.now, attempts=attempts, last=last, status=Status.PENDING)
        )

    def _warn(
        self,
        delivery: ClaimedDelivery,
        diagnosis: Diagnosis,
        failure_class: FailureClass,
        *,
        last_attempt: float | None,
    ) -> None:
        envelope = self.job.envelope
        if self._terms.reporting.is_time_over(envelope, self.now):
            diagnosis = evolve(diagnosis, status=_TIME_OVER)
        end = envelope.release + self._terms.retry.policy(delivery.domain, failure_class).max_age_s
        self._tell(
            delivery,
            Action.DELAYED,
            diagnosis,
            failure_class,
            last_attempt=last_attempt,
            retry_until=min(end, deadline_of(envelope)),
        )

    def _fail(self, delivery: ClaimedDelivery, diagnosis: Diagnosis, failure_class: FailureClass) -> None:
        self._end(delivery, Ended(delivery.key.ordinal, Status.FAILED, diagnosis, failure_class), attempts=1)
        self._tell(delivery, Action.FAILED, diagnosis, failure_class, last_attempt=self.now)

    def _give_up(
        self, delivery: ClaimedDelivery, last: Diagnosis, failure_class: FailureClass, *, last_attempt: float | None
    ) -> None:
        """The time was used up; the class is of what stood in the way at last."""
        text = f"gave up: {last.text}"
        diagnosis = Diagnosis(kind=Kind.EXPIRED, phase=last.phase, host=last.host, reply=last.reply, text=text)
        attempts = 0 if last_attempt is None else 1
        self._end(delivery, Ended(delivery.key.ordinal, Status.EXPIRED, diagnosis, failure_class), attempts=attempts)
        self._tell(delivery, Action.FAILED, diagnosis, failure_class, last_attempt=last_attempt)

    def _end(self, delivery: ClaimedDelivery, ended: Ended, *, attempts: int) -> None:
        """Give one up, after so many attempts more than its row knows of. It is kept for a while, to be seen."""
        last = delivery.last if ended.diagnosis is None else encode_progress(Progress(last=ended.diagnosis))
        kept = Finished(
            key=delivery.key, status=ended.status, at=self.now, attempts=delivery.attempts + attempts, last=last
        )
        self.fates.append(kept)
        self.ended.append(ended)

    def _tell(
        self,
        delivery: ClaimedDelivery,
        action: Action,
        outcome: Diagnosis | Delivered,
        failure_class: FailureClass = FailureClass.OTHER,
        *,
        last_attempt: float | None,
        retry_until: float | None = None,
    ) -> None:
        """Put a notice into the report, if the sender wants to hear of it."""
        if self._terms.reporting.wants(action, self.job.envelope, self._recipient(delivery)):
            self._put(delivery, action, outcome, failure_class, last_attempt=last_attempt, retry_until=retry_until)

    def _put(
        self,
        delivery: ClaimedDelivery,
        action: Action,
        outcome: Diagnosis | Delivered,
        failure_class: FailureClass = FailureClass.OTHER,
        *,
        last_attempt: float | None,
        retry_until: float | None = None,
    ) -> None:
        self.notices[delivery.key.ordinal] = Notice(
            recipient=self._recipient(delivery),
            action=action,
            outcome=outcome,
            failure_class=failure_class,
            last_attempt=last_attempt,
            retry_until=retry_until,
        )

    def _recipient(self, delivery: ClaimedDelivery) -> Recipient:
        return self.job.envelope.recipients[delivery.key.ordinal]


def progress_of(delivery: ClaimedDelivery) -> Progress | None:
    """What its row says of earlier attempts; None: nothing that can be read."""
    try:
        return decode_progress(delivery.last) if delivery.last else None
    except DamagedRecord:
        return None


def deadline_of(envelope: Envelope) -> float:
    """When its own sender wants it given up; never: inf."""
    return inf if envelope.deadline is None else envelope.deadline
