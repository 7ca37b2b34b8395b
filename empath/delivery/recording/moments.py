"""Moments at which something has to be told about a delivery, whether or not it can be attempted then.

One is when it is given up: by age, or by the deadline that its sender gave. Another is when its sender is to hear, and
only once, that it takes longer. What waits for a site that takes nothing is left alone until the first of these comes,
and has it in its row; so a long queue for a dead site costs nothing meanwhile, and nobody is told late.

Everything here is decided without waiting and without an event loop, since the spool asks in a thread of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf

from attrs import frozen

from empath.delivery.recording.page import deadline_of, progress_of
from empath.delivery.recording.reporting import Reporting
from empath.mail.envelope import Envelope
from empath.mail.failure import DamagedRecord
from empath.mail.failure_class import FailureClass
from empath.mail.record import decode_envelope
from empath.policy.replies import ReplyClasses
from empath.policy.retry import Retries
from empath.spool.contract import ClaimedDelivery


def _never(_delivery: ClaimedDelivery) -> float:
    return inf


@frozen(kw_only=True)
class Moments:
    """See the module. All are wall clock, in seconds; inf: never."""

    retry: Retries
    rules: ReplyClasses
    reporting: Reporting

    def first(self, envelope: bytes) -> Callable[[ClaimedDelivery], float]:
        """The first moment of each delivery of a message with this envelope; never, if it cannot be read."""
        try:
            return partial(self.next, decode_envelope(envelope))
        except DamagedRecord:
            return _never

    def next(self, envelope: Envelope, delivery: ClaimedDelivery) -> float:
        """The first moment of this delivery that was not told yet."""
        end, warning = self.end(envelope, delivery), self.reporting.warning_moment(envelope)
        if warning < end:  # only then it matters whether that was done
            warning = self.warning(envelope, delivery)
        return min(end, warning)

    def end(self, envelope: Envelope, delivery: ClaimedDelivery) -> float:
        """When its time is over. It counts from when the message was let go, not from when it came."""
        policy = self.retry.policy(delivery.domain, self._class_of(delivery))
        return min(envelope.release + policy.max_age_s, deadline_of(envelope))

    def warning(self, envelope: Envelope, delivery: ClaimedDelivery) -> float:
        """When its sender is told that it takes longer; never, if that was done."""
        progress = progress_of(delivery)
        if progress is not None and progress.warned:
            return inf
        return self.reporting.warns_at(envelope, envelope.recipients[delivery.key.ordinal])

    def _class_of(self, delivery: ClaimedDelivery) -> FailureClass | None:
        progress = progress_of(delivery) if self.retry.rules else None
        return self.rules.classify(progress.last) if progress else None
