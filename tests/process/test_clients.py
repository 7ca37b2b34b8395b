"""Clients that other people wrote, in clear and under TLS."""

import smtplib
import ssl
import subprocess
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Final

import pytest
import trustme

from tests.peers import find, needs
from tests.process.daemon import Daemon, live
from tests.process.sink import Sink

HOST: Final = "mx.example.org"


@pytest.fixture
def authority() -> trustme.CA:
    """An authority that only these tests know."""
    return trustme.CA()


@pytest.fixture
def encrypted(sink: Sink, authority: trustme.CA, tmp_path: Path) -> Iterator[Daemon]:
    """A relay that offers STARTTLS."""
    issued = authority.issue_cert(HOST, "localhost")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    for part in issued.cert_chain_pems:
        part.write_to_path(tmp_path / "cert.pem", append=True)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    files = f'starttls = {{ cert_file = "{tmp_path}/cert.pem", key_file = "{tmp_path}/key.pem" }}'
    config = live(tmp_path, next_hop=sink.address, listener=f'tls = "starttls"\n{files}')
    with Daemon(tmp_path, config) as daemon:
        yield daemon


def test_smtplib_sends_a_message(sink: Sink, daemon: Daemon) -> None:
    with smtplib.SMTP("127.0.0.1", daemon.port, timeout=60) as client:
        assert client.send_message(lunch()) == {}
    sink.wait(1)
    assert sink.arrived[0].recipients == ("bob@example.org", "carl@example.org")
    assert sink.arrived[0].without_trace.endswith(b"\r\n\r\nAt noon?\r\n")


def test_smtplib_sends_a_message_under_starttls(sink: Sink, authority: trustme.CA, encrypted: Daemon) -> None:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with smtplib.SMTP("localhost", encrypted.port, timeout=60) as client:
        client.starttls(context=context)
        assert client.send_message(lunch()) == {}
    sink.wait(1)
    assert b" with ESMTPS (TLSv1." in sink.arrived[0].content


@needs("swaks")
def test_swaks_sends_a_message(sink: Sink, daemon: Daemon) -> None:
    transcript = swaks(daemon, "--body", "At noon?")
    assert "<-  250 2.0.0 " in transcript
    sink.wait(1)
    assert b"At noon?\r\n" in sink.arrived[0].content


@needs("swaks")
def test_swaks_pipelines_a_message(sink: Sink, daemon: Daemon) -> None:
    assert "<-  250 2.0.0 " in swaks(daemon, "--pipeline", "--body", "At noon?")
    sink.wait(1)


@needs("swaks")
def test_swaks_sends_a_message_under_starttls_and_trusts_the_certificate(sink: Sink, encrypted: Daemon) -> None:
    trust = ("--tls-verify", "--tls-ca-path", str(encrypted.home / "ca.pem"), "--tls-sni", HOST)
    transcript = swaks(encrypted, "--tls", *trust)
    assert "=== TLS started with cipher TLSv1.3" in transcript
    assert "<~  250 2.0.0 " in transcript
    sink.wait(1)
    assert b" with ESMTPS (TLSv1." in sink.arrived[0].content


@needs("openssl")
def test_openssl_verifies_the_certificate_and_sends_a_message(sink: Sink, encrypted: Daemon) -> None:
    checks = ("-CAfile", str(encrypted.home / "ca.pem"), "-verify_hostname", HOST, "-verify_return_error")
    command = [str(find("openssl")), "s_client", "-quiet", "-starttls", "smtp", *checks]
    lines = ["EHLO client.example", "MAIL FROM:<ann@example.com>", "RCPT TO:<bob@example.org>", "DATA"]
    with subprocess.Popen(
        [*command, "-connect", encrypted.address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as client:
        codes = [say(client, f"{line}\r\n") for line in [*lines, "Subject: lunch\r\n\r\nAt noon?\r\n."]]
        say(client, "QUIT\r\n")
    assert codes == [b"250", b"250", b"250", b"354", b"250"]
    sink.wait(1)
    assert sink.arrived[0].without_trace == b"Subject: lunch\r\n\r\nAt noon?\r\n"


def say(client: subprocess.Popen[bytes], text: str) -> bytes:
    """Say one thing through openssl, and return the code of the reply."""
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdin.write(text.encode())
    client.stdin.flush()
    while (line := client.stdout.readline())[3:4] == b"-":
        pass
    return line[:3]


def lunch() -> EmailMessage:
    """Return a message to two people."""
    message = EmailMessage()
    message["From"], message["To"] = "ann@example.com", "bob@example.org, carl@example.org"
    message["Subject"] = "lunch"
    message.set_content("At noon?")
    return message


def swaks(daemon: Daemon, *options: str) -> str:
    """Send a message with swaks, and return its transcript. Fails unless it went well."""
    envelope = ["--from", "ann@example.com", "--to", "bob@example.org", "--ehlo", "client.example"]
    command = [str(find("swaks")), "--server", "127.0.0.1", "--port", str(daemon.port), *envelope, *options]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
