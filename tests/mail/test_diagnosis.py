"""Kinds of trouble, whom they are charged to, and the status they are reported with."""

import pytest

from empath.mail.diagnosis import Charge, Diagnosis, Kind, Phase, phase_of
from empath.smtp import Reply, Verb


def test_every_kind_has_a_row() -> None:
    for kind in Kind:
        assert kind.charge in Charge
        assert Diagnosis(kind=kind, phase=Phase.ROUTE).status.kind == (5 if kind.permanent else 4)


def test_whatever_is_permanent_is_charged_to_the_delivery() -> None:
    assert {kind.charge for kind in Kind if kind.permanent} == {Charge.DELIVERY}


def test_what_says_nothing_about_the_message_is_charged_to_the_site() -> None:
    assert {kind for kind in Kind if kind.charge is Charge.SITE} == {
        *(Kind.DNS, Kind.DNS_INSECURE, Kind.CONNECT, Kind.TIMEOUT, Kind.CONNECTION_LOST, Kind.PROTOCOL),
        *(Kind.BUSY, Kind.HOST_REFUSED, Kind.TLS_UNAVAILABLE, Kind.TLS_FAILED),
        *(Kind.TLS_UNTRUSTED, Kind.LOGIN_REFUSED),
    }


def test_the_status_is_the_remotes_own_when_it_named_one() -> None:
    reply = Reply(550, "no such user", "5.1.1")
    assert str(Diagnosis(kind=Kind.RECIPIENT_REJECTED, phase=Phase.RCPT, reply=reply).status) == "5.1.1"


def test_the_class_of_the_status_says_what_we_do_about_it() -> None:
    reply = Reply(554, "go away", "5.7.1")
    assert str(Diagnosis(kind=Kind.HOST_REFUSED, phase=Phase.GREETING, reply=reply).status) == "4.7.1"


@pytest.mark.parametrize(
    ("phase", "reply", "uncertain"),
    [
        (Phase.END, None, True),
        (Phase.END, Reply(451, "later"), False),
        (Phase.DATA, None, False),
        (Phase.CONNECT, None, False),
    ],
)
def test_only_silence_after_the_end_is_uncertain(phase: Phase, reply: Reply | None, *, uncertain: bool) -> None:
    assert Diagnosis(kind=Kind.TIMEOUT, phase=phase, reply=reply).uncertain is uncertain


def test_a_diagnosis_reads_as_one_line() -> None:
    reply = Reply(550, ("no such", "user"), "5.1.1")
    said = Diagnosis(kind=Kind.RECIPIENT_REJECTED, phase=Phase.RCPT, host="mx.example.org", reply=reply)
    assert str(said) == "mx.example.org (rcpt): 550 5.1.1 no such user"
    assert str(Diagnosis(kind=Kind.CONNECTION_LOST, phase=Phase.DATA)) == "(data): 4.4.2 connection_lost"


def test_replies_that_decide_over_mail_have_a_phase() -> None:
    assert phase_of(Verb.BDAT_LAST) is Phase.END
    assert phase_of(Verb.EHLO) is Phase.HELLO
    with pytest.raises(ValueError, match="QUIT"):
        phase_of(Verb.QUIT)
