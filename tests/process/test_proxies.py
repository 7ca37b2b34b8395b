"""Empath behind programs that forward connections: HAProxy with its PROXY header, and a client that says XCLIENT."""

import smtplib
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from tests.peers import find, needs
from tests.process.daemon import Daemon, live
from tests.process.haproxy import ADDRESS, HAProxy
from tests.process.sink import Sink
from tests.process.waiting import wait_until

CLIENT = "127.0.0.7"
MESSAGE = b"From: ann@example.com\r\nSubject: lunch\r\n\r\nAt noon?\r\n"
VERSIONS = pytest.mark.parametrize(
    "options",
    ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"],
    ids=["version 1", "version 2", "version 2 with fields"],
)


@contextmanager
def trusting(home: Path, sink: Sink, listener: str, settings: str = "") -> Iterator[Daemon]:
    """A relay for one client, by its address, with these keys of its listener."""
    settings = f'relay.from_networks = ["{CLIENT}"]\n{settings}'
    with Daemon(home, live(home, next_hop=sink.address, settings=settings, listener=listener)) as daemon:
        yield daemon
        assert daemon.stop() == 0


def send(port: int, source: str = CLIENT) -> dict[str, tuple[int, bytes]]:
    """Send a message from one of our addresses; the recipients that were refused."""
    with smtplib.SMTP("127.0.0.1", port, local_hostname="client.example", timeout=60, source_address=(source, 0)) as mx:
        return mx.sendmail("ann@example.com", ["bob@example.org"], MESSAGE)


@VERSIONS
@needs("haproxy")
def test_a_client_behind_haproxy_is_known_by_its_own_address(sink: Sink, tmp_path: Path, options: str) -> None:
    with (
        trusting(tmp_path, sink, f'proxy_protocol_from = ["{ADDRESS}"]') as daemon,
        HAProxy(tmp_path, daemon.address, options) as proxy,
    ):
        assert send(proxy.port) == {}
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            send(proxy.port, source="127.0.0.8")
        sink.wait(1)
    assert sink.arrived[0].content.startswith(f"Received: from client.example ([{CLIENT}])".encode())


@needs("haproxy")
def test_without_the_key_a_header_is_an_unknown_command(sink: Sink, tmp_path: Path) -> None:
    with (
        trusting(tmp_path, sink, "") as daemon,
        HAProxy(tmp_path, daemon.address, "send-proxy") as proxy,
        socket.create_connection(("127.0.0.1", proxy.port), timeout=60) as client,
        client.makefile("rb") as replies,
    ):
        assert [replies.readline()[:9], replies.readline()[:9]] == [b"220 mx.ex", b"500 5.5.2"]


@needs("haproxy")
def test_haproxy_without_a_header_gets_no_answer(sink: Sink, tmp_path: Path) -> None:
    settings = 'smtp.limits.proxy_timeout = "200ms"'
    with (
        trusting(tmp_path, sink, f'proxy_protocol_from = ["{ADDRESS}"]', settings) as daemon,
        HAProxy(tmp_path, daemon.address, "") as proxy,
        pytest.raises(smtplib.SMTPServerDisconnected),
    ):
        send(proxy.port)


@pytest.mark.parametrize("options", ["send-proxy", "send-proxy-v2"])
@needs("haproxy")
def test_the_checks_of_haproxy_find_the_daemon_well(sink: Sink, tmp_path: Path, options: str) -> None:
    with (
        trusting(tmp_path, sink, f'proxy_protocol_from = ["{ADDRESS}"]') as daemon,
        HAProxy(tmp_path, daemon.address, f"{options} check-send-proxy", "option smtpchk EHLO check.example") as proxy,
    ):
        # It is taken for well until some checks say otherwise, so let there be a number of them.
        wait_until(lambda: "L7OK" in proxy.ask("show stat"))
        time.sleep(0.5)
        assert proxy.state == "UP"
        assert send(proxy.port) == {}
        daemon.kill()
        wait_until(lambda: proxy.state.startswith("DOWN"))
        daemon.start()


@needs("haproxy")
def test_the_header_comes_before_implicit_tls(sink: Sink, tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    files = f'starttls = {{ cert_file = "{tmp_path}/cert.pem", key_file = "{tmp_path}/key.pem" }}'
    with (
        trusting(tmp_path, sink, f'tls = "implicit"\n{files}\nproxy_protocol_from = ["{ADDRESS}"]') as daemon,
        HAProxy(tmp_path, daemon.address, "send-proxy-v2") as proxy,
        smtplib.SMTP_SSL("localhost", proxy.port, context=context, timeout=60, source_address=(CLIENT, 0)) as client,
    ):
        assert client.sendmail("ann@example.com", ["bob@example.org"], MESSAGE) == {}
        sink.wait(1)
    assert f"([{CLIENT}])".encode() in sink.arrived[0].content
    assert b" with ESMTPS (TLSv1.3) " in sink.arrived[0].content


@needs("swaks")
def test_swaks_speaks_for_another_client(sink: Sink, tmp_path: Path) -> None:
    with trusting(tmp_path, sink, 'xclient_from = ["127.0.0.1"]') as daemon:
        options = ["--xclient-addr", CLIENT, "--xclient-helo", "client.example", "--xclient-proto", "ESMTP"]
        transcript = swaks(daemon.port, *options)
        assert "<-  250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT" in transcript.replace("250 ", "250-")
        assert "-> XCLIENT ADDR=127.0.0.7" in transcript
        sink.wait(1)
    assert sink.arrived[0].content.startswith(f"Received: from client.example ([{CLIENT}])".encode())


@needs("swaks")
def test_swaks_as_a_stranger_speaks_for_nobody(sink: Sink, tmp_path: Path) -> None:
    with trusting(tmp_path, sink, 'xclient_from = ["192.0.2.1"]') as daemon:
        transcript = swaks(daemon.port, "--xclient-addr", CLIENT, status=33)
        assert "XCLIENT" not in transcript.split("-> EHLO")[1].split("->")[0]


def swaks(port: int, *options: str, status: int = 0) -> str:
    """Send a message with swaks, and return its transcript."""
    envelope = ["--from", "ann@example.com", "--to", "bob@example.org", "--ehlo", "filter.example"]
    command = [str(find("swaks")), "--server", "127.0.0.1", "--port", str(port), *envelope, *options]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout
