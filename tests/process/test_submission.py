"""Programs that others wrote log in and hand over mail, under STARTTLS and under TLS from the first octet."""

import json
import os
import re
import smtplib
import ssl
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Final

import pytest
import trustme
from attrs import evolve, frozen

from tests.peers import find, needs
from tests.process.daemon import Daemon, empath
from tests.process.sink import Arrived, Sink

HOST: Final = "mx.example.org"
MESSAGE: Final = "From: ann@example.com\r\nTo: bob@example.org\r\nSubject: lunch\r\n\r\nAt noon?\r\n"
NODE_MODULES: Final = Path("/usr/share/nodejs")
_SMTP: Final = re.compile(r"^ +smtp (\S+:\d+) (\S+:\d+)")


@frozen
class Submission:
    """A daemon with two listeners that ask for a login."""

    daemon: Daemon
    sink: Sink
    starttls_port: int
    implicit_port: int
    before: int = 0
    """Messages that came in earlier tests."""

    @property
    def arrived(self) -> Arrived:
        """What has come of this test's message, once it has come. It came with a login, and was completed."""
        self.sink.wait(self.before + 1)
        message = self.sink.arrived[self.before]
        lowered = message.content.lower()
        assert re.search(rb" with (ESMTPSA|UTF8SMTPSA) \(TLSv1\.", message.content)
        assert lowered.count(b"\r\ndate: ") == lowered.count(b"\r\nmessage-id: ") == 1
        return message

    @property
    def ca_file(self) -> Path:
        return self.daemon.home / "ca.pem"

    def change_users(self, command: str, *options: str) -> None:
        """Add or remove ann, and wait until the daemon knows."""
        before = len(self.daemon.lines)
        user(self.daemon.home, command, *options)
        deadline = time.monotonic() + 60
        while not any("was read again" in line for line in self.daemon.lines[before:]):
            assert time.monotonic() < deadline, self.daemon.log
            time.sleep(0.02)

    def port(self, *, implicit: bool) -> int:
        return self.implicit_port if implicit else self.starttls_port

    def context(self) -> ssl.SSLContext:
        """A context that trusts the daemon."""
        return ssl.create_default_context(cafile=str(self.ca_file))


def configure(home: Path, sink: Sink) -> Path:
    """Write certificate and configuration. Nobody is trusted for where he comes from."""
    authority = trustme.CA()
    issued = authority.issue_cert(HOST, "localhost", "127.0.0.1")
    issued.private_key_pem.write_to_path(home / "key.pem")
    for part in issued.cert_chain_pems:
        part.write_to_path(home / "cert.pem", append=True)
    authority.cert_pem.write_to_path(home / "ca.pem")
    listeners = "".join(
        f"""
[[smtp.listeners]]
listen_addr = "127.0.0.1:0"
profile = "submission"
tls = "{tls}"
starttls = {{ cert_file = "{home}/cert.pem", key_file = "{home}/key.pem" }}
auth = "required"
users_file = "{home}/users"
"""
        for tls in ("starttls", "implicit")
    )
    config = home / "empath.toml"
    config.write_text(
        f"""mode = "live"
hostname = "{HOST}"
relay.from_networks = []
relay.sender_logins = {{ "@example.com" = ["ann"], "@exämple.com" = ["ann"] }}
smtp.auth.refresh = "100ms"
delivery.smart_host = "{sink.address}"
delivery.tls.default_policy = "disabled"
{listeners}"""
    )
    return config


def user(home: Path, command: str, *options: str) -> None:
    """Add or remove ann, whose password is secret."""
    done = empath("user", command, "ann", "--file", f"{home}/users", *options, home=home, stdin="secret\n")
    assert done.status == 0, done.stderr


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Submission]:
    """One daemon for all tests: each of them sends one message at most."""
    home = tmp_path_factory.mktemp("submission")
    user(home, "add")
    with Sink() as sink, Daemon(home, configure(home, sink)) as daemon:
        found = next(found for line in daemon.lines if (found := _SMTP.match(line)))
        yield Submission(daemon, sink, *(int(address.rpartition(":")[2]) for address in found.groups()))


@pytest.fixture
def submission(running: Submission) -> Submission:
    return evolve(running, before=len(running.sink.arrived))


both_ways = pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])
both_mechanisms = pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])


