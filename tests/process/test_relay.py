"""Mail goes through the daemon: as much as comes in, and octet for octet as it came."""

import os
import smtplib
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest

from tests.interop.bodies import AWKWARD
from tests.peers import find, needs
from tests.process.daemon import Daemon, live
from tests.process.ports import free_port, wait_until_listening
from tests.process.sink import Sink

MESSAGES: Final = int(os.environ.get("SOAK_MESSAGES", "500"))
PATIENCE_S: Final = 60 + MESSAGES / 50

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
def test_from_smtp_source_to_smtp_sink_nothing_is_lost_and_nothing_doubled(tmp_path: Path) -> None:
    with (
        smtp_sink(tmp_path / "dump") as address,
        Daemon(tmp_path, live(tmp_path, next_hop=address)) as daemon,
    ):
        smtp_source(daemon.address, messages=MESSAGES)
        dumps = wait_for_files(tmp_path / "dump", MESSAGES)
        assert daemon.stop() == 0
    parted = [dump.partition(b"\n\n") for dump in dumps]
    for field in (b"X-Rcpt-Args: ", b"Message-Id: "):
        values = Counter(line for header, _, _ in parted for line in header.split(b"\n") if line.startswith(field))
        assert (len(values), values.total()) == (MESSAGES, MESSAGES), field
    assert len({sha256(text).digest() for _, _, text in parted}) == 1


@needs("smtp-source")
def test_many_messages_arrive_once_each_and_unchanged(sink: Sink, daemon: Daemon) -> None:
    smtp_source(daemon.address, messages=MESSAGES)
    sink.wait(MESSAGES, PATIENCE_S)
    assert daemon.stop() == 0
    assert len(sink.arrived) == MESSAGES
    assert len({sha256(message.without_trace.partition(b"\r\n\r\n")[2]).digest() for message in sink.arrived}) == 1
    assert len({message.recipients for message in sink.arrived}) == MESSAGES


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


def smtp_source(address: str, *, messages: int, sessions: int = 20, size_octets: int = 1000) -> None:
    """Send messages with Postfix's generator, each to a recipient of its own."""
    load = ["-N", "-s", str(sessions), "-m", str(messages), "-l", str(size_octets)]
    command = [str(find("smtp-source")), *load, "-f", "ann@example.com", "-t", "user@example.org", address]
    subprocess.run(command, check=True, timeout=PATIENCE_S)


@contextmanager
def smtp_sink(dumps: Path) -> Iterator[str]:
    """Run Postfix's next hop, which writes each message into a file; the address of it."""
    dumps.mkdir()
    port = free_port()
    command = [str(find("smtp-sink")), *(["-u", "root"] if os.geteuid() == 0 else []), "-d", f"{dumps}/"]
    process = subprocess.Popen([*command, f"127.0.0.1:{port}", "128"])
    try:
        wait_until_listening(port)
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def wait_for_files(directory: Path, number: int, timeout_s: float = PATIENCE_S) -> list[bytes]:
    """Wait for so many files, give a further one a moment to turn up, and return their content."""
    deadline = time.monotonic() + timeout_s
    while len(list(directory.iterdir())) < number and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)
    return [path.read_bytes() for path in directory.iterdir()]
