"""What one attempt came to, for one recipient.

An attempt returns one outcome for each recipient it was given, and raises none: a message for three people can be
delivered to one, deferred for the second and bounced for the third. Whoever reads an outcome matches all three::

    match outcome:
        case Delivered(): ...
        case Deferred(diagnosis): ...
        case Bounced(diagnosis): ...
        case _: assert_never(outcome)

The reply to QUIT, and whatever happens after the reply to the final dot, belongs to no outcome (RFC 5321 4.1.1.10).
"""

from __future__ import annotations

from attrs import frozen

from empath.mail.diagnosis import Diagnosis
from empath.mail.failure import Failure
from empath.smtp import Reply


@frozen
class Delivered:
    """The next hop has taken responsibility (RFC 5321 6.1)."""

    reply: Reply
    """The positive answer to the final dot."""
    host: str
    """Whose answer it was."""
    reports: bool = False
    """Whether the host makes reports itself, and knows which its sender wants (RFC 3461 5.2.1)."""
    minds_time: bool = False
    """Whether the host knows by when the message is to be delivered (RFC 2852)."""


@frozen
class Deferred:
    """Not now. It is tried again, or given up when its time is over."""

    diagnosis: Diagnosis


@frozen
class Bounced:
    """Never. Its sender is to be told."""

    diagnosis: Diagnosis


Outcome = Delivered | Deferred | Bounced


def outcome_of(failure: Failure) -> Deferred | Bounced:
    """The value that a failure leaves behind when the attempt ends."""
    return Bounced(failure.diagnosis) if failure.diagnosis.kind.permanent else Deferred(failure.diagnosis)
