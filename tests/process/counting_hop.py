"""A next hop that counts: how many connections it has at once, and when each message came."""

import socket
import socketserver
import time
from threading import Lock, Thread
from typing import Self

from attrs import define, field


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
    _live: int = field(init=False, default=0)
    _lock: Lock = field(init=False, factory=Lock)
    _server: socketserver.ThreadingTCPServer = field(init=False)

    def __enter__(self) -> Self:
        hop = self

        class Session(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                hop.serve(self.connection)

        socketserver.ThreadingTCPServer.daemon_threads = True
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session)
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
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

    def busiest(self, span_s: float) -> int:
        """The most messages that came in any stretch of so many seconds."""
        moments = sorted(self.messages)
        return max(sum(start <= moment < start + span_s for moment in moments) for start in moments)

    def serve(self, connection: socket.socket) -> None:
        """One session."""
        with self._lock:
            self._live += 1
            self.connections += 1
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
