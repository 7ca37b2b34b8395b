"""Reports on real connections: made by us, and left to a next hop that makes them itself."""

import os
import smtplib
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import pytest
from flufl.bounce import all_failures

from tests.peers import needs
from tests.process.daemon import Daemon, live
from tests.process.postfix import postfix
from tests.process.sink import Sink


def send(daemon: Daemon, *, options: tuple[str, ...] = ()) -> None:
    """Hand one message over, with a name that its sender gives it."""
    with smtplib.SMTP(timeout=60) as client:
        client.connect("127.0.0.1", daemon.port)
        client.sendmail(
            "ann@example.com", ["bob@example.org"], b"Subject: one\r\n\r\ntext\r\n", ["ENVID=QQ314159"], [*options]
        )


def fields(report: Message, name: str) -> list[str]:
    """What the machine's part of a report says under this name."""
    return [part[name] for part in report.walk() if part[name] is not None]


def test_a_sender_that_asks_for_it_hears_that_a_host_without_reports_has_the_message(tmp_path: Path) -> None:
    with Sink(relays=0) as sink, Daemon(tmp_path, live(tmp_path, next_hop=sink.address)) as daemon:
        send(daemon, options=("NOTIFY=SUCCESS",))
        sink.wait(2)
        daemon.wait_for_line(" to=ann@example.com about=")
        assert daemon.stop() == 0
    (report,) = [message_from_bytes(one.content) for one in sink.arrived if one.recipients == ("ann@example.com",)]
    assert fields(report, "Action") == ["relayed"]
    assert fields(report, "Original-Envelope-Id") == ["QQ314159"]
    assert not any(all_failures(report))


@needs("postfix")
@pytest.mark.skipif(os.geteuid() != 0, reason="Postfix changes its user, so root must start it")
def test_postfix_is_told_what_the_sender_wants_to_hear_and_says_it(tmp_path: Path) -> None:
    with (
        Sink(relays=0) as sink,
        postfix(next_hop=sink.address) as address,
        Daemon(tmp_path, live(tmp_path, next_hop=address)) as daemon,
    ):
        send(daemon, options=("NOTIFY=SUCCESS", "ORCPT=rfc822;robert@example.org"))
        sink.wait(2)
        assert daemon.stop() == 0
    reports = [one for one in sink.arrived if one.recipients == ("ann@example.com",)]
    (report,) = [message_from_bytes(one.content) for one in reports]
    assert fields(report, "Reporting-MTA") == ["dns; postfix.example"]
    assert fields(report, "Original-Envelope-Id") == ["QQ314159"]
    assert fields(report, "Original-Recipient") == ["rfc822;robert@example.org"]
    assert not any(" reports to=" in line for line in daemon.lines)
