"""Mail goes through the daemon: as much as comes in, and octet for octet as it came."""

import os
import smtplib
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest

from tests.interop.bodies import AWKWARD
from tests.peers import needs
from tests.process.daemon import Daemon, live
from tests.process.sink import Sink
from tests.process.smtpstone import dumps_in, patience_s, smtp_sink, smtp_source, wait_for_dumps

FEW: Final = int(os.environ.get("SOAK_MESSAGES", "500"))
MANY: Final = max(FEW, 10_000 if os.environ.get("CI") else 0)

_ALL_OCTETS: Final = bytes(octet for octet in range(1, 256) if octet not in b"\r\n")
BODIES: Final = {
    **{name: body for name, body in AWKWARD.items() if b"\0" not in body},
    "every_octet_from_1_to_255": _ALL_OCTETS + b"\r\n",
    "every_octet_at_the_start_of_a_line": b"".join(bytes([octet]) + b"\r\n" for octet in _ALL_OCTETS),
    "no_header_at_all": b"\r\nnothing but text\r\n",
    "a_header_without_text": b"Subject: nothing else\r\n",
    "a_very_long_line": b"Subject: long\r\n\r\n" + b"0123456789" * 6000 + b"\r\n",
    "two_megabytes": b"Subject: large\r\n\r\n" + (b".dots and text, and some more of both \xff\r\n" * 50_000),
    "one_octet_over_what_stays_in_memory": b"x" * 998 + b"\r\n" + b"y" * 63 + b"\r\n" + (b"z" * 998 + b"\r\n") * 262,
}


@needs("smtp-source", "smtp-sink")
@pytest.mark.timeout(2 * patience_s(MANY))
def test_from_smtp_source_to_smtp_sink_nothing_is_lost_nothing_doubled_and_nothing_changed(tmp_path: Path) -> None:
    with smtp_sink(tmp_path / "direct") as address:
        smtp_source(address, messages=1)
    with (
        smtp_sink(tmp_path / "relayed") as address,
        Daemon(tmp_path, live(tmp_path, next_hop=address)) as daemon,
    ):
        smtp_source(daemon.address, messages=MANY)
        wait_for_dumps(tmp_path / "relayed", MANY)
        assert daemon.stop() == 0
    [direct], relayed = dumps_in(tmp_path / "direct"), dumps_in(tmp_path / "relayed")
    assert len(relayed) == MANY
    assert len({dump.recipients for dump in relayed}) == MANY
    assert len({dump.field("Message-Id") for dump in relayed}) == MANY
    assert {sha256(dump.body).digest() for dump in relayed} == {sha256(direct.body).digest()}


@needs("smtp-source")
@pytest.mark.timeout(2 * patience_s(FEW))
def test_many_messages_arrive_once_each_and_unchanged(sink: Sink, daemon: Daemon) -> None:
    smtp_source(daemon.address, messages=FEW)
    sink.wait(FEW, patience_s(FEW))
    assert daemon.stop() == 0
    assert len(sink.arrived) == FEW
    assert len({sha256(message.without_trace.partition(b"\r\n\r\n")[2]).digest() for message in sink.arrived}) == 1
    assert len({message.recipients for message in sink.arrived}) == FEW


def test_every_body_arrives_octet_for_octet_below_one_received_field(sink: Sink, daemon: Daemon) -> None:
    with smtplib.SMTP("127.0.0.1", daemon.port, timeout=30) as client:
        for name, body in BODIES.items():
            client.ehlo("client.example")
            client.mail("ann@example.com", ["BODY=8BITMIME"])
            client.rcpt(f"{name}@example.org")
            client.docmd("DATA")
            client.send(wire(body))
            assert client.getreply()[0] == 250, name
    sink.wait(len(BODIES))
    arrived = {message.recipients: message.digest for message in sink.arrived}
    assert arrived == {(f"{name}@example.org",): sha256(body).digest() for name, body in BODIES.items()}


@pytest.mark.parametrize("fault", [b"lone\rCR\r\n", b"lone\nLF\r\n"], ids=["CR", "LF"])
def test_a_body_with_a_cr_or_lf_on_its_own_is_refused_and_goes_nowhere(
    fault: bytes, sink: Sink, daemon: Daemon
) -> None:
    with smtplib.SMTP("127.0.0.1", daemon.port, timeout=30) as client:
        client.ehlo("client.example")
        client.mail("ann@example.com")
        client.rcpt("bob@example.org")
        client.docmd("DATA")
        client.send(wire(fault))
        assert client.getreply()[0] == 554
    assert daemon.stop() == 0
    assert sink.arrived == []


def wire(body: bytes) -> bytes:
    """Return a body as DATA carries it: smtplib's own way of doing so would change some of them."""
    return (b"\r\n" + body).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
