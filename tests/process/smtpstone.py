"""Postfix's generator of mail and its next hop, ``smtp-source`` and ``smtp-sink``."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from tests.peers import find
from tests.process.ports import free_port, wait_until_listening

_PER_SECOND = 50
"""So slow is no machine that is worth waiting for."""


@frozen
class Dump:
    """A message as ``smtp-sink`` writes it down: lines without CR, below header fields of its own."""

    text: bytes

    @property
    def recipients(self) -> tuple[str, ...]:
        """The arguments of RCPT, in order, without the brackets."""
        lines = self.text.partition(b"\n\n")[0].split(b"\n")
        return tuple(
            line.removeprefix(b"X-Rcpt-Args: ").decode().partition(">")[0].lstrip("<")
            for line in lines
            if line.startswith(b"X-Rcpt-Args: ")
        )

    def field(self, name: str) -> bytes:
        """The line of a header field that is there once."""
        header = self.text.partition(b"\n\n")[0]
        [line] = [line for line in header.split(b"\n") if line.lower().startswith(f"{name.lower()}: ".encode())]
        return line

    @property
    def body(self) -> bytes:
        """All below the header."""
        return self.text.partition(b"\n\n")[2]


def smtp_source(address: str, *, messages: int, sessions: int = 20, size_octets: int = 1000) -> None:
    """Send messages, each to a recipient of its own."""
    load = ["-N", "-s", str(sessions), "-m", str(messages), "-l", str(size_octets)]
    command = [str(find("smtp-source")), *load, "-f", "ann@example.com", "-t", "user@example.org", address]
    subprocess.run(command, check=True, timeout=patience_s(messages))


@contextmanager
def smtp_sink(dumps: Path, address: str = "") -> Iterator[str]:
    """Run a next hop that writes each message into a file; where it listens, by default on any port."""
    dumps.mkdir(exist_ok=True)
    address = address or f"127.0.0.1:{free_port()}"
    host, _, port = address.rpartition(":")
    command = [str(find("smtp-sink")), *(["-u", "root"] if os.geteuid() == 0 else []), "-d", f"{dumps}/"]
    process = subprocess.Popen([*command, address, "128"])
    try:
        wait_until_listening(int(port), host)
        yield address
    finally:
        process.kill()
        process.wait()


def wait_for_dumps(directory: Path, messages: int) -> None:
    """Wait until so many messages have begun to arrive, and give a further one a moment to turn up."""
    deadline = time.monotonic() + patience_s(messages)
    while len(list(directory.iterdir())) < messages and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)


def dumps_in(directory: Path) -> list[Dump]:
    """Read all messages. One that is still arriving is there in part."""
    return [Dump(path.read_bytes()) for path in directory.iterdir()]


def patience_s(messages: int) -> float:
    """How long so many messages may take at most."""
    return 60 + messages / _PER_SECOND
