"""What stands between a client and a PostgreSQL server, and cuts what they say to each other at any message."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock, Thread
from typing import Final

from attrs import define, field
from typing_extensions import override

MAKE_FAIL: Final = """
CREATE OR REPLACE FUNCTION public.fail() RETURNS text LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'could not extend file "base/1/1": No space left on device' USING ERRCODE = 'disk_full';
END $$
"""
FAIL: Final = "SELECT public.fail()"
_HEADER: Final = struct.Struct("!cI")


@define(eq=False)
class Cutter:
    """Stands between client and server, and cuts a connection when the client has sent its n-th message.

    The server gets that message, or not; the client gets no answer to it. If that ``kills`` the client, the server gets
    nothing any more from it, over any connection.
    """

    server: str
    path: str
    left: int = -1
    """Messages until the cut; negative: there is none."""
    delivers: bool = True
    """Whether the server gets the message that the cut comes with."""
    kills: bool = False
    _is_dead: bool = field(init=False, default=False)
    _counting: Lock = field(init=False, factory=Lock)
    _listener: socket.socket = field(init=False)
    _threads: list[Thread] = field(init=False, factory=list)
    over: bool = field(init=False, default=False)

    @contextmanager
    def running(self) -> Iterator["Cutter"]:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen()
        self._threads.append(Thread(target=self._accept))
        self._threads[0].start()
        try:
            yield self
        finally:
            self.over = True
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            for thread in self._threads:
                thread.join()
            self._listener.close()

    def _accept(self) -> None:
        while not self.over:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.server)
            for work in (self._forward, self._return):
                thread = Thread(target=work, args=(client, server))
                self._threads.append(thread)
                thread.start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with client, server, suppress(OSError, EOFError):
            length = _exactly(client, 4)  # the start-up message has no type
            server.sendall(length + _exactly(client, int.from_bytes(length) - 4))
            while True:
                head = _exactly(client, _HEADER.size)
                body = _exactly(client, _HEADER.unpack(head)[1] - 4)
                passed, goes_on = self._pass(head + body)
                server.sendall(passed)
                if not goes_on:
                    break
            for one in (client, server):
                one.shutdown(socket.SHUT_RDWR)

    def _pass(self, said: bytes) -> tuple[bytes, bool]:
        """What the server gets in place of a message, and whether the connection goes on."""
        with self._counting:
            if self._is_dead:
                return b"", False
            self.left -= 1
            if self.left:
                return said, True
            self._is_dead = self.kills
            return said if self.delivers else b"", False

    def revive(self) -> None:
        """Let another client come."""
        with self._counting:
            self._is_dead, self.left = False, -1

    def _return(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while block := server.recv(65536):
                client.sendall(block)
            client.shutdown(socket.SHUT_RDWR)


def _exactly(one: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        block = one.recv(count - len(found))
        if not block:
            raise EOFError
        found += block
    return found


@define(eq=False)
class Spoiler(Cutter):
    """Cuts nothing. Has the n-th statement fail in the server, as if the disk were full; but ROLLBACK needs no room."""

    lasts: int = 1
    """How many fail."""

    @override
    def _pass(self, said: bytes) -> tuple[bytes, bool]:
        if said[:1] in (b"P", b"Q") and b"ROLLBACK" not in said:  # Parse, Query
            with self._counting:
                self.left -= 1
                if -self.lasts < self.left <= 0:
                    return (_failing_query() if said[:1] == b"Q" else _failing_parse(said)), True
        return said, True


def _failing_query() -> bytes:
    return _message(b"Q", FAIL.encode() + b"\0")


def _failing_parse(said: bytes) -> bytes:
    """A statement with as many parameters, of the same types."""
    name, _, rest = said[_HEADER.size :].split(b"\0", 2)
    count = int.from_bytes(rest[:2])
    taken = "".join(f" AND ${number}::text IS NOT DISTINCT FROM ${number}::text" for number in range(1, count + 1))
    return _message(b"P", b"%b\0%b\0%b" % (name, f"{FAIL} WHERE true{taken}".encode(), rest))


def _message(kind: bytes, content: bytes) -> bytes:
    return _HEADER.pack(kind, len(content) + 4) + content
