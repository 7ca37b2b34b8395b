"""A next hop that counts: how many connections it has at once, and when each of them began and each message came."""

import socket
import socketserver
import time
from threading import Event, Lock, Thread
from typing import Self

from attrs import define, field

_LOOK_S = 0.01


@define(eq=False)
class CountingHop:
    """Takes all mail until the context is left. With ``most`` it turns further connections away."""

    most: int = 1000
    delay_s: float = 0.0
    """How long it thinks before it takes a message."""
    peak: int = field(init=False, default=0)
    connections: int = field(init=False, default=0)
    turned_away: int = field(init=False, default=0)
    messages: list[float] = field(init=False, factory=list)
    """When each came, by the monotonic clock."""
    greeted: list[float] = field(init=False, factory=list)
    """When each connection began."""
    longest_stall_s: float = field(init=False, default=0.0)
    """For how long this process could not look at its clock, though it wanted to: what it counts may be so late."""
    _live: int = field(init=False, default=0)
    _lock: Lock = field(init=False, factory=Lock)
    _over: Event = field(init=False, factory=Event)
    _server: socketserver.ThreadingTCPServer = field(init=False)

    def __enter__(self) -> Self:
        hop = self

        class Session(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                hop.serve(self.connection)

        socketserver.ThreadingTCPServer.daemon_threads = True
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session)
        Thread(target=self._server.serve_forever, daemon=True).start()
        Thread(target=self._look_at_the_clock, daemon=True).start()
        return self

    def _look_at_the_clock(self) -> None:
        before = time.monotonic()
        while not self._over.wait(_LOOK_S):
            now = time.monotonic()
            self.longest_stall_s = max(self.longest_stall_s, now - before - _LOOK_S)
            before = now

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def wait(self, messages: int, timeout_s: float = 60.0) -> None:
        """Wait until so many have come."""
        deadline = time.monotonic() + timeout_s
        while len(self.messages) < messages:
            assert time.monotonic() < deadline, f"{len(self.messages)} of {messages} messages have come"
            time.sleep(0.02)

    def serve(self, connection: socket.socket) -> None:
        """One session."""
        with self._lock:
            self._live += 1
            self.connections += 1
            self.greeted.append(time.monotonic())
            is_full = self._live > self.most
            self.turned_away += is_full
            self.peak = max(self.peak, self._live)
        try:
            if is_full:
                connection.sendall(b"421 4.7.0 too many connections from your host\r\n")
            else:
                self._talk(connection)
        except OSError:
            pass
        finally:
            with self._lock:
                self._live -= 1

    def _talk(self, connection: socket.socket) -> None:
        connection.sendall(b"220 hop ESMTP\r\n")
        lines, in_data = connection.makefile("rb"), False
        for line in lines:
            if in_data:
                if line == b".\r\n":
                    in_data = False
                    time.sleep(self.delay_s)
                    self.messages.append(time.monotonic())
                    connection.sendall(b"250 2.0.0 taken\r\n")
                continue
            verb = line[:4].upper()
            in_data = verb == b"DATA"
            connection.sendall({b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}.get(verb, b"250 ok\r\n"))
            if verb == b"QUIT":
                return
