"""What became of a delivery."""

from __future__ import annotations

from attrs import frozen

from empath.mail.delivery import Status
from empath.spool.contract.claims import DeliveryKey


@frozen(kw_only=True)
class Finished:
    """A delivery that will not be attempted again: delivered, or given up and reported."""

    key: DeliveryKey
    status: Status = Status.COMPLETED
    """How it has ended: ``COMPLETED``, which leaves nothing, or ``FAILED`` or ``EXPIRED``, which are kept."""
    at: float = 0.0
    """When; wall clock. It counts for what is kept."""
    attempts: int = 0
    """How often it was attempted; of what is kept."""
    last: bytes = b""
    """What the latest attempt came to; of what is kept."""


@frozen(kw_only=True)
class Waiting:
    """A delivery that is to be attempted again."""

    key: DeliveryKey
    next_attempt: float
    attempts: int
    """How often it was attempted, this time included."""
    last: bytes = b""
    """What the latest attempt came to, in a form that the spool keeps and does not need to read."""
    status: Status = Status.RETRY
    """``RETRY``, ``UNCERTAIN`` if it may have arrived, or ``PENDING`` if there was no attempt."""


@frozen(kw_only=True)
class Quarantined:
    """A delivery that cannot be attempted, since its message is damaged."""

    key: DeliveryKey
    reason: str


Fate = Finished | Waiting | Quarantined
