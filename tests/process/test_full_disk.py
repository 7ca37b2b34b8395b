"""A disk that is really full: only what can be kept is promised, what was promised goes out, and all is well again.

The disk is a small file system in memory, in a name space of the daemon's own, so nobody has to be root for it.
"""

import smtplib
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Final

import pytest

from tests.peers import mounts, needs
from tests.process.daemon import Daemon, live
from tests.process.sink import Sink

DISK_MIB: Final = 96
MIN_FREE_MIB: Final = 12
MOST_MESSAGES: Final = 1000
_MOUNT: Final = f'mkdir -p "$0" && mount -t tmpfs -o size={DISK_MIB}m tmpfs "$0" && exec "$@"'
SETTINGS: Final = """
delivery.circuit_breaker.timeout = "1s"
delivery.retry_max_delay = "1s"
"""
SIZES: Final = {"small": 100_000, "large": 700_000}
"""In the row of the message, and in a file of its own."""


@contextmanager
def kept_port() -> Iterator[int]:
    """A port where nobody listens yet, and which the system gives to nobody else."""
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        port: int = keeper.getsockname()[1]
        yield port


def full_at(home: Path, *, next_hop: int, min_free: str) -> Daemon:
    """A daemon whose spool has little room, and whose next hop is not there yet."""
    settings = f'{SETTINGS}spool.min_free = "{min_free}"\n'
    config = live(home, next_hop=f"127.0.0.1:{next_hop}", settings=settings)
    wrapper = ("unshare", "--map-root-user", "--mount", "sh", "-c", _MOUNT, str(home / "spool"))
    return Daemon(home, config, wrapper=wrapper)


def messages(size_bytes: int) -> Iterator[bytes]:
    """Contents that are all different."""
    random = Random(1)
    for number in range(MOST_MESSAGES):
        line = random.randbytes(35).hex().encode() + b"\r\n"
        yield b"Subject: %d\r\n\r\n" % number + line * (size_bytes // len(line))


def fill(daemon: Daemon, size_bytes: int) -> tuple[set[bytes], str]:
    """Send until that is refused; the digests of what was accepted, and the refusal."""
    accepted: set[bytes] = set()
    with smtplib.SMTP("127.0.0.1", daemon.port, timeout=30) as smtp:
        for content in messages(size_bytes):
            try:
                smtp.sendmail("a@example.org", ["b@example.org"], content)
            except smtplib.SMTPResponseException as refusal:
                said = refusal.smtp_error
                return accepted, f"{refusal.smtp_code} {said.decode() if isinstance(said, bytes) else said}"
            accepted.add(sha256(content).digest())
    raise AssertionError("the disk is not full")


@needs("unshare", "mount")
@mounts("--map-root-user")
@pytest.mark.parametrize("min_free", ["0", f"{MIN_FREE_MIB}MiB"])
@pytest.mark.parametrize("size", SIZES)
def test_mail_is_refused_until_what_is_there_has_gone_out(tmp_path: Path, size: str, min_free: str) -> None:
    with kept_port() as port, full_at(tmp_path, next_hop=port, min_free=min_free) as daemon:
        accepted, refusal = fill(daemon, SIZES[size])
        assert accepted
        assert refusal.startswith("452 4.3.1 ")
        with Sink(port=port) as sink:
            sink.wait(len(accepted))
            assert {message.digest for message in sink.arrived} == accepted
            send_one(daemon, SIZES[size])
            sink.wait(len(accepted) + 1)
        assert daemon.stop() == 0


def send_one(daemon: Daemon, size_bytes: int) -> None:
    """Send one more. There is room again some seconds after the last message has gone; on a busy machine, later."""
    deadline = time.monotonic() + 90
    while not is_taken(daemon, next(messages(size_bytes))):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def is_taken(daemon: Daemon, content: bytes) -> bool:
    """Whether a message is accepted; else it is refused for now."""
    with smtplib.SMTP("127.0.0.1", daemon.port, timeout=30) as smtp:
        try:
            smtp.sendmail("a@example.org", ["b@example.org"], content)
        except smtplib.SMTPResponseException as refusal:
            if refusal.smtp_code != 452:
                raise
            return False
    return True
