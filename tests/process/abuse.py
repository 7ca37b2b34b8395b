"""Clients that mean no good, each of them one thread, and what a daemon looks like while they are at it."""

from __future__ import annotations

import smtplib
import socket
import time
from abc import ABC, abstractmethod
from collections import Counter
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Final, Self

from attrs import define, field, frozen

from tests.process.daemon import Daemon

MIB: Final = 1024 * 1024
_BLOCK: Final = b"x" * 65_536
_PATIENCE_S: Final = 30.0


@define(eq=False)
class Attack(ABC):
    """Goes on until the context is left. ``size`` is how many of what it has many of."""

    port: int
    size: int
    heard: Counter[str] = field(init=False, factory=Counter)
    """The codes of the replies that were read, and "closed" for connections that ended without one."""
    under_way: Event = field(init=False, factory=Event)
    """Set when all of it has been tried."""
    over: Event = field(init=False, factory=Event)
    _thread: Thread = field(init=False)
    _open: list[socket.socket] = field(init=False, factory=list)

    def __enter__(self) -> Self:
        self._thread = Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            self.attack()
            self.under_way.set()
            while not self.over.wait(1.0):
                self.keep_on()
        finally:
            self.under_way.set()
            for connection in self._open:
                connection.close()

    @abstractmethod
    def attack(self) -> None:
        """Do it, to the end of it."""

    def keep_on(self) -> None:  # noqa: B027  most attacks have only to hold what they have
        """What is to be done every second after that."""

    def connect(self, source: str = "127.9.9.9") -> socket.socket:
        """Return a connection from this address, which is kept until the end."""
        connection = socket.socket()
        connection.settimeout(_PATIENCE_S)
        connection.bind((source, 0))
        connection.connect(("127.0.0.1", self.port))
        self._open.append(connection)
        return connection

    def talk(self, connection: socket.socket, *lines: bytes) -> None:
        """Read the greeting, and say these lines one after the other."""
        self.listen(connection)
        for line in lines:
            connection.sendall(line + b"\r\n")
            self.listen(connection)

    def listen(self, connection: socket.socket) -> None:
        """Read what is there, at least one octet, and count it by its code."""
        octets = b""
        with suppress(OSError):
            octets = connection.recv(4096)
        self.heard[octets[:3].decode() or "closed"] += 1


class SlowConnections(Attack):
    """From as many networks, and each says one letter a second of a command that never ends."""

    def attack(self) -> None:
        """Open them."""
        for number in range(self.size):
            self.connect(f"127.{1 + number // 250}.{number % 250}.9")

    def keep_on(self) -> None:
        """Say a letter."""
        for connection in self._open:
            with suppress(OSError):
                connection.send(b"E")


class OneAddress(Attack):
    """As many connections as will go, all from one address."""

    def attack(self) -> None:
        """Open them."""
        for _ in range(self.size):
            self.connect()
        for connection in self._open:
            self.listen(connection)


class EndlessLine(Attack):
    """A command of so many octets."""

    def attack(self) -> None:
        """Say it."""
        connection = self.connect()
        self.talk(connection, b"EHLO endless.example")
        connection.sendall(b"MAIL FROM:<")
        for _ in range(self.size // len(_BLOCK)):
            connection.sendall(_BLOCK)
        connection.sendall(b"\r\n")
        self.listen(connection)


class OneLineOfContent(Attack):
    """A message of so many octets without a line end."""

    def attack(self) -> None:
        """Send it."""
        connection = self.connect()
        self.talk(connection, b"EHLO long.example", b"MAIL FROM:<a@example.com>", b"RCPT TO:<b@example.org>", b"DATA")
        for _ in range(self.size // len(_BLOCK)):
            connection.sendall(_BLOCK)
        connection.sendall(b"\r\n.\r\n")
        self.listen(connection)


class ManyRecipients(Attack):
    """So many recipients, in as many sessions as that takes."""

    def attack(self) -> None:
        """Name them."""
        left = self.size
        while left > 0 and not self.over.is_set():
            connection = self.connect()
            with suppress(OSError):
                self.talk(connection, b"EHLO many.example", b"MAIL FROM:<a@example.com>")
                while left > 0:
                    connection.sendall(b"".join([b"RCPT TO:<%d@example.org>\r\n" % (left - n) for n in range(100)]))
                    left -= 100
                    answers = connection.recv(65_536)
                    self.heard.update(line[:3].decode() for line in answers.split(b"\r\n") if line)
                    if b"421" in answers:
                        break
            connection.close()


class NeverReads(Attack):
    """So many connections, each of which sends commands as long as it can and reads nothing."""

    def attack(self) -> None:
        """Send until nothing goes any more."""
        for _ in range(self.size):
            connection = self.connect()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            self.talk(connection, b"EHLO deaf.example")
            connection.setblocking(False)
        self.keep_on()

    def keep_on(self) -> None:
        """Try again."""
        for connection in self._open:
            with suppress(OSError):
                for _ in range(200):
                    connection.send(b"RSET\r\n" * 10_000)


@frozen
class Look:
    """A daemon at a moment."""

    resident_bytes: int
    peak_bytes: int
    """Since ``reset_peak``."""
    descriptors: int
    sessions: int
    """Connections to its SMTP port that are not closed."""
    cpu_s: float


def look(daemon: Daemon) -> Look:
    """Look at it from outside."""
    process = Path(f"/proc/{daemon.process.pid}")
    memory = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    ticks = (process / "stat").read_text().rpartition(") ")[2].split()
    return Look(
        resident_bytes=1024 * int(memory["VmRSS"].split()[0]),
        peak_bytes=1024 * int(memory["VmHWM"].split()[0]),
        descriptors=len(list((process / "fd").iterdir())),
        sessions=_sessions(daemon.port),
        cpu_s=(int(ticks[11]) + int(ticks[12])) / 100,
    )


def _sessions(port: int) -> int:
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    established, close_wait = "01", "08"
    return sum(row[1].endswith(f":{port:04X}") and row[3] in (established, close_wait) for row in rows)


def reset_peak(daemon: Daemon) -> None:
    """Let the peak of memory be what is in use now (proc_pid_clear_refs(5))."""
    Path(f"/proc/{daemon.process.pid}/clear_refs").write_text("5")


def ordinary_client(port: int, number: int) -> float:
    """Hand in a message as everybody does, coming back when told to, and return how long it took until the 250."""
    began = time.monotonic()
    while True:
        try:
            with smtplib.SMTP("127.0.0.1", port, timeout=_PATIENCE_S) as client:
                client.sendmail("ann@example.com", [f"bob{number}@example.org"], b"Subject: x\r\n\r\ntext\r\n")
            return time.monotonic() - began
        except (OSError, smtplib.SMTPException):
            if time.monotonic() - began > _PATIENCE_S:
                raise
            time.sleep(0.1)
