"""``empath sendmail``, called as cron, mailers and scripts call the program of that name."""

import os
from email import message_from_bytes
from email.policy import default

import pytest

from tests.cli.conftest import Sandbox

MESSAGE = (
    b'From: Bob <bob@example.com>\nTo: ann@example.org, "Smith, J." <smith@example.org>\nCc: eve\n'
    b"Bcc: secret@example.org,\n\tother@example.org\nSubject: Hello\nDate: Mon, 10 Nov 2025 12:00:00 +0000\n"
    b"Message-ID: <1@example.com>\n\nHello.\n"
)


def test_with_t_recipients_come_from_the_header_and_bcc_is_taken_away(sandbox: Sandbox) -> None:
    result = sandbox.run("sendmail", "-t", "-i", stdin=MESSAGE)
    assert (result.exit_code, result.output) == (0, "")
    taken = sandbox.message()
    assert taken.record.recipients == (
        *("ann@example.org", "smith@example.org", "eve@host.example"),
        *("secret@example.org", "other@example.org"),
    )
    without_bcc = MESSAGE.replace(b"Bcc: secret@example.org,\n\tother@example.org\n", b"")
    assert taken.content == without_bcc.replace(b"\n", b"\r\n")


def test_recipients_of_the_command_line_are_all_that_counts_without_t(sandbox: Sandbox) -> None:
    assert (
        sandbox.run("sendmail", "-oi", "--", "ann@example.org, eve", "-odd@example.org", stdin=MESSAGE).exit_code == 0
    )
    taken = sandbox.message()
    assert taken.record.recipients == ("ann@example.org", "eve@host.example", "-odd@example.org")
    assert b"Bcc" not in taken.content


def test_fields_that_must_not_be_missing_are_added(sandbox: Sandbox) -> None:
    arguments = ["-FCron Daemon", "-f", "root@example.com", "-i", "-B8BITMIME", "-oem", "ann@example.org"]
    assert sandbox.run("sendmail", *arguments, stdin=b"Subject: Report\n\nAll is well.\n").exit_code == 0
    taken = sandbox.message()
    assert taken.record.sender == "root@example.com"
    message = message_from_bytes(taken.content, policy=default)
    assert (message["From"], message["Subject"]) == ("Cron Daemon <root@example.com>", "Report")
    assert message["Date"].datetime is not None
    assert message["Message-ID"].endswith("@host.example>")


def test_text_without_a_header_becomes_a_message(sandbox: Sandbox) -> None:
    assert sandbox.run("sendmail", "ann", stdin=b"no header here\n").exit_code == 0
    assert sandbox.message().content.endswith(b"\r\n\r\nno header here\r\n")


@pytest.mark.parametrize(
    ("options", "body"), [([], b"one\r\n"), (["-i"], b"one\r\n.\r\ntwo\r\n"), (["-oi"], b"one\r\n.\r\ntwo\r\n")]
)
def test_a_lone_dot_ends_the_message_unless_told_otherwise(sandbox: Sandbox, options: list[str], body: bytes) -> None:
    assert sandbox.run("sendmail", *options, "ann", stdin=b"Subject: x\n\none\n.\ntwo\n").exit_code == 0
    assert sandbox.message().content.partition(b"\r\n\r\n")[2] == body


@pytest.mark.parametrize("sender", ["<>", ""])
def test_the_null_sender_can_be_given(sandbox: Sandbox, sender: str) -> None:
    assert sandbox.run("sendmail", "-f", sender, "ann", stdin=MESSAGE).exit_code == 0
    assert sandbox.message().record.sender is None


def test_a_refused_recipient_is_unavailable_and_nobody_gets_the_message(sandbox: Sandbox) -> None:
    result = sandbox.run("sendmail", "ann", "bounce", stdin=MESSAGE)
    assert result.exit_code == os.EX_UNAVAILABLE
    assert "bounce@host.example is refused: 550 5.1.1" in result.stderr
    assert sandbox.records() == ()


def test_without_a_server_the_caller_is_told_to_try_again(sandbox: Sandbox) -> None:
    result = sandbox.run("sendmail", "--server", "127.0.0.1:1", "ann", stdin=MESSAGE)
    assert result.exit_code == os.EX_TEMPFAIL
    assert "error[SND001] cannot connect to 127.0.0.1:1" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["-bs"], "-bs is not offered: SMTP on standard input"),
        (["-bp"], "-bp is not offered: there is no queue"),
        (["-bz"], "-bz is not offered: no such mode"),
        ([], "nobody to send to"),
        (["-q"], "No such option"),
    ],
)
def test_what_is_not_sending_is_refused_with_a_reason(sandbox: Sandbox, arguments: list[str], reason: str) -> None:
    result = sandbox.run("sendmail", *arguments, stdin=MESSAGE)
    assert result.exit_code == os.EX_USAGE
    assert reason in result.stderr


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b"Subject: x\n", "the message names nobody"),
        (b"To: undisclosed-recipients:;\n", "the message names nobody"),
        (b"To: ann@example.org, not an address@\n", "'not an address@' is not an address"),
    ],
)
def test_a_header_that_leaves_recipients_unclear_is_bad_data(sandbox: Sandbox, header: bytes, reason: str) -> None:
    result = sandbox.run("sendmail", "-t", stdin=header + b"\ntext\n")
    assert result.exit_code == os.EX_DATAERR
    assert reason in result.stderr
    assert sandbox.records() == ()
