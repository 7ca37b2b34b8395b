import json
from typing import Any

import pytest

from empath.config.schema import Redaction
from empath.mail import Fact
from empath.mail.delivery import Status
from empath.mail.facts import LoginAccepted, LoginRefused, OperatorActed
from empath.ops.records import Auditable, Mark, Recorder, is_auditable
from empath.ops.redaction import Redactor
from tests.ops.facts import (
    BUSY,
    LOST,
    MESSAGE,
    NO_DNS,
    NOW,
    SESSION,
    UNKNOWN,
    accepted,
    attempted,
    breaker,
    ended,
    opened,
    refused,
    told,
)

PLAIN = Redactor(sender=Redaction.NONE, recipients=Redaction.NONE, key=b"")


def record(fact: Auditable, redactor: Redactor = PLAIN) -> dict[str, Any]:
    line = Recorder(node="mx1", redactor=redactor).line(88121, fact)
    assert line.endswith(b"}\n")
    found: dict[str, Any] = json.loads(line)
    return found


def test_an_attempt_that_delivered() -> None:
    assert record(attempted()) == {
        "timestamp": 1762774271,
        "message_id": {"timestamp": 1762772405, "id": 42},
        "sender": "billing@example.com",
        "recipients": ["ann@example.org"],
        "mx_server": "mx1.example.org",
        "outcome": "delivered",
        "smtp_response": "250 2.0.0 ok id=77",
        "duration_ms": 611,
        "attempt_number": 6,
        "schema": "empath.audit/1",
        "event": "attempt",
        "delivery": f"{MESSAGE}.0",
        "time": "2025-11-10T11:31:11.402Z",
        "seq": 88121,
        "mid": str(MESSAGE),
        "node": "mx1",
        "lane": "example.org",
        "peer": "192.0.2.7:25",
        "tls": "TLSv1.3",
        "command": ".",
        "code": 250,
        "enhanced": "2.0.0",
        "class": "ok",
        "queue_ms": 1865791,
    }


def test_an_attempt_that_was_put_off_says_what_the_host_said_to_which_command() -> None:
    found = record(attempted(BUSY))
    assert (found["outcome"], found["command"], found["code"]) == ("deferred", "RCPT", 451)
    assert (found["class"], found["kind"]) == ("greylisted", "busy")
    assert found["smtp_response"] == "451 4.7.1 later"


def test_an_attempt_of_which_nobody_knows_how_it_ended_is_uncertain() -> None:
    found = record(attempted(LOST))
    assert (found["outcome"], found["command"], found["class"]) == ("uncertain", ".", "uncertain")
    assert "code" not in found


def test_an_attempt_that_came_to_no_host_has_our_own_words_and_no_code() -> None:
    found = record(attempted(NO_DNS))
    assert found["smtp_response"] == "example.org could not be looked up"
    assert {"code", "command", "mx_server"} & set(found) == set()


def test_a_message_that_was_accepted() -> None:
    found = record(accepted())
    assert (found["event"], found["mid"], found["size"], found["peer"]) == (
        "received",
        str(MESSAGE),
        4198,
        "192.0.2.50",
    )
    assert (found["sender"], found["recipients"]) == ("billing@example.com", ["ann@example.org"])


def test_a_recipient_that_was_refused() -> None:
    found = record(refused())
    assert (found["event"], found["command"], found["code"], found["enhanced"]) == ("rejected", "RCPT", 550, "5.7.1")
    assert (found["peer"], found["sender"]) == ("192.0.2.9", "billing@example.com")
    assert found["recipients"] == ["ann@example.org"]


@pytest.mark.parametrize(("status", "event"), [(Status.FAILED, "bounced"), (Status.EXPIRED, "expired")])
def test_a_delivery_that_failed_names_the_report_on_it(status: Status, event: str) -> None:
    found = record(ended(status))
    assert (found["event"], found["report"], found["enhanced"]) == (event, "6911ccff-9", "5.1.1")
    assert (found["class"], found["kind"]) == ("bad_mailbox", "recipient_rejected")


