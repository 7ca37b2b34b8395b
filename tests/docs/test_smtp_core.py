"""The page on the SMTP core tells the truth: its programs talk to each other, its examples give what they say."""

import doctest
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = DOCS / "examples"
MESSAGE = "Subject: greetings\n\n.a dot at the start\nü\n"


@pytest.fixture
def server() -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The server program, and the port that it listens on."""
    command = [sys.executable, str(EXAMPLES / "smtp_server.py"), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().split()[-1]
        finally:
            process.kill()


def send(port: str, sender: str, *recipients: str) -> "subprocess.CompletedProcess[str]":
    """Run the client program with the message."""
    command = [sys.executable, str(EXAMPLES / "smtp_client.py"), port, sender, *recipients]
    return subprocess.run(command, input=MESSAGE, capture_output=True, text=True, encoding="utf-8", check=False)


def test_what_the_client_program_sends_arrives_at_the_server_program(
    server: tuple["subprocess.Popen[str]", str],
) -> None:
    process, port = server
    done = send(port, "ann@example.net", "bob@example.org", "postmaster@example.org")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[:3] for line in done.stdout.splitlines()] == [
        *(["GREETING", "->", "220"], ["EHLO", "->", "250"], ["MAIL", "->", "250"], ["RCPT", "->", "250"]),
        *(["RCPT", "->", "250"], ["DATA", "->", "354"], ["END", "->", "250"], ["QUIT", "->", "250"]),
    ]
    assert process.stdout is not None
    assert "".join(process.stdout.readline() for _ in MESSAGE.splitlines()) == MESSAGE


def test_the_server_program_refuses_mail_for_others_and_goes_on(server: tuple["subprocess.Popen[str]", str]) -> None:
    _, port = server
    refused = send(port, "ann@example.net", "bob@example.com")
    assert refused.returncode == 1
    assert "refused: 550 5.7.1 mail for example.org only" in refused.stderr
    assert send(port, "ann@example.net", "bob@example.org").returncode == 0


def test_the_examples_of_the_page_give_what_it_says() -> None:
    result = doctest.testfile(str(DOCS / "smtp-core.rst"), module_relative=False, encoding="utf-8")
    assert result.failed == 0
    assert result.attempted > 50
