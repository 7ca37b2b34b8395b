"""What an attempt has met, beside what came of it: for those who watch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from attrs import frozen

from empath.delivery.lanes.job import Job
from empath.mail.diagnosis import Diagnosis
from empath.mail.facts import DeliveryAttempted
from empath.mail.failure_class import FailureClass
from empath.mail.ids import DeliveryId
from empath.mail.outcome import Delivered, Outcome
from empath.spool.contract import BodyFile, Fate, Waiting


@frozen(kw_only=True)
class Encounter:
    """The host that was talked to last, and how long all of it took."""

    took_s: float
    address: str | None = None
    """IP address and port; None: no host was reached."""
    tls_version: str | None = None
    tls_verified: bool = False
    way: tuple[tuple[str, float], ...] = ()
    """See `DeliveryAttempted`."""
    stages: tuple[tuple[str, float], ...] = ()
    """See `DeliveryAttempted`."""


def attempts(
    job: Job,
    outcomes: Mapping[int, Outcome],
    fates: list[Fate],
    met: Encounter,
    *,
    now: float,
    classify: Callable[[Diagnosis], FailureClass],
) -> Iterator[DeliveryAttempted]:
    """A fact for each recipient of a job that was attempted, as it is about to be recorded at ``now``."""
    again = {fate.key: fate.next_attempt for fate in fates if isinstance(fate, Waiting)}
    stages, way, body = met.stages, met.way, job.claim.body
    size_bytes = body.size_bytes if isinstance(body, BodyFile) else len(body)
    for delivery in job.deliveries:
        ordinal = delivery.key.ordinal
        outcome = outcomes[ordinal]
        yield DeliveryAttempted(
            at=now,
            delivery=DeliveryId(job.claim.mid, ordinal),
            reverse_path=job.envelope.reverse_path,
            recipient=job.envelope.recipients[ordinal].address,
            site=job.site,
            attempt=delivery.attempts + 1,
            outcome=outcome,
            failure_class=None if isinstance(outcome, Delivered) else classify(outcome.diagnosis),
            address=met.address,
            tls_version=met.tls_version,
            waited_s=now - met.took_s - job.claim.received,
            took_s=met.took_s,
            stages=stages,
            way=way,
            next_attempt=again.get(delivery.key),
            tls_verified=met.tls_verified,
            size_bytes=size_bytes,
            trace_context=job.envelope.trace_context,
        )
        stages = ()