@both_ways
@both_mechanisms
def test_smtplib(submission: Submission, mechanism: str, implicit: bool) -> None:
    with connect(submission, implicit=implicit) as client:
        client.ehlo()
        client.user, client.password = "ann", "secret"
        client.auth(mechanism, {"PLAIN": client.auth_plain, "LOGIN": client.auth_login}[mechanism])
        assert client.sendmail("ann@example.com", ["bob@example.org"], MESSAGE) == {}
    assert submission.arrived.content.endswith(b"\r\n" + MESSAGE.encode())


def test_smtplib_sends_addresses_and_text_in_utf8(submission: Submission) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "änn@exämple.com", "böb@example.org", "Mittagessen: Äpfel"
    message.set_content("Um zwölf?", cte="8bit")
    with connect(submission, implicit=False) as client:
        client.login("ann", "secret")
        assert client.send_message(message) == {}
    content = submission.arrived.content
    assert "Subject: Mittagessen: Äpfel\r\n".encode() in content
    assert "Um zwölf?\r\n".encode() in content
    assert submission.arrived.recipients == ("böb@example.org",)


def test_smtplib_is_told_what_is_wrong(submission: Submission) -> None:
    with connect(submission, implicit=True) as client:
        with pytest.raises(smtplib.SMTPSenderRefused, match="530") as unknown:
            client.sendmail("ann@example.com", ["bob@example.org"], MESSAGE)
        assert b"5.7.0" in bytes(unknown.value.smtp_error)
        with pytest.raises(smtplib.SMTPAuthenticationError, match="535"):
            client.login("ann", "wrong", initial_response_ok=True)
    with connect(submission, implicit=True) as client:
        client.login("ann", "secret")
        with pytest.raises(smtplib.SMTPSenderRefused, match="550"):
            client.sendmail("eve@example.net", ["bob@example.org"], MESSAGE)


def test_a_user_who_is_added_or_removed_is_seen_by_the_daemon(submission: Submission) -> None:
    with connect(submission, implicit=True) as client:
        client.login("ann", "secret")
    submission.change_users("remove")
    with connect(submission, implicit=True) as client, pytest.raises(smtplib.SMTPAuthenticationError):
        client.login("ann", "secret")
    submission.change_users("add")
    with connect(submission, implicit=True) as client:
        client.login("ann", "secret")


def connect(submission: Submission, *, implicit: bool) -> smtplib.SMTP:
    """A client inside TLS."""
    context = submission.context()
    if implicit:
        return smtplib.SMTP_SSL("localhost", submission.implicit_port, timeout=60, context=context)
    client = smtplib.SMTP("localhost", submission.starttls_port, timeout=60)
    client.starttls(context=context)
    return client


