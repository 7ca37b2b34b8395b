"""Facts as the daemon tells them."""

from empath.mail import (
    BreakerMoved,
    DeliveryAttempted,
    DeliveryEnded,
    MessageAccepted,
    MessageRefused,
    ReportMade,
    SessionClosed,
    SessionOpened,
)
from empath.mail.delivery import Status
from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.envelope import Envelope, Origin, Recipient
from empath.mail.failure_class import FailureClass
from empath.mail.ids import DeliveryId, MessageId, SessionId
from empath.mail.notice import Action
from empath.mail.outcome import Bounced, Deferred, Delivered, Outcome
from empath.smtp import Address, Reply, Verb

NOW = 1_762_774_271.402
LISTENER = "127.0.0.1:25"
MESSAGE, SESSION = MessageId(1_762_772_405, 42), SessionId(1_762_772_400, 7)
BILLING, ANN = Address.parse("billing@example.com"), Address.parse("ann@example.org")
TAKEN = Delivered(Reply(250, "ok id=77", "2.0.0"), "mx1.example.org")
BUSY = Deferred(Diagnosis(kind=Kind.BUSY, phase=Phase.RCPT, host="mx1.example.org", reply=Reply(451, "later", "4.7.1")))
NO_DNS = Deferred(Diagnosis(kind=Kind.DNS, phase=Phase.ROUTE, text="example.org could not be looked up"))
UNKNOWN = Bounced(
    Diagnosis(
        kind=Kind.RECIPIENT_REJECTED,
        phase=Phase.RCPT,
        host="mx1.example.org",
        reply=Reply(550, "<Ann@Example.org> unknown, ask ann", "5.1.1"),
    )
)

LOST = Deferred(Diagnosis(kind=Kind.TIMEOUT, phase=Phase.END, host="mx1.example.org", text="no answer within 600 s"))
CLASSES = {
    Kind.BUSY: FailureClass.GREYLISTED,
    Kind.DNS: FailureClass.DNS,
    Kind.RECIPIENT_REJECTED: FailureClass.BAD_MAILBOX,
    Kind.TIMEOUT: FailureClass.UNCERTAIN,
}


def accepted(*, at: float = NOW) -> MessageAccepted:
    """A message from outside."""
    origin = Origin(client_ip="192.0.2.50", hello="app1", protocol="ESMTPS", listener=LISTENER, tls_version="TLSv1.3")
    envelope = Envelope(reverse_path=BILLING, recipients=(Recipient(ANN),), received=at, origin=origin)
    return MessageAccepted(at=at, message=MESSAGE, session=SESSION, envelope=envelope, size_bytes=4198, commit_s=0.002)


def refused() -> MessageRefused:
    """A recipient that is not taken."""
    reply = Reply(550, "relaying denied", "5.7.1")
    return MessageRefused(
        at=NOW,
        session=SESSION,
        client_ip="192.0.2.9",
        verb=Verb.RCPT,
        reply=reply,
        reverse_path=BILLING,
        recipient=ANN,
    )


def attempted(
    outcome: Outcome = TAKEN, *, at: float = NOW, to: Address = ANN, took_s: float = 0.611, attempt: int = 6
) -> DeliveryAttempted:
    """An attempt."""
    return DeliveryAttempted(
        at=at,
        delivery=DeliveryId(MESSAGE, 0),
        reverse_path=BILLING,
        recipient=to,
        site="example.org",
        attempt=attempt,
        outcome=outcome,
        failure_class=None if isinstance(outcome, Delivered) else CLASSES[outcome.diagnosis.kind],
        address="192.0.2.7:25",
        tls_version="TLSv1.3",
        waited_s=1865.791,
        took_s=took_s,
        way=(("dns", 0.002), ("connect", 0.04), ("tls", 0.09)),
        next_attempt=at + 900 if isinstance(outcome, Deferred) else None,
        tls_verified=True,
        size_bytes=4198,
    )


def ended(status: Status = Status.FAILED) -> DeliveryEnded:
    """The end of a delivery, reported unless it went well."""
    failed = status is not Status.COMPLETED
    return DeliveryEnded(
        at=NOW,
        delivery=DeliveryId(MESSAGE, 0),
        status=status,
        diagnosis=UNKNOWN.diagnosis if failed else None,
        failure_class=FailureClass.BAD_MAILBOX if failed else None,
        report=MessageId(int(NOW), 9) if failed else None,
        reverse_path=BILLING,
        recipient=ANN,
    )


def told() -> ReportMade:
    """A report to the sender, about one delivery that failed and one that is late."""
    about = ((DeliveryId(MESSAGE, 0), Action.FAILED), (DeliveryId(MESSAGE, 2), Action.DELAYED))
    return ReportMade(at=NOW, report=MessageId(int(NOW), 9), sender=BILLING, about=about)


def opened(number: int = 7) -> SessionOpened:
    """A client is greeted."""
    return SessionOpened(at=NOW, session=SessionId(1, number), listener=LISTENER, client_ip="192.0.2.50")


def closed(number: int = 7) -> SessionClosed:
    """And gone."""
    return SessionClosed(
        at=NOW, session=SessionId(1, number), client_ip="192.0.2.50", messages=1, duration_s=2.0, reason="quit"
    )


def breaker(after: str) -> BreakerMoved:
    """A breaker moves."""
    return BreakerMoved(at=NOW, site="example.org", before="closed", after=after, until=None)
