"""How an MTA is started, watched and stopped, whichever it is.

An adapter (`Mta`) knows one MTA: whether it can run here, its configuration, its command. All else is here.
"""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

import trustme
from attrs import define, frozen

from bench import process_tree
from bench.process_tree import Process

START_LIMIT_S: Final = 30.0
TURN_S: Final = 0.02


@frozen(kw_only=True)
class Place:
    """Where and for what one MTA runs once."""

    directory: Path
    """Fresh and empty; configuration, queue and logs go here."""
    port: int
    """Where it listens, on 127.0.0.1, as all ports here."""
    sink_port: int
    """Of the next hop for all domains, or of the next hops."""
    holds: bool
    """Whether it keeps all mail and makes no attempt to deliver."""
    certificate: Path | None = None
    """A file with a chain and its key, as PEM, for STARTTLS on the port; None: TLS is not offered."""
    domains: int = 1
    """Among how many recipient domains mail is spread."""

    @property
    def next_hops(self) -> Mapping[str, str]:
        """The address of the next hop of each recipient domain, if there are several; all of them are the sink."""
        if self.domains == 1:
            return {}
        return {f"site-{number}.test": f"127.1.{number >> 8}.{number & 255}" for number in range(self.domains)}


class Mta(Protocol):
    """What has to be known of an MTA. Whatever makes its queue durable stays on."""

    @property
    def name(self) -> str:
        """The name in tables and on the command line."""
        ...

    def absence(self) -> str | None:
        """Return why it cannot run on this machine, or None."""
        ...

    def prepare(self, place: Place) -> Sequence[str | Path]:
        """Write its configuration and return the command that runs it in the foreground."""
        ...

    def leader(self, place: Place, started_pid: int) -> int:
        """Return the process that ends all of it in order when it gets SIGTERM."""
        ...


@define
class Running:
    """An MTA that answers."""

    pid: int
    """The root of its process tree."""

    def settle(self, at_most_s: float = 5.0) -> None:
        """Wait until it uses next to no processor time."""
        look_s, quiet_share = 0.2, 0.02
        until = time.monotonic() + at_most_s
        before_s = process_tree.cpu_s(self.pid)
        while time.monotonic() < until:
            time.sleep(look_s)
            now_s = process_tree.cpu_s(self.pid)
            if now_s - before_s < look_s * quiet_share:
                return
            before_s = now_s


@contextmanager
def fresh_place(below: Path, *, holds: bool, encrypted: bool = False, domains: int = 1) -> Iterator[Place]:
    """Make a place with a directory that is removed afterwards and two ports that are free now."""
    with tempfile.TemporaryDirectory(prefix="empath-bench-", dir=below, ignore_cleanup_errors=True) as name:
        directory = Path(name)
        directory.chmod(0o755)  # an MTA may have users of its own
        port, sink_port = free_ports(2)
        certificate = directory / "certificate.pem" if encrypted else None
        if certificate:
            trustme.CA().issue_cert("mta.test").private_key_and_cert_chain_pem.write_to_path(certificate)
        yield Place(
            directory=directory,
            port=port,
            sink_port=sink_port,
            holds=holds,
            certificate=certificate,
            domains=domains,
        )


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback interface that nobody listens on at the moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


@contextmanager
def running(mta: Mta, place: Place, *, patience_s: float = 15.0) -> Iterator[Running]:
    """Start an MTA and wait for its greeting; stop it when the block is left.

    Those of its processes that are still there `patience_s` after it was asked to end are killed. Raises RuntimeError
    with the end of its log when it does not greet.
    """
    log = place.directory / "console.log"
    command = mta.prepare(place)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=place.directory,
            start_new_session=True,
        )
    try:
        if not _greets(place.port, process):
            raise RuntimeError(f"{mta.name} does not greet. The end of its log:\n{log.read_text()[-2000:]}")
        yield Running(process.pid)
    finally:
        _stop(process, mta.leader(place, process.pid), patience_s)


def _greets(port: int, process: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + START_LIMIT_S
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=START_LIMIT_S) as client:
            if client.recv(3) == b"220":
                client.sendall(b"QUIT\r\n")
                while client.recv(4096):
                    pass
                return True
        time.sleep(TURN_S)
    return False


def _stop(process: subprocess.Popen[bytes], leader: int, patience_s: float) -> None:
    """Ask the leader to end, and end whatever of its processes is left after a while."""
    # Listed beforehand: those whose parent goes first are no longer found below it.
    family = process_tree.tree(process.pid)
    if any(member.pid == leader for member in family):
        os.kill(leader, signal.SIGTERM)
    for survivor in _await_end(process, family, patience_s):
        with suppress(ProcessLookupError):
            os.kill(survivor.pid, signal.SIGKILL)
    _await_end(process, family, patience_s)


def _await_end(process: subprocess.Popen[bytes], family: Sequence[Process], at_most_s: float) -> list[Process]:
    """Wait for all of a family to end, and return those that have not."""
    until = time.monotonic() + at_most_s
    while living := [member for member in family if member.lives]:
        process.poll()  # or it stays as a zombie
        if time.monotonic() > until:
            break
        time.sleep(TURN_S)
    process.poll()
    return living
