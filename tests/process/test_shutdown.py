"""SIGTERM: no new mail at once, what is under way comes to its end, and nothing is lost."""

import signal
import smtplib
import socket
import time
from pathlib import Path

import pytest

from tests.process.daemon import Daemon, live
from tests.process.load import Load
from tests.process.ports import wait_until_refused
from tests.process.sink import Sink


def test_an_idle_client_is_told_421_and_the_daemon_ends_with_status_0(daemon: Daemon) -> None:
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=60) as client, client.makefile("rb") as replies:
        assert replies.readline().startswith(b"220 ")
        began = time.monotonic()
        daemon.signal(signal.SIGTERM)
        assert replies.readline().startswith(b"421 4.3.2 ")
        assert replies.readline() == b""
    assert daemon.wait() == 0
    assert time.monotonic() - began < 5


def test_a_message_that_is_under_way_is_taken_to_its_end_and_a_new_client_is_not_let_in(daemon: Daemon) -> None:
    with smtplib.SMTP("127.0.0.1", daemon.port, timeout=60) as client:
        client.ehlo("client.example")
        client.mail("ann@example.com")
        client.rcpt("bob@example.org")
        client.docmd("DATA")
        daemon.signal(signal.SIGTERM)
        wait_until_refused(daemon.port)
        client.send(b"Subject: late\r\n\r\nbut not too late\r\n.\r\n")
        assert client.getreply()[0] == 250
        assert client.getreply()[0] == 421
    assert daemon.wait() == 0


def test_under_load_nothing_is_lost_and_nothing_doubled(sink: Sink, daemon: Daemon) -> None:
    with Load(1, lambda: daemon.port) as load:
        sink.wait(50)
        assert daemon.stop() == 0
    daemon.start()
    sink.wait_for_recipients(load.promised)
    assert daemon.stop() == 0
    arrived = [recipient for message in sink.arrived for recipient in message.recipients]
    assert len(arrived) == len(set(arrived))
    assert load.promised - set(arrived) == set()


def test_a_reply_to_the_final_dot_is_waited_for(tmp_path: Path) -> None:
    with Sink(delay_s=1.0) as sink, Daemon(tmp_path, live(tmp_path, next_hop=sink.address)) as daemon:
        send_one(daemon)
        sink.wait_for_content()
        assert daemon.stop() == 0
        daemon.start()
        time.sleep(1.5)  # longer than the delay after which a delivery that was cut off would be tried again
        assert daemon.stop() == 0
    assert len(sink.arrived) == 1


@pytest.mark.parametrize("signals", [[signal.SIGTERM, signal.SIGTERM], [signal.SIGINT, signal.SIGTERM]])
def test_the_second_signal_does_not_wait_for_anybody(signals: list[signal.Signals], tmp_path: Path) -> None:
    with Sink(delay_s=20.0) as sink, Daemon(tmp_path, live(tmp_path, next_hop=sink.address)) as daemon:
        send_one(daemon)
        sink.wait_for_content()
        began = time.monotonic()
        daemon.signal(signals[0])
        time.sleep(0.3)
        assert daemon.process.poll() is None
        daemon.signal(signals[1])
        assert daemon.wait() == 0
        assert time.monotonic() - began < 5


def test_the_grace_is_the_longest_that_it_takes(tmp_path: Path) -> None:
    config = live(tmp_path, next_hop="127.0.0.1:25", settings='shutdown.grace = "1s"')
    with Daemon(tmp_path, config) as daemon, smtplib.SMTP("127.0.0.1", daemon.port, timeout=60) as client:
        client.ehlo("client.example")
        client.mail("ann@example.com")
        began = time.monotonic()
        assert daemon.stop() == 0
        assert 0.9 < time.monotonic() - began < 4
        client.close()


def send_one(daemon: Daemon) -> None:
    """Hand one message over."""
    with smtplib.SMTP("127.0.0.1", daemon.port, timeout=60) as client:
        client.sendmail("ann@example.com", ["bob@example.org"], b"Subject: one\r\n\r\ntext\r\n")
