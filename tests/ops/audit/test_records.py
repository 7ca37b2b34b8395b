import json
from typing import Any

import pytest
from attrs import evolve

from empath.config.schema import Redaction
from empath.mail import Fact
from empath.mail.delivery import Status
from empath.mail.facts import LoginAccepted, LoginRefused
from empath.mail.ids import DeliveryId, MessageId
from empath.mail.operator_facts import OperatorActed, OperatorLogin, RuleEnded, RuleSet
from empath.mail.outcome import Delivered
from empath.mail.reload_facts import ConfigReloaded
from empath.ops.audit.attempts import Attempts
from empath.ops.audit.records import Auditable, Mark, Recorder, is_auditable
from empath.ops.audit.redaction import Redactor
from empath.smtp import Address, Reply
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


def record(fact: Auditable | Attempts, redactor: Redactor = PLAIN) -> dict[str, Any]:
    line = Recorder(node="mx1", redactor=redactor).line(88121, fact)
    assert line.endswith(b"}\n")
    found: dict[str, Any] = json.loads(line)
    return found


def test_an_attempt_that_delivered() -> None:
    assert record(evolve(attempted(), stages=(("rcpt", 0.052), ("data", 0.427)))) == {
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
        "deliveries": [f"{MESSAGE}.0"],
        "time": "2025-11-10T11:31:11.402Z",
        "seq": 88121,
        "mid": str(MESSAGE),
        "node": "mx1",
        "lane": "example.org",
        "peer": "192.0.2.7:25",
        "tls": "TLSv1.3",
        "tls_verified": True,
        "command": ".",
        "code": 250,
        "enhanced": "2.0.0",
        "class": "ok",
        "queue_ms": 1865791,
        "stages_ms": {"dns": 2, "connect": 40, "tls": 90, "rcpt": 52, "data": 427},
        "size": 4198,
        "next_attempt": None,
    }


def test_the_fields_of_the_first_version_come_first_and_in_their_order() -> None:
    assert list(record(attempted()))[:9] == [
        *("timestamp", "message_id", "sender", "recipients", "mx_server", "outcome", "smtp_response", "duration_ms"),
        "attempt_number",
    ]


def test_attempts_that_differ_by_recipient_only_are_one_record() -> None:
    first = attempted()
    together = Attempts([first])
    bob = evolve(first, delivery=DeliveryId(MESSAGE, 1), recipient=Address.parse("bob@example.org"), stages=())
    assert together.takes(bob)
    together.facts.append(bob)
    found = record(together)
    assert found["recipients"] == ["ann@example.org", "bob@example.org"]
    assert found["deliveries"] == [f"{MESSAGE}.0", f"{MESSAGE}.1"]
    assert found["stages_ms"] == {"dns": 2, "connect": 40, "tls": 90}
    others = (
        evolve(bob, outcome=Delivered(Reply(250, "ok id=78", "2.0.0"), "mx1.example.org")),
        evolve(bob, delivery=DeliveryId(MessageId(1, 1), 1)),
        evolve(bob, attempt=7),
        evolve(bob, at=NOW + 1),
        bob,
    )
    assert [one for one in others if together.takes(one)] == []


def test_an_attempt_that_was_put_off_says_what_the_host_said_to_which_command() -> None:
    found = record(attempted(BUSY))
    assert (found["outcome"], found["command"], found["code"]) == ("deferred", "RCPT", 451)
    assert (found["class"], found["kind"]) == ("greylisted", "busy")
    assert found["smtp_response"] == "451 4.7.1 later"
    assert found["next_attempt"] == "2025-11-10T11:46:11.402Z"


def test_an_attempt_of_which_nobody_knows_how_it_ended_is_uncertain() -> None:
    found = record(attempted(LOST))
    assert (found["outcome"], found["command"], found["class"]) == ("uncertain", ".", "uncertain")
    assert "code" not in found


def test_an_attempt_that_came_to_no_host_has_our_own_words_and_no_code() -> None:
    found = record(attempted(NO_DNS))
    assert found["smtp_response"] == "example.org could not be looked up"
    assert {"code", "command"} & set(found) == set()
    assert found["mx_server"] is None


def test_a_message_that_was_accepted() -> None:
    found = record(accepted())
    assert (found["event"], found["mid"], found["size"], found["peer"]) == (
        "received",
        str(MESSAGE),
        4198,
        "192.0.2.50",
    )
    assert (found["sender"], found["recipients"]) == ("billing@example.com", ["ann@example.org"])
    assert found["hello"] == "app1"


def test_a_recipient_that_was_refused() -> None:
    found = record(refused())
    assert (found["event"], found["command"], found["code"], found["enhanced"]) == ("rejected", "RCPT", 550, "5.7.1")
    assert (found["peer"], found["sender"]) == ("192.0.2.9", "billing@example.com")
    assert found["recipients"] == ["ann@example.org"]


