"""What happened: values for whoever watches, that is logs, audit, metrics, and the checks of a simulation.

A fact is said after the thing is true, never before: `MessageAccepted` after the commit, `DeliveryEnded` after the
record. Nobody who does the work may depend on who listens. ``at`` is wall clock, seconds since 1970; durations are
measured on the monotonic clock, so the two need not agree when the wall clock is set.
"""

from __future__ import annotations

from attrs import frozen

from empath.mail.delivery import Status
from empath.mail.diagnosis import Diagnosis
from empath.mail.envelope import Envelope
from empath.mail.failure_class import FailureClass
from empath.mail.ids import DeliveryId, MessageId, SessionId
from empath.mail.notice import Action
from empath.mail.operator_facts import OperatorActed, OperatorLogin, RuleEnded, RuleSet
from empath.mail.outcome import Outcome
from empath.mail.reload_facts import ConfigReloaded
from empath.mail.trace_context import TraceContext
from empath.mail.waiting import Wait
from empath.mail.way_facts import AttemptFaulted, HostDialled, HostLeft, NameLookedUp
from empath.smtp import Address, Reply, Verb


@frozen(kw_only=True)
class SessionOpened:
    """A client was greeted."""

    at: float
    session: SessionId
    listener: str
    client_ip: str | None


@frozen(kw_only=True)
class ClientTurnedAway:
    """A client was not let in: there are too many, or too many of its kind. No session came of it."""

    at: float
    listener: str
    client_ip: str | None
    reply: Reply
    """What it was told, or would have been: in a flood not all are."""


@frozen(kw_only=True)
class ClientIntroduced:
    """A client that we trust has said that it speaks for another one, which the session belongs to from now on."""

    at: float
    session: SessionId
    client_ip: str | None
    """None: it has no address that anybody knows."""
    login: str | None


@frozen(kw_only=True)
class SessionClosed:
    """The session is over, however it ended."""

    at: float
    session: SessionId
    client_ip: str | None
    messages: int
    """How many it brought that were accepted."""
    duration_s: float
    reason: str
    """``quit``, or why it ended without."""


@frozen(kw_only=True)
class LoginAccepted:
    """A client has proved who it is (RFC 4954)."""

    at: float
    session: SessionId
    client_ip: str | None
    login: str
    mechanism: str


@frozen(kw_only=True)
class LoginRefused:
    """A client wanted to be somebody, and was not let."""

    at: float
    session: SessionId
    client_ip: str | None
    login: str
    """Whom it claimed to be: text of a stranger, in printable characters. There need be no such user."""
    mechanism: str
    reason: str
    """``wrong``, or why nothing was checked."""


@frozen(kw_only=True)
class MessageAccepted:
    """A message is on the disk, and we answer for it."""

    at: float
    message: MessageId
    session: SessionId | None
    """None: it was made here."""
    envelope: Envelope
    size_bytes: int
    """Of the content as it came, without the trace field that was added."""
    commit_s: float
    """From the end of the data to the commit."""


@frozen(kw_only=True)
class MessageRefused:
    """A client was told that we do not take a message, or not for this recipient."""

    at: float
    session: SessionId
    client_ip: str | None
    verb: Verb
    reply: Reply
    reverse_path: Address | None
    recipient: Address | None
    """None: the refusal is for all recipients."""


@frozen(kw_only=True)
class DeliveryAttempted:
    """An attempt has ended. There is one of these for each recipient, and the outcome says all that differs."""

    at: float
    delivery: DeliveryId
    reverse_path: Address | None
    recipient: Address
    site: str
    attempt: int
    """From 1."""
    outcome: Outcome
    failure_class: FailureClass | None = None
    """What the failure is about; None: it was delivered."""
    address: str | None
    """IP address and port of the host that was talked to."""
    tls_version: str | None
    waited_s: float
    """From acceptance to the beginning of this attempt."""
    took_s: float
    """From there to the outcome."""
    stages: tuple[tuple[str, float], ...] = ()
    """How long ``mail``, ``rcpt`` and ``data`` took in the latest transaction, in seconds. It is said with the first of
    its recipients only; what left in one write counts as the last of it.
    """
    way: tuple[tuple[str, float], ...] = ()
    """How long ``dns``, ``connect`` and ``tls`` took, if a connection was opened for this attempt; in seconds."""
    next_attempt: float | None = None
    """When it is attempted again, wall clock; None: never, or nobody knows yet."""
    tls_verified: bool = False
    """Whether the host has proved who it is: by an authority that we trust, or by DANE."""
    size_bytes: int = 0
    """Of the message, as it is kept."""
    trace_context: TraceContext | None = None


@frozen(kw_only=True)
class DeliveryEnded:
    """A delivery has come to its final status, on record."""

    at: float
    delivery: DeliveryId
    status: Status
    diagnosis: Diagnosis | None
    """Why it failed or expired; None: it is completed."""
    failure_class: FailureClass | None = None
    """What the failure is about; of one that expired, what the latest one was about."""
    report: MessageId | None
    """The report that tells its sender; None: there is none to send."""
    reverse_path: Address | None = None
    recipient: Address | None = None


@frozen(kw_only=True)
class ReportMade:
    """A report to a sender is on the disk, together with what it is about."""

    at: float
    report: MessageId
    sender: Address
    """Whom it goes to."""
    about: tuple[tuple[DeliveryId, Action], ...]
    """The deliveries that it names, all of one message, and what it says of each."""


@frozen(kw_only=True)
class LaneChanged:
    """A lane began or ceased to be held up, or the number of its connections changed."""

    at: float
    site: str
    wait: Wait | None
    """What holds it up; None: nothing does."""
    backlog: int
    """Deliveries in memory that wait for a sender."""
    senders: int
    """Connections it has or is opening."""


@frozen(kw_only=True)
class BreakerMoved:
    """The breaker of a site has changed its state."""

    at: float
    site: str
    before: str
    after: str
    until: float | None
    """When an open breaker lets the next probe through."""


@frozen(kw_only=True)
class LaneSteered:
    """A host has said something that a rule about answers knows what to do about, and the lane does it."""

    at: float
    site: str
    action: str
    """What is done, in the words of the rule."""
    cause: str
    """What the host said. Printable, one line."""


Fact = (
    SessionOpened
    | ClientTurnedAway
    | ClientIntroduced
    | SessionClosed
    | LoginAccepted
    | LoginRefused
    | MessageAccepted
    | MessageRefused
    | DeliveryAttempted
    | DeliveryEnded
    | ReportMade
    | LaneChanged
    | BreakerMoved
    | LaneSteered
    | RuleSet
    | RuleEnded
    | OperatorActed
    | OperatorLogin
    | ConfigReloaded
    | NameLookedUp
    | HostDialled
    | HostLeft
    | AttemptFaulted
)
"""All of them, for matching."""
