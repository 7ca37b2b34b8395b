"""Next hops that other people wrote: each takes what we bring, and says in its own log how we brought it."""

import os
import smtplib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.peers import mounts, needs
from tests.process.daemon import Daemon, live
from tests.process.foreign import PASSWORD, USER, Mta, exim, opensmtpd, opensmtpd_of_debian_13
from tests.process.sink import Sink

pytestmark = [
    needs("apt-get", "dpkg-deb", "unshare"),
    mounts(),
    pytest.mark.skipif(os.geteuid() != 0, reason="they change their users, so root must start them"),
]

HEADER = (
    b"From: ann@example.com\r\nDate: Sat, 21 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@example.com>\r\nSubject: x\r\n"
)
CONTENTS = {
    "plain": HEADER + b"\r\nAt noon?\r\n",
    "dots": HEADER + b"\r\n.\r\n..\r\n.dot\r\nQUIT\r\n",
    "eight-bit": HEADER + "MIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße\r\n".encode(),
    "empty": HEADER + b"\r\n",
    "large": HEADER + b"\r\n" + b"0123456789abcdef.\r\n" * 30_000,
}
EVERYBODY = [f"{one}@example.org" for one in "abcdefg"]


def with_tls(config: Path, policy: str, ca_file: Path) -> Path:
    """The same configuration with another policy of TLS."""
    text = config.read_text().replace('default_policy = "disabled"', f'default_policy = "{policy}"')
    config.write_text(text.replace("[[smtp", f'delivery.tls.ca_file = "{ca_file}"\n\n[[smtp', 1))
    return config


def send(daemon: Daemon) -> None:
    """One message of each kind, and one to more recipients than Exim takes at a time."""
    with smtplib.SMTP("127.0.0.1", daemon.port) as client:
        for name, content in CONTENTS.items():
            client.sendmail("ann@example.com", [f"{name}@example.org"], content, ["BODY=8BITMIME"])
        client.sendmail("ann@example.com", EVERYBODY, CONTENTS["plain"])


def check(sink: Sink) -> None:
    """All of it came once, octet by octet."""
    sink.wait_for_recipients({*(f"{name}@example.org" for name in CONTENTS), *EVERYBODY})
    arrived = {recipient: message.content for message in sink.arrived for recipient in message.recipients}
    assert sorted(arrived) == sorted(recipient for message in sink.arrived for recipient in message.recipients)
    for recipient, content in arrived.items():
        sent = CONTENTS.get(recipient.partition("@")[0], CONTENTS["plain"])
        assert content.endswith(sent), recipient


@pytest.mark.parametrize(
    ("program", "policy"),
    [
        *((exim, policy) for policy in ("disabled", "opportunistic", "required")),
        *((opensmtpd, policy) for policy in ("disabled", "opportunistic")),  # with TLS that is broken
        *((opensmtpd_of_debian_13, policy) for policy in ("opportunistic", "required")),
    ],
)
def test_what_is_handed_over_arrives_once_and_unchanged(
    tmp_path: Path, program: Callable[..., AbstractContextManager[Mta]], policy: str
) -> None:
    with (
        Sink(relays=2) as sink,
        program(next_hop=sink.address) as mta,
        Daemon(tmp_path, with_tls(live(tmp_path, next_hop=mta.address), policy, mta.ca_file)) as daemon,
    ):
        send(daemon)
        check(sink)
        assert daemon.stop() == 0
        if program is exim:
            assert ("X=TLS" in mta.log) is (policy != "disabled")
            assert " K S=" in mta.log  # CHUNKING was used
        if program is opensmtpd_of_debian_13:
            assert "smtp tls ciphers=TLSv1.3:" in mta.log


def test_exim_takes_what_goes_behind_data(tmp_path: Path) -> None:
    with (
        Sink(relays=2) as sink,
        exim(next_hop=sink.address, chunking=False) as mta,
        Daemon(tmp_path, live(tmp_path, next_hop=mta.address)) as daemon,
    ):
        send(daemon)
        check(sink)
        assert " K " not in mta.log


@pytest.mark.parametrize("where", ["address", "tls_address"])
@pytest.mark.parametrize("mechanism", ["plain", "login"])
def test_a_smart_host_lets_us_in(tmp_path: Path, where: str, mechanism: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{PASSWORD}\n")
    with Sink(relays=2) as sink, exim(next_hop=sink.address, login=True) as mta:
        config = with_tls(live(tmp_path, next_hop=getattr(mta, where)), "opportunistic", mta.ca_file)
        tls = "implicit" if where == "tls_address" else "auto"
        auth = f'user = "{USER}", password_file = "{secret}", mechanism = "{mechanism}", tls = "{tls}"'
        config.write_text(f"delivery.smart_host_auth = {{ {auth} }}\n{config.read_text()}")
        with Daemon(tmp_path, config) as daemon:
            send(daemon)
            check(sink)
        assert f"A={mechanism}:{USER}" in mta.log


def test_a_wrong_password_keeps_mail_waiting_until_it_is_put_right(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("wrong")
    with Sink(relays=2) as sink, exim(next_hop=sink.address, login=True) as mta:
        config = with_tls(live(tmp_path, next_hop=mta.address), "opportunistic", mta.ca_file)
        settings = f'delivery.smart_host_auth = {{ user = "{USER}", password_file = "{secret}" }}\n'
        settings += 'delivery.circuit_breaker.timeout = "1s"\n'
        config.write_text(f"{settings}{config.read_text()}")
        with Daemon(tmp_path, config) as daemon:
            send(daemon)
            deadline = time.monotonic() + 60
            while "535" not in daemon.log:
                assert time.monotonic() < deadline, daemon.log
                time.sleep(0.05)
            secret.write_text(PASSWORD)
            check(sink)