@pytest.mark.parametrize(("status", "event"), [(Status.FAILED, "bounced"), (Status.EXPIRED, "expired")])
def test_a_delivery_that_failed_names_the_report_on_it(status: Status, event: str) -> None:
    found = record(ended(status))
    assert (found["event"], found["report"], found["enhanced"]) == (event, "6911ccff-9", "5.1.1")
    assert (found["sender"], found["recipients"]) == ("billing@example.com", ["ann@example.org"])
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
    assert (found["event"], found["verb"], found["by"], found["reason"]) == ("bounced", "bounce", "unix:ann", "wrong")
    assert (found["selector"], found["count"], found["skipped"], found["job"]) == ("--sender a@b.example", 7, 1, 3)
    assert is_auditable(ACTED)


@pytest.mark.parametrize("redaction", [(Redaction.HASH, Redaction.NONE), (Redaction.LOCAL, Redaction.HASH)])
def test_what_an_operator_chose_by_is_left_out_where_addresses_are_hidden(
    redaction: tuple[Redaction, Redaction],
) -> None:
    redactor = Redactor(sender=redaction[0], recipients=redaction[1], key=b"k")
    assert "selector" not in record(ACTED, redactor)


def test_what_an_operator_writes_is_left_out_if_it_may_name_somebody_who_is_hidden() -> None:
    redactor = Redactor(sender=Redaction.HASH, recipients=Redaction.NONE, key=b"k")
    harmless = record(evolve(ACTED, selector="--lane example.org"), redactor)
    assert (harmless["selector"], harmless["reason"]) == ("--lane example.org", "wrong")
    assert "reason" not in record(evolve(ACTED, why="ann@example.org wants it"), redactor)
    assert "selector" not in record(evolve(ACTED, selector="--reply *ann*"), redactor)


RULE = RuleSet(
    at=NOW,
    rule="ov-7",
    kind="overlay",
    scope="domain example.org",
    by="unix:ann",
    why="warm-up",
    until=NOW,
    terms="rate=50/min",
)
ENDED = RuleEnded(at=NOW, rule="ov-7", kind="overlay", scope="domain example.org", by=None)
LOGIN = OperatorLogin(at=NOW, by="ops", peer="192.0.2.1:5000", accepted=True)
RELOADED = ConfigReloaded(at=NOW, by="files", applied=("log.level",), needs_restart=(), problem=None)
CLOSED_LIST: dict[str, Auditable] = {
    "received": accepted(),
    "rejected": refused(),
    "attempt": attempted(),
    "expired": ended(Status.EXPIRED),
    "bounced": ended(),
    "deleted": evolve(ACTED, verb="delete"),
    "held": evolve(ACTED, verb="hold"),
    "released": evolve(ACTED, verb="release"),
    "dsn": told(),
    "suspended": evolve(RULE, kind="suspension", terms=""),
    "resumed": evolve(ENDED, kind="suspension"),
    "overlay": RULE,
    "config": evolve(ACTED, verb="log level"),
    "reload": RELOADED,
    "auth": LoginAccepted(at=NOW, session=SESSION, client_ip="192.0.2.50", login="ann", mechanism="PLAIN"),
    "login": LOGIN,
    "backup": evolve(ACTED, verb="backup"),
    "restore": Mark(NOW, "restore"),
    "start": Mark(NOW, "start"),
    "stop": Mark(NOW, "stop"),
}


@pytest.mark.parametrize("event", CLOSED_LIST)
def test_each_event_has_its_record(event: str) -> None:
    found = record(CLOSED_LIST[event])
    assert found["event"] == event
    assert {"timestamp", "schema", "time", "seq", "node"} <= set(found)


def test_what_was_undone_is_told_as_what_it_comes_to() -> None:
    verbs = {"undo delete": "released", "undo hold": "released", "undo release": "held", "retry": "operator"}
    assert {verb: record(evolve(ACTED, verb=verb))["event"] for verb in verbs} == verbs


def test_a_decision_says_who_why_for_what_and_until_when() -> None:
    found = record(RULE)
    assert (found["by"], found["reason"], found["selector"]) == ("unix:ann", "warm-up", "domain example.org")
    assert (found["verb"], found["rule"], found["terms"]) == ("set", "ov-7", "rate=50/min")
    assert found["until"] == "2025-11-10T11:31:11Z"
    route = record(evolve(RULE, kind="route", terms="[192.0.2.1]:25"))
    assert (route["event"], route["terms"]) == ("overlay", "[192.0.2.1]:25")
    assert record(evolve(RULE, kind="freeze"))["event"] == record(evolve(RULE, kind="drain"))["event"] == "suspended"
    assert record(evolve(ACTED, verb="revoke token"))["event"] == "config"
    over = record(ENDED)
    assert (over["event"], over["verb"], over["by"]) == ("overlay", "end", "time")


def test_a_login_says_who_from_where_and_whether_he_was_let_in() -> None:
    assert (record(LOGIN)["by"], record(LOGIN)["peer"], record(LOGIN)["outcome"]) == (
        *("ops", "192.0.2.1:5000", "accepted"),
    )
    assert record(evolve(LOGIN, by="", accepted=False))["outcome"] == "refused"