def run(*command: str, stdin: str = "", **variables: str) -> str:
    """Run a client to its good end, and return what it has written."""
    done = subprocess.run(
        command,
        check=False,
        input=stdin,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@needs("swaks")
@both_ways
@both_mechanisms
def test_swaks(submission: Submission, mechanism: str, implicit: bool) -> None:
    tls = ("--tls-on-connect" if implicit else "--tls", "--tls-verify", "--tls-ca-path", str(submission.ca_file))
    login = ("--auth", mechanism, "--auth-user", "ann", "--auth-password", "secret")
    where = ("--server", "127.0.0.1", "--port", str(submission.port(implicit=implicit)), "--tls-sni", HOST)
    run("swaks", *where, *tls, *login, "--from", "ann@example.com", "--to", "bob@example.org", "--body", "At noon?")
    assert b"\r\nAt noon?\r\n" in submission.arrived.content


@needs("curl")
@both_ways
@both_mechanisms
def test_curl(submission: Submission, mechanism: str, implicit: bool) -> None:
    url = f"{'smtps' if implicit else 'smtp'}://localhost:{submission.port(implicit=implicit)}/client.example"
    tls = ("--ssl-reqd", "--cacert", str(submission.ca_file))
    login = ("--user", "ann:secret", "--login-options", f"AUTH={mechanism}")
    envelope = ("--mail-from", "ann@example.com", "--mail-rcpt", "bob@example.org", "--upload-file", "-")
    run("curl", "--silent", "--show-error", url, *tls, *login, *envelope, stdin=MESSAGE)
    assert submission.arrived.content.endswith(b"\r\n" + MESSAGE.encode())


@needs("msmtp")
@both_ways
@pytest.mark.parametrize("mechanism", ["plain", "login", "scram-sha-256"])
def test_msmtp(submission: Submission, mechanism: str, implicit: bool) -> None:
    if mechanism == "scram-sha-256":
        submission.change_users("add", "--scram", "--replace")
    port = submission.port(implicit=implicit)
    tls = ("--tls=on", f"--tls-starttls={'off' if implicit else 'on'}", f"--tls-trust-file={submission.ca_file}")
    login = (f"--auth={mechanism}", "--user=ann", "--passwordeval=echo secret")
    where = ("--host=localhost", f"--port={port}", "--file=/dev/null", "--from=ann@example.com")
    run("msmtp", *where, *tls, *login, "bob@example.org", stdin=MESSAGE.replace("\r\n", "\n"))
    assert b"\r\nAt noon?\r\n" in submission.arrived.content


SCRIPT: Final = """
const { host, port, secure, ca, mechanism } = JSON.parse(process.argv[1]);
const mailer = require("nodemailer").createTransport({
  host, port, secure, requireTLS: !secure, authMethod: mechanism,
  auth: { user: "ann", pass: "secret" }, tls: { ca: [require("fs").readFileSync(ca)], servername: "localhost" },
});
const envelope = { from: "ann@example.com", to: "böb@example.org", use8BitMime: true };
mailer.sendMail({ envelope, raw: "Subject: Äpfel\\r\\n\\r\\nUm zwölf?\\r\\n" })
  .then((info) => { console.log(info.response); mailer.close(); });
"""


@needs("node")
@both_ways
@both_mechanisms
def test_nodemailer(submission: Submission, mechanism: str, implicit: bool) -> None:
    if not (NODE_MODULES / "nodemailer").is_dir() and not os.environ.get("CI"):
        pytest.skip("not installed on this machine: node-nodemailer")
    options = {
        "host": "127.0.0.1",
        "port": submission.port(implicit=implicit),
        "secure": implicit,
        "ca": str(submission.ca_file),
        "mechanism": mechanism,
    }
    assert run("node", "-e", SCRIPT, json.dumps(options), NODE_PATH=str(NODE_MODULES)).startswith("250 2.0.0 ")
    assert submission.arrived.content.endswith("\r\nSubject: Äpfel\r\n\r\nUm zwölf?\r\n".encode())
    assert submission.arrived.recipients == ("böb@example.org",)


@needs("openssl")
@both_ways
@pytest.mark.parametrize("chunked", [False, True], ids=["DATA", "BDAT"])
def test_openssl(submission: Submission, implicit: bool, chunked: bool) -> None:
    way = () if implicit else ("-starttls", "smtp")
    checks = ("-CAfile", str(submission.ca_file), "-verify_hostname", HOST, "-verify_return_error")
    where = ("-connect", f"127.0.0.1:{submission.port(implicit=implicit)}")
    login = b64encode(b"\0ann\0secret").decode()
    envelope = ["MAIL FROM:<ann@example.com>", "RCPT TO:<bob@example.org>"]
    text = [f"BDAT {len(MESSAGE)} LAST\r\n{MESSAGE}"] if chunked else ["DATA\r\n", f"{MESSAGE}.\r\n"]
    with subprocess.Popen(
        [str(find("openssl")), "s_client", "-quiet", *way, *checks, *where],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as client:
        if implicit:
            assert answer(client) == b"220"
        lines = [f"{line}\r\n" for line in ("EHLO client.example", f"AUTH PLAIN {login}", *envelope)]
        codes = [say(client, line) for line in [*lines, *text]]
        say(client, "QUIT\r\n")
    assert codes == [b"250", b"235", b"250", b"250", *([b"250"] if chunked else [b"354", b"250"])]
    assert submission.arrived.content.endswith(b"\r\n" + MESSAGE.encode())


def say(client: "subprocess.Popen[bytes]", text: str) -> bytes:
    """Say one thing through openssl, and return the code of the reply."""
    assert client.stdin is not None
    client.stdin.write(text.encode())
    client.stdin.flush()
    return answer(client)


def answer(client: "subprocess.Popen[bytes]") -> bytes:
    """Return the code of the next reply."""
    assert client.stdout is not None
    while (line := client.stdout.readline())[3:4] == b"-":
        pass
    return line[:3]
