"""What can go wrong on this side of the protocol, and the one place that says what a reply means.

::

    EmpathError
    |- Failure               a delivery did not happen; carries a `Diagnosis`
    |  |- PermanentFailure   never will: report it
    |  `- TemporaryFailure   may yet: try again
    |- SystemFailure         ours: no bounce, no attempt is counted, no breaker moves, and intake stops
    `- DamagedRecord         a stored record cannot be read: it is set aside, everything else goes on

A `Failure` lives inside one attempt. What leaves the attempt is a value, an `Outcome` for each recipient: an exception
that escaped could only speak for all of them at once.

What a reply means (RFC 5321 4.2.1 and 4.3.2):

============ ===================== ==================================================================
phase        4yz                   5yz
============ ===================== ==================================================================
any          421: busy, the site's (RFC 5321 3.8: the host is about to close, whatever it was asked)
greeting     busy, the site's      host refused: temporary, the site's, since another host may take it
hello        busy, the site's      host refused, likewise
starttls     TLS unavailable, the site's, whatever the code (RFC 3207 4)
login        busy, the site's      login refused: temporary, the site's (RFC 4954 6)
mail         message deferred      message rejected
rcpt         recipient deferred    recipient rejected
data, end    message deferred      message rejected
============ ===================== ==================================================================

Two codes mean more than their class. 552 to MAIL, DATA or the end is *too large* (RFC 1870 6), unless it speaks of a
full mailbox (x.2.2). 452 or 552 to RCPT, when the transaction holds recipients already, is *too many recipients* (RFC
5321 4.5.3.1.10, which has clients read 552 as 452), unless an enhanced code says something else. With no recipient
before it, the transaction cannot be full, and the code means what its class says: so splitting always comes to an end.

A refused greeting with 5yz is not a bounce here. RFC 5321 leaves it open, and it is far more often about our address,
or about a host that is being taken down, than about a message that the host has not yet seen.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from attrs import define, field

from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.smtp import Reply


class EmpathError(Exception):
    """Something went wrong that Empath knows by name. Abstract: raised only as one of its kinds."""


@define(eq=False)
class Failure(EmpathError):
    """A delivery did not happen. Abstract: made by `failure_of`."""

    diagnosis: Diagnosis

    def __str__(self) -> str:
        """The diagnosis, as one line for people."""
        return str(self.diagnosis)


class PermanentFailure(Failure):
    """It never will."""


class TemporaryFailure(Failure):
    """It may at the next attempt."""


class SystemKind(Enum):
    """What of ours has failed."""

    SPOOL = "spool"
    """The spool cannot read or write."""
    OVERLOAD = "overload"
    """No descriptors, no memory, or no local address to connect from."""
    CERTIFICATE = "certificate"
    """A certificate, key or CA file of ours cannot be used."""
    CREDENTIALS = "credentials"
    """A file with a password of ours cannot be used."""


@define(eq=False)
class SystemFailure(EmpathError):
    """We are not able to do our work now. Never charged to a site or a delivery."""

    kind: SystemKind
    text: str = field()

    def __str__(self) -> str:
        """What has failed, for people."""
        return f"{self.kind.value}: {self.text}"


class DamagedRecord(EmpathError):
    """Stored bytes are not a record, or not one that this version can read. The text says why."""


def failure_of(diagnosis: Diagnosis) -> Failure:
    """The exception that fits the kind of trouble."""
    return PermanentFailure(diagnosis) if diagnosis.kind.permanent else TemporaryFailure(diagnosis)


_JUDGED: Final = {
    Phase.MAIL: (Kind.MESSAGE_DEFERRED, Kind.MESSAGE_REJECTED),
    Phase.RCPT: (Kind.RECIPIENT_DEFERRED, Kind.RECIPIENT_REJECTED),
    Phase.DATA: (Kind.MESSAGE_DEFERRED, Kind.MESSAGE_REJECTED),
    Phase.END: (Kind.MESSAGE_DEFERRED, Kind.MESSAGE_REJECTED),
    Phase.GREETING: (Kind.BUSY, Kind.HOST_REFUSED),
    Phase.HELLO: (Kind.BUSY, Kind.HOST_REFUSED),
    Phase.STARTTLS: (Kind.TLS_UNAVAILABLE, Kind.TLS_UNAVAILABLE),
    Phase.LOGIN: (Kind.BUSY, Kind.LOGIN_REFUSED),
}


def judge(reply: Reply, phase: Phase, *, host: str, accepted_before: int = 0) -> Failure:
    """What a refusal means: the table in the docstring of this module.

    ``accepted_before``: how many recipients the transaction had when RCPT was refused. A ValueError: no refusal, or no
    phase in which a host answers.
    """
    if reply.code < 400 or phase not in _JUDGED:
        raise ValueError(f"{reply.code} in phase {phase.value} is not a refusal")
    return failure_of(Diagnosis(kind=_kind(reply, phase, accepted_before), phase=phase, host=host, reply=reply))


def _kind(reply: Reply, phase: Phase, accepted_before: int) -> Kind:
    if reply.code == 421:
        return Kind.BUSY
    topic = reply.enhanced[1:] if reply.enhanced else None
    if phase is Phase.RCPT and reply.code in (452, 552) and accepted_before and topic in (None, (5, 3)):
        return Kind.TOO_MANY_RECIPIENTS
    if phase in (Phase.MAIL, Phase.DATA, Phase.END) and reply.code == 552 and topic != (2, 2):
        return Kind.TOO_LARGE
    deferred, refused = _JUDGED[phase]
    return refused if reply.code >= 500 else deferred
