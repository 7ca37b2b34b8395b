"""A client and a next hop for messages that are larger than memory: neither of them keeps one."""

from __future__ import annotations

import socket
from hashlib import sha256
from threading import Event, Thread
from typing import TYPE_CHECKING, Final, Self

from attrs import define, field

if TYPE_CHECKING:
    from hashlib import _Hash

BEGIN: Final = b"Subject: giant\r\n\r\n"
_LINE: Final = b"The quick brown fox jumps over the lazy dog, and does so again and again and again.....\r\n"
_BLOCK: Final = _LINE * 4096
_READ_BYTES: Final = 1 << 20
_END: Final = b"\r\n.\r\n"
_PATIENCE_S: Final = 600.0


def blocks_of(size_bytes: int) -> int:
    """How many blocks a message of about this size has after its header section."""
    return size_bytes // len(_BLOCK)


def digest_of(blocks: int) -> bytes:
    """What the next hop must find."""
    digest = sha256(BEGIN)
    for _ in range(blocks):
        digest.update(_BLOCK)
    return digest.digest()


@define(eq=False)
class GiantClient:
    """Sends messages over one connection."""

    port: int
    _socket: socket.socket = field(init=False)

    def __enter__(self) -> Self:
        self._socket = socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE_S)
        self._expect(220)
        self._say(b"EHLO client.example", 250)
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, blocks: int, *, chunking: bool) -> None:
        """Send a message, by BDAT or by DATA, and see to it that it is accepted."""
        self._say(b"MAIL FROM:<a@example.org>", 250)
        self._say(b"RCPT TO:<b@example.org>", 250)
        if chunking:
            self._say(b"BDAT %d\r\n%s" % (len(BEGIN), BEGIN.removesuffix(b"\r\n")), 250)
            for _ in range(blocks):
                self._say(b"BDAT %d\r\n%s" % (len(_BLOCK), _BLOCK.removesuffix(b"\r\n")), 250)
            self._say(b"BDAT 0 LAST", 250)
        else:
            self._say(b"DATA", 354)
            self._socket.sendall(BEGIN)
            for _ in range(blocks):
                self._socket.sendall(_BLOCK)
            self._say(b".", 250)

    def _say(self, line: bytes, code: int) -> None:
        self._socket.sendall(line + b"\r\n")
        self._expect(code)

    def _expect(self, code: int) -> None:
        reply = b""
        while not reply.endswith(b"\r\n") or reply.splitlines()[-1][3:4] == b"-":
            reply += self._socket.recv(4096)
        assert reply.splitlines()[-1].startswith(b"%d" % code), reply


@define(eq=False)
class GiantSink:
    """Takes message after message over one connection at a time, and remembers the digest of the latest."""

    chunking: bool
    digest: bytes = field(init=False, default=b"")
    """Of the content from its Subject on."""
    _arrived: Event = field(init=False, factory=Event)
    _server: socket.socket = field(init=False)
    _thread: Thread = field(init=False)

    def __enter__(self) -> Self:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._thread = Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.close()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self._server.getsockname()[1]}"

    def wait(self) -> bytes:
        """Wait for a message that has not been waited for, and return its digest."""
        assert self._arrived.wait(_PATIENCE_S), "no message has come"
        self._arrived.clear()
        return self.digest

    def _run(self) -> None:
        while True:
            try:
                connection = self._server.accept()[0]
            except OSError:
                return
            with connection:
                connection.settimeout(_PATIENCE_S)
                _GiantSession(self, connection).run()

    def take(self, digest: bytes) -> None:
        """Remember a message."""
        self.digest = digest
        self._arrived.set()


@define
class _GiantSession:
    _sink: GiantSink
    _connection: socket.socket
    _read: bytes = field(init=False, default=b"")
    _head: bytes | None = field(init=False, default=b"")
    """What came before the Subject; None: it has come."""
    _digest: _Hash = field(init=False, factory=sha256)

    def run(self) -> None:
        self._connection.sendall(b"220 sink.example\r\n")
        try:
            while self._answer(self._line()):
                pass
        except (EOFError, OSError):
            return

    def _answer(self, line: bytes) -> bool:
        verb, *words = line.upper().split()
        match verb:
            case b"EHLO":
                offers = b"250-CHUNKING\r\n" if self._sink.chunking else b""
                self._say(b"250-sink.example\r\n" + offers + b"250 SIZE 9000000000")
            case b"DATA":
                self._say(b"354 go ahead")
                self._data()
            case b"BDAT":
                self._chunk(int(words[0]))
                self._finish(last=words[1:] == [b"LAST"])
            case b"QUIT":
                self._say(b"221 goodbye")
                return False
            case _:
                self._say(b"250 OK")
        return True

    def _data(self) -> None:
        held = b""
        while not held.endswith(_END):
            self._take(held[: -len(_END)])
            held = held[-len(_END) :] + self._some()
        self._take(held.removesuffix(_END[2:]))
        self._finish(last=True)

    def _chunk(self, size_bytes: int) -> None:
        while size_bytes:
            data = self._some(size_bytes)
            size_bytes -= len(data)
            self._take(data)

    def _take(self, data: bytes) -> None:
        if self._head is not None:
            self._head += data
            at = self._head.find(BEGIN)
            if at < 0:
                return
            data, self._head, self._digest = self._head[at:], None, sha256()
        self._digest.update(data)

    def _finish(self, *, last: bool) -> None:
        if last:
            self._sink.take(self._digest.digest())
            self._head = b""
        self._say(b"250 OK")

    def _say(self, line: bytes) -> None:
        self._connection.sendall(line + b"\r\n")

    def _line(self) -> bytes:
        while b"\r\n" not in self._read:
            self._read += self._receive(_READ_BYTES)
        line, _, self._read = self._read.partition(b"\r\n")
        return line

    def _some(self, at_most: int = _READ_BYTES) -> bytes:
        if self._read:
            some, self._read = self._read[:at_most], self._read[at_most:]
            return some
        return self._receive(min(at_most, _READ_BYTES))

    def _receive(self, at_most: int) -> bytes:
        some = self._connection.recv(at_most)
        if not some:
            raise EOFError
        return some
