"""What a reply means."""

import pytest

from empath.mail.diagnosis import Charge, Kind, Phase
from empath.mail.failure import (
    DamagedRecord,
    EmpathError,
    Failure,
    PermanentFailure,
    SystemFailure,
    SystemKind,
    TemporaryFailure,
    judge,
)
from empath.smtp import Reply

ANSWERED = [phase for phase in Phase if phase not in (Phase.ROUTE, Phase.CONNECT)]
BEFORE_MAIL = (Phase.GREETING, Phase.HELLO, Phase.STARTTLS, Phase.LOGIN)


def kind(code: int, phase: Phase, *, enhanced: str | None = None, accepted_before: int = 0) -> Kind:
    reply = Reply(code, "no", enhanced)
    return judge(reply, phase, host="mx.example.org", accepted_before=accepted_before).diagnosis.kind


@pytest.mark.parametrize("phase", ANSWERED)
def test_every_refusal_in_every_phase_is_judged(phase: Phase) -> None:
    for code in range(400, 560):
        failure = judge(Reply(code, "no"), phase, host="mx.example.org")
        before_mail = phase in BEFORE_MAIL or code == 421
        assert failure.diagnosis.kind.charge is (Charge.SITE if before_mail else Charge.DELIVERY)
        permanent = code >= 500 and not before_mail
        assert isinstance(failure, PermanentFailure if permanent else TemporaryFailure)
        assert failure.diagnosis.status.kind == (5 if permanent else 4)


@pytest.mark.parametrize("phase", ANSWERED)
def test_421_is_the_sites_wherever_it_comes(phase: Phase) -> None:
    assert kind(421, phase, accepted_before=3) is Kind.BUSY


@pytest.mark.parametrize(
    ("code", "phase", "expected"),
    [
        (450, Phase.GREETING, Kind.BUSY),
        (554, Phase.GREETING, Kind.HOST_REFUSED),
        (521, Phase.GREETING, Kind.HOST_REFUSED),
        (550, Phase.HELLO, Kind.HOST_REFUSED),
        (454, Phase.STARTTLS, Kind.TLS_UNAVAILABLE),
        (501, Phase.STARTTLS, Kind.TLS_UNAVAILABLE),
        (454, Phase.LOGIN, Kind.BUSY),
        (535, Phase.LOGIN, Kind.LOGIN_REFUSED),
        (451, Phase.MAIL, Kind.MESSAGE_DEFERRED),
        (550, Phase.MAIL, Kind.MESSAGE_REJECTED),
        (450, Phase.RCPT, Kind.RECIPIENT_DEFERRED),
        (550, Phase.RCPT, Kind.RECIPIENT_REJECTED),
        (556, Phase.RCPT, Kind.RECIPIENT_REJECTED),
        (451, Phase.DATA, Kind.MESSAGE_DEFERRED),
        (554, Phase.END, Kind.MESSAGE_REJECTED),
        (452, Phase.END, Kind.MESSAGE_DEFERRED),
    ],
)
def test_the_phase_says_what_was_refused(code: int, phase: Phase, expected: Kind) -> None:
    assert kind(code, phase) is expected


@pytest.mark.parametrize("code", [452, 552])
@pytest.mark.parametrize("enhanced", [None, "5.3"])
def test_a_full_transaction_is_no_verdict_on_the_recipient(code: int, enhanced: str | None) -> None:
    full = f"{code // 100}.{enhanced}" if enhanced else None
    assert kind(code, Phase.RCPT, enhanced=full, accepted_before=1) is Kind.TOO_MANY_RECIPIENTS


def test_a_transaction_without_recipients_cannot_be_full() -> None:
    assert kind(452, Phase.RCPT, enhanced="4.5.3") is Kind.RECIPIENT_DEFERRED
    assert kind(552, Phase.RCPT) is Kind.RECIPIENT_REJECTED


def test_a_full_mailbox_is_not_a_full_transaction() -> None:
    assert kind(452, Phase.RCPT, enhanced="4.2.2", accepted_before=5) is Kind.RECIPIENT_DEFERRED
    assert kind(552, Phase.RCPT, enhanced="5.2.2", accepted_before=5) is Kind.RECIPIENT_REJECTED


@pytest.mark.parametrize("phase", [Phase.MAIL, Phase.DATA, Phase.END])
def test_552_means_too_large_unless_it_speaks_of_the_mailbox(phase: Phase) -> None:
    assert kind(552, phase) is Kind.TOO_LARGE
    assert kind(552, phase, enhanced="5.3.4") is Kind.TOO_LARGE
    assert kind(552, phase, enhanced="5.2.2") is Kind.MESSAGE_REJECTED


@pytest.mark.parametrize(("code", "phase"), [(250, Phase.RCPT), (354, Phase.DATA), (550, Phase.CONNECT)])
def test_what_is_no_refusal_is_not_judged(code: int, phase: Phase) -> None:
    with pytest.raises(ValueError, match="not a refusal"):
        judge(Reply(code, "x"), phase, host="mx.example.org")


def test_a_failure_keeps_who_said_what_and_when() -> None:
    reply = Reply(550, "no such user", "5.1.1")
    failure = judge(reply, Phase.RCPT, host="mx.example.org")
    assert failure.diagnosis.host == "mx.example.org"
    assert failure.diagnosis.reply is reply
    assert failure.diagnosis.phase is Phase.RCPT
    assert str(failure) == "mx.example.org (rcpt): 550 5.1.1 no such user"


def test_our_own_troubles_are_no_failures_of_a_delivery() -> None:
    assert not issubclass(SystemFailure, Failure)
    assert not issubclass(DamagedRecord, Failure)
    assert issubclass(SystemFailure, EmpathError)
    assert str(SystemFailure(SystemKind.SPOOL, "no space left")) == "spool: no space left"
