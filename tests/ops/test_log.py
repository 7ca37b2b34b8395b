import logging

import pytest

from empath.mail import (
    BreakerMoved,
    DeliveryAttempted,
    DeliveryEnded,
    Fact,
    LoginAccepted,
    LoginRefused,
    MessageAccepted,
    MessageRefused,
    ReportMade,
    SessionClosed,
    SessionOpened,
)
from empath.mail.delivery import Status
from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.envelope import Envelope, Recipient
from empath.mail.failure_class import FailureClass
from empath.mail.ids import DeliveryId, MessageId, SessionId
from empath.mail.notice import Action
from empath.mail.outcome import Bounced, Deferred, Delivered, Outcome
from empath.ops import log_fact
from empath.smtp import Address, Reply, Verb

ANN, BOB = Address.parse("ann@example.org"), Address.parse("bob@example.com")
MESSAGE, SESSION = MessageId(0x6911C5B5, 42), SessionId(0x6911C5B5, 7)
DELIVERY = DeliveryId(MESSAGE, 0)
TROUBLE = Diagnosis(kind=Kind.CONNECT, phase=Phase.CONNECT, host="mx.example.org", text="Connection refused")
LOST = Diagnosis(kind=Kind.TIMEOUT, phase=Phase.END, host="mx.example.org", text="no answer within 600 s")


def attempted(outcome: Outcome) -> Fact:
    return DeliveryAttempted(
        at=0,
        delivery=DELIVERY,
        reverse_path=BOB,
        recipient=ANN,
        site="example.org",
        attempt=1,
        outcome=outcome,
        failure_class=None if isinstance(outcome, Delivered) else FailureClass.CONNECTION,
        address=None,
        tls_version=None,
        waited_s=0,
        took_s=0,
    )


@pytest.mark.parametrize(
    ("fact", "line"),
    [
        (
            MessageAccepted(
                at=0,
                message=MESSAGE,
                session=SESSION,
                envelope=Envelope(reverse_path=BOB, recipients=(Recipient(ANN),), received=0),
                size_bytes=5,
                commit_s=0,
            ),
            "6911c5b5-2a accepted client=- session=6911c5b5-7 from=<bob@example.com> recipients=1 size=5",
        ),
        (
            MessageRefused(
                at=0,
                session=SESSION,
                client_ip="192.0.2.1",
                verb=Verb.RCPT,
                reply=Reply(550, "no", "5.7.1"),
                reverse_path=BOB,
                recipient=ANN,
            ),
            "6911c5b5-7 refused RCPT client=192.0.2.1 from=<bob@example.com> to=<ann@example.org> reply=550 5.7.1 no",
        ),
        (
            MessageRefused(
                at=0,
                session=SESSION,
                client_ip=None,
                verb=Verb.MAIL,
                reply=Reply(550, "no", "5.7.1"),
                reverse_path=BOB,
                recipient=None,
            ),
            "6911c5b5-7 refused MAIL client=- from=<bob@example.com> reply=550 5.7.1 no",
        ),
        (
            LoginAccepted(at=0, session=SESSION, client_ip="192.0.2.1", login="ann", mechanism="PLAIN"),
            "6911c5b5-7 login accepted client=192.0.2.1 mechanism=PLAIN login=ann",
        ),
        (
            LoginRefused(at=0, session=SESSION, client_ip=None, login="x client=y", mechanism="LOGIN", reason="wrong"),
            "6911c5b5-7 login refused (wrong) client=- mechanism=LOGIN login=x client=y",
        ),
        (
            attempted(Delivered(Reply(250, "OK", "2.0.0"), "mx.example.org")),
            "6911c5b5-2a.0 delivered to=<ann@example.org> host=mx.example.org reply=250 2.0.0 OK",
        ),
        (attempted(Deferred(TROUBLE)), f"6911c5b5-2a.0 deferred to=<ann@example.org> class=connection {TROUBLE}"),
        (attempted(Bounced(TROUBLE)), f"6911c5b5-2a.0 bounced to=<ann@example.org> class=connection {TROUBLE}"),
        (attempted(Deferred(LOST)), f"6911c5b5-2a.0 uncertain to=<ann@example.org> class=connection {LOST}"),
        (
            ReportMade(at=0, report=MessageId(0x6911C5B6, 7), sender=BOB, about=((DELIVERY, Action.FAILED),)),
            "6911c5b6-7 reports to=<bob@example.com> 6911c5b5-2a.0=failed",
        ),
        (
            DeliveryEnded(at=0, delivery=DELIVERY, status=Status.EXPIRED, diagnosis=None, report=None),
            "6911c5b5-2a.0 expired",
        ),
        (
            BreakerMoved(at=0, site="example.org", before="closed", after="open", until=60),
            "lane example.org breaker closed -> open",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Fact) else "",
)
def test_a_fact_is_one_line(fact: Fact, line: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "empath.mail"):
        log_fact(fact)
    assert caplog.messages == [line]


@pytest.mark.parametrize(
    ("fact", "line"),
    [
        (
            SessionOpened(at=0, session=SESSION, listener="192.0.2.1:25", client_ip="192.0.2.9"),
            "6911c5b5-7 opened client=192.0.2.9 listener=192.0.2.1:25",
        ),
        (
            SessionClosed(
                at=0,
                session=SESSION,
                client_ip=None,
                messages=1,
                duration_s=2.04,
                reason="TLS failed: no shared cipher",
            ),
            "6911c5b5-7 closed client=- messages=1 seconds=2.0 reason=TLS failed: no shared cipher",
        ),
    ],
)
def test_how_sessions_begin_and_end_is_for_those_who_look_closer(
    fact: Fact, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "empath.mail"):
        log_fact(fact)
    assert caplog.messages == []
    with caplog.at_level(logging.DEBUG, "empath.mail"):
        log_fact(fact)
    assert caplog.messages == [line]


def test_a_higher_level_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "empath.mail"):
        log_fact(attempted(Deferred(TROUBLE)))
    assert caplog.messages == []


def test_what_was_delivered_is_not_said_twice(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        log_fact(DeliveryEnded(at=0, delivery=DELIVERY, status=Status.COMPLETED, diagnosis=None, report=None))
    assert caplog.messages == []
