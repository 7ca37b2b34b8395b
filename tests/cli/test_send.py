"""``empath send``, against a real listener."""

import json
import os
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from empath.world import TcpEndpoint
from tests.cli.conftest import Sandbox

WHOLE = b"From: bob@example.com\nSubject: As it is\n\n.\nlast line"


def test_the_first_mail_needs_nothing_but_a_recipient(sandbox: Sandbox) -> None:
    result = sandbox.run("send", "--to", "ann@example.org")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("accepted in ")
    assert result.stdout.endswith(" ms (250 2.0.0 captured as 1)\n")
    [record] = sandbox.records()
    assert (record.recipients, record.subject, record.hello) == (("ann@example.org",), "Test", "host.example")
    assert record.sender is not None
    assert record.sender.endswith("@host.example")


def test_the_message_says_what_the_options_say(sandbox: Sandbox) -> None:
    options = ["--from", "bob@example.com", "--subject", "Grüße an\nalle", "--body", "Schön.\n.\n"]
    result = sandbox.run("send", "--to", "ann@example.org", "--to", "eve", "--to", "ann@example.org", *options)
    assert (result.exit_code, result.stderr) == (0, "")
    taken = sandbox.message()
    assert taken.record.sender == "bob@example.com"
    assert taken.record.recipients == ("ann@example.org", "eve@host.example")
    message = message_from_bytes(taken.content, policy=default)
    assert (message["From"], message["To"]) == ("bob@example.com", "ann@example.org, eve@host.example")
    assert message["Subject"] == "Grüße an alle"
    assert message["Date"].datetime is not None
    assert message["Message-ID"].endswith("@host.example>")
    assert message.get_content() == "Schön.\r\n.\r\n"


def test_a_file_is_sent_as_it_is_but_for_line_ends(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "message.eml").write_bytes(WHOLE)
    result = sandbox.run("send", "--to", "ann@example.org", "--file", str(tmp_path / "message.eml"))
    assert (result.exit_code, result.stderr) == (0, "")
    assert sandbox.message().content == WHOLE.replace(b"\n", b"\r\n") + b"\r\n"


def test_a_dash_as_file_is_standard_input(sandbox: Sandbox) -> None:
    assert sandbox.run("send", "--to", "ann@example.org", "--eml", "-", stdin=WHOLE).exit_code == 0
    assert sandbox.message().record.subject == "As it is"


@pytest.mark.parametrize("sender", ["", "<>"])
def test_the_null_sender_can_be_given(sandbox: Sandbox, sender: str) -> None:
    assert sandbox.run("send", "--to", "ann@example.org", "--from", sender).exit_code == 0
    assert sandbox.message().record.sender is None


def test_json_is_one_object_with_all_that_the_server_said(sandbox: Sandbox) -> None:
    result = sandbox.run("send", "--to", "ann@example.org", "--json")
    record = json.loads(result.stdout)
    assert record.pop("elapsed_ms") > 0
    assert record == {
        "schema": "empath.send/1",
        "accepted": True,
        "mid": None,
        "server": str(sandbox.endpoint),
        "reply": "250 2.0.0 captured as 1",
    }


@pytest.mark.parametrize(
    ("local", "status", "reply"),
    [("bounce", os.EX_UNAVAILABLE, "550 5.1.1"), ("defer", os.EX_TEMPFAIL, "451 4.2.0")],
)
def test_when_one_recipient_is_refused_the_message_goes_to_nobody(
    sandbox: Sandbox, local: str, status: int, reply: str
) -> None:
    result = sandbox.run("send", "--to", "ann@example.org", "--to", f"{local}@example.org")
    assert (result.exit_code, result.stdout) == (status, "")
    assert f"{local}@example.org is refused: {reply}" in result.stderr
    assert "the message went to nobody" in result.stderr
    assert sandbox.records() == ()


def test_a_refusal_is_json_too_if_asked_for(sandbox: Sandbox) -> None:
    result = sandbox.run("send", "--to", "bounce@example.org", "--json")
    record = json.loads(result.stdout)
    assert (result.exit_code, record["accepted"], record["code"]) == (os.EX_UNAVAILABLE, False, "SND003")
    assert set(record) == {"schema", "accepted", "code", "what", "why", "try"}


