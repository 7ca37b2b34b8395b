"""A smart host that other people wrote, Postfix with the auth of Dovecot, which lets in whom it knows."""

import os
import time
from pathlib import Path

import pytest

from tests.peers import needs
from tests.process.certificates import Issuer
from tests.process.daemon import Daemon, live
from tests.process.dovecot import dovecot, token
from tests.process.postfix import postfix
from tests.process.sink import Sink
from tests.process.test_next_hops import with_tls
from tests.process.test_shutdown import send_one

USER = "ann@example.org"
PASSWORD = "a pass word"
MECHANISMS = ("plain", "login", "xoauth2")

pytestmark = [
    needs("postfix", "dovecot"),
    pytest.mark.skipif(os.geteuid() != 0, reason="they change their users, so root must start them"),
]


def chain(issuer: Issuer) -> bytes:
    issuer.issue("postfix", "localhost", "127.0.0.1")
    return issuer.key_file("postfix").read_bytes() + issuer.cert_file("postfix").read_bytes()


def logging_in(home: Path, address: str, ca_file: Path, secret: Path, mechanism: str) -> Path:
    settings = (
        'delivery.circuit_breaker.timeout = "1s"\n'
        'delivery.retry_max_delay = "1s"\n'
        "delivery.smart_host_auth = "
        f'{{ user = "{USER}", password_file = "{secret}", mechanism = "{mechanism}" }}'
    )
    return with_tls(live(home, next_hop=address, settings=settings), "opportunistic", ca_file)


def test_we_are_let_in_by_each_mechanism(tmp_path: Path) -> None:
    issuer, secret, log = Issuer(tmp_path), tmp_path / "secret", list[str]()
    with (
        Sink(relays=2) as sink,
        dovecot(USER, PASSWORD) as login,
        postfix(next_hop=sink.address, chain=chain(issuer), login=login, log=log) as address,
    ):
        for number, mechanism in enumerate(MECHANISMS, 1):
            secret.write_text(token(USER) if mechanism == "xoauth2" else PASSWORD)
            config = logging_in(tmp_path, address, issuer.ca_file, secret, mechanism)
            with Daemon(tmp_path, config) as daemon:
                send_one(daemon)
                sink.wait(number)
                assert daemon.stop() == 0
    assert all(b"by postfix.example (Postfix) with ESMTPSA id " in one.content for one in sink.arrived)
    for mechanism in MECHANISMS:
        assert len([line for line in log if f"sasl_method={mechanism.upper()}, sasl_username={USER}" in line]) == 1


def test_a_token_whose_time_is_over_keeps_mail_waiting_until_there_is_another(tmp_path: Path) -> None:
    issuer, secret = Issuer(tmp_path), tmp_path / "secret"
    secret.write_text(token(USER, lasts_s=-30))
    with (
        Sink(relays=2) as sink,
        dovecot(USER, PASSWORD) as login,
        postfix(next_hop=sink.address, chain=chain(issuer), login=login) as address,
        Daemon(tmp_path, logging_in(tmp_path, address, issuer.ca_file, secret, "xoauth2")) as daemon,
    ):
        send_one(daemon)
        deadline = time.monotonic() + 60
        while "535" not in daemon.log:
            assert time.monotonic() < deadline, daemon.log
            time.sleep(0.05)
        assert sink.arrived == []
        secret.write_text(token(USER))
        sink.wait(1)
        assert daemon.stop() == 0