def test_a_report_to_the_sender_names_what_it_is_about() -> None:
    found = record(told())
    assert (found["event"], found["mid"], found["report"]) == ("dsn", str(MESSAGE), "6911ccff-9")
    assert found["recipients"] == ["billing@example.com"]
    assert found["about"] == {f"{MESSAGE}.0": "failed", f"{MESSAGE}.2": "delayed"}
    assert is_auditable(told())


def test_logins_accepted_and_refused() -> None:
    taken = LoginAccepted(at=NOW, session=SESSION, client_ip="192.0.2.50", login="ann", mechanism="PLAIN")
    wrong = LoginRefused(
        at=NOW, session=SESSION, client_ip="192.0.2.50", login="ann", mechanism="PLAIN", reason="wrong"
    )
    found = [record(fact) for fact in (taken, wrong)]
    assert [(one["event"], one["login"], one["outcome"], one["class"]) for one in found] == [
        ("auth", "ann", "accepted", "ok"),
        ("auth", "ann", "refused", "wrong"),
    ]


def test_the_start_of_the_daemon() -> None:
    assert record(Mark(NOW, "start"))["event"] == "start"


@pytest.mark.parametrize("fact", [opened(), breaker("open"), ended(Status.COMPLETED)])
def test_of_other_facts_there_is_no_record(fact: Fact) -> None:
    assert not is_auditable(fact)


@pytest.mark.parametrize(
    ("redaction", "sender", "recipient"),
    [
        (Redaction.NONE, "billing@example.com", "ann@example.org"),
        (Redaction.LOCAL, "***@example.com", "***@example.org"),
    ],
)
def test_redaction_by_place(redaction: Redaction, sender: str, recipient: str) -> None:
    of_sender = Redactor(sender=redaction, recipients=Redaction.NONE, key=b"")
    assert record(attempted(), of_sender)["sender"] == sender
    assert record(attempted(), of_sender)["recipients"] == ["ann@example.org"]
    of_recipients = Redactor(sender=Redaction.NONE, recipients=redaction, key=b"")
    assert record(attempted(), of_recipients)["sender"] == "billing@example.com"
    assert record(accepted(), of_recipients)["recipients"] == [recipient]


@pytest.mark.parametrize("redaction", [Redaction.LOCAL, Redaction.HASH])
def test_what_is_redacted_is_nowhere_in_the_line_not_even_in_the_reply_of_a_host(redaction: Redaction) -> None:
    recorder = Recorder(node="mx1", redactor=Redactor(sender=redaction, recipients=redaction, key=b"k" * 32))
    for fact in (accepted(), refused(), attempted(UNKNOWN), ended()):
        line = recorder.line(1, fact).lower()
        assert b"ann" not in line
        assert b"billing" not in line


ACTED = OperatorActed(
    at=NOW, by="unix:ann", verb="bounce", selector="--sender a@b.example", why="wrong", count=7, skipped=1, job=3
)


def test_what_an_operator_did() -> None:
    found = record(ACTED)
    assert (found["event"], found["verb"], found["by"], found["reason"]) == ("operator", "bounce", "unix:ann", "wrong")
    assert (found["selector"], found["count"], found["skipped"], found["job"]) == ("--sender a@b.example", 7, 1, 3)
    assert is_auditable(ACTED)


@pytest.mark.parametrize("redaction", [(Redaction.HASH, Redaction.NONE), (Redaction.LOCAL, Redaction.HASH)])
def test_what_an_operator_chose_by_is_left_out_where_addresses_are_hidden(
    redaction: tuple[Redaction, Redaction],
) -> None:
    redactor = Redactor(sender=redaction[0], recipients=redaction[1], key=b"k")
    assert "selector" not in record(ACTED, redactor)