def test_where_nobody_listens_it_says_what_to_try(sandbox: Sandbox) -> None:
    result = sandbox.run("send", "--to", "ann@example.org", "--server", "127.0.0.1:1")
    assert (result.exit_code, result.stdout) == (os.EX_UNAVAILABLE, "")
    assert result.stderr == (
        "error[SND001] cannot connect to 127.0.0.1:1: Connection refused\n"
        "   why  nothing takes connections there, or something on the way lets none through\n"
        "   try  check host and port\n"
    )


def test_where_the_daemon_does_not_run_it_says_how_to_start_it(tmp_path: Path) -> None:
    nobody = Sandbox(tmp_path, TcpEndpoint("127.0.0.1", 1))
    nobody.configure()
    result = nobody.run("send", "--to", "ann@example.org")
    assert result.exit_code == os.EX_UNAVAILABLE
    assert "start it with `empath serve`" in result.stderr


def test_a_host_that_nobody_knows_is_said_to_be_that(sandbox: Sandbox) -> None:
    result = sandbox.run("send", "--to", "ann@example.org", "--server", "no-such-host.invalid:25")
    assert result.exit_code == os.EX_UNAVAILABLE
    assert "cannot find the host no-such-host.invalid" in result.stderr


def test_a_file_that_cannot_be_read_is_no_input(sandbox: Sandbox, tmp_path: Path) -> None:
    result = sandbox.run("send", "--to", "ann@example.org", "--file", str(tmp_path / "missing"))
    assert result.exit_code == os.EX_NOINPUT
    assert "missing: No such file or directory" in result.stderr


@pytest.mark.parametrize(
    ("content", "fault"),
    [(b"one\rtwo", "a CR without LF"), (b"x" * 70_000, "a line of more than 65536 octets")],
)
def test_a_message_that_smtp_cannot_carry_is_bad_data(sandbox: Sandbox, content: bytes, fault: str) -> None:
    result = sandbox.run("send", "--to", "ann@example.org", "--file", "-", stdin=content)
    assert result.exit_code == os.EX_DATAERR
    assert f"the message has {fault}\n" in result.stderr
    assert sandbox.records() == ()


def test_a_message_beyond_all_bounds_is_bad_data(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("empath.cli.reading.MAX_BYTES", 1024 * 1024)
    result = sandbox.run("send", "--to", "ann@example.org", "--file", "-", stdin=b"x\n" * 600_000)
    assert result.exit_code == os.EX_DATAERR
    assert "the message is larger than 1 MiB" in result.stderr


@pytest.mark.parametrize("address", ["ann@", "a b@example.org", "", "ann@example.org\nRCPT TO:<eve@example.org>"])
def test_what_is_no_address_is_bad_data(sandbox: Sandbox, address: str) -> None:
    result = sandbox.run("send", "--to", address)
    assert result.exit_code == os.EX_DATAERR
    assert "is not an address" in result.stderr


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--to", "ann@example.org", "--file", "x", "--body", "y"],
        ["--to", "ann@example.org", "--file", "x", "--subject", "y"],
        ["--to", "ann@example.org", "--server", "host:99999"],
        ["--to", "ann@example.org", "--server", "not a host"],
    ],
)
def test_a_wrong_command_line_is_a_usage_error(sandbox: Sandbox, options: list[str]) -> None:
    result = sandbox.run("send", *options)
    assert (result.exit_code, result.stdout) == (os.EX_USAGE, "")
    assert "Usage: main send" in result.stderr


def test_a_wrong_configuration_is_reported_whole(sandbox: Sandbox) -> None:
    sandbox.configure('no_such_key = 1\ntls = "sometimes"\n')
    result = sandbox.run("send", "--to", "ann@example.org")
    assert (result.exit_code, result.stdout) == (os.EX_CONFIG, "")
    assert "no_such_key" in result.stderr
    assert "sometimes" in result.stderr


def test_a_user_who_cannot_read_the_keys_of_the_daemon_can_send(sandbox: Sandbox) -> None:
    files = 'starttls = { cert_file = "/nowhere/cert.pem", key_file = "/nowhere/key.pem" }'
    sandbox.configure(f'tls = "starttls"\n{files}')
    assert sandbox.run("send", "--to", "ann@example.org").exit_code == 0
