"""Simulated connections, and what can happen to them."""

from __future__ import annotations

import operator
import os
from typing import TYPE_CHECKING

import trio
from attrs import define, field
from typing_extensions import override

from empath.sim.pipe import Pipe, Way
from empath.world import Connection, UnixEndpoint
from empath.world.endpoint import PeerCredentials
from empath.world.streams import RECEIVE_BYTES, Turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from empath.sim.network import VirtualHost
    from empath.world import Endpoint

RESET = "Connection reset by peer"


@define(eq=False)
class SimulatedConnection(Connection):
    """One end of a link."""

    local: Endpoint
    remote: Endpoint
    link: Link = field(repr=False)
    _incoming: Pipe = field(repr=False)
    _outgoing: Pipe = field(repr=False)
    _turns: Turns = field(init=False, factory=lambda: Turns(1))
    _sending: bool = field(init=False, default=False)
    closed: bool = field(init=False, default=False)

    @override
    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what has arrived."""
        size = RECEIVE_BYTES if max_bytes is None else operator.index(max_bytes)
        if size < 1:
            raise ValueError("max_bytes must be at least 1")
        await self._turns.take()
        return await self._incoming.take(size)

    @override
    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send."""
        self._start_sending()
        try:
            await self._turns.take()
            await self._outgoing.put(data)
        finally:
            self._sending = False

    @override
    async def wait_send_all_might_not_block(self) -> None:
        """Wait for room."""
        self._start_sending()
        try:
            await trio.lowlevel.checkpoint()
            self._outgoing.check_writable()
            await self._outgoing.wait_for_room()
            self._outgoing.check_writable()
        finally:
            self._sending = False

    @override
    async def send_eof(self) -> None:
        """Send the end of the stream."""
        if self._sending:
            raise trio.BusyResourceError("another task is sending on this connection")
        await trio.lowlevel.checkpoint()
        if self.closed:
            raise trio.ClosedResourceError("this connection was closed")
        self._outgoing.end()

    @override
    def close(self) -> None:
        """Close. As with TCP, closing on bytes that nobody has read resets the connection, and the last words that
        were sent may then never be read (RFC 1122 4.2.2.13).
        """
        if self.closed:
            return
        self.closed = True
        if self._incoming.has_unread:
            self.link.break_soon(RESET)
        self._outgoing.close_writer()
        self._incoming.close_reader()
        self.link.forget_if_closed()

    @override
    def has_news(self) -> bool:
        """Look without taking."""
        return self.closed or self._incoming.has_arrived

    @override
    def credentials(self) -> PeerCredentials | None:
        """All programs of a simulated world are this one."""
        if not isinstance(self.remote, UnixEndpoint):
            return None
        return PeerCredentials(pid=os.getpid(), user=os.geteuid(), groups=frozenset({os.getegid()}))

    @override
    async def aclose(self) -> None:
        """Close."""
        self.close()
        await trio.lowlevel.checkpoint()

    def _start_sending(self) -> None:
        if self._sending:
            raise trio.BusyResourceError("another task is sending on this connection")
        self._sending = True


@define(eq=False)
class Link:
    """A connection seen from outside, with the faults that may befall it. ``client`` is the end that has dialled."""

    _way: Way
    hosts: tuple[VirtualHost, VirtualHost]
    _forget: Callable[[Link], None]
    client: SimulatedConnection = field(init=False)
    server: SimulatedConnection = field(init=False)
    _pipes: tuple[Pipe, Pipe] = field(init=False)
    _cut: bool = field(init=False, default=False)

    def stall(self) -> None:
        """Let nothing arrive until ``resume``. Neither end is told; both can send until the buffers are full."""
        self._way.held = True

    def resume(self) -> None:
        """Let what has been sent meanwhile arrive. A link that was cut stays so."""
        if not self._cut:
            self._way.held = False
            self._wake()

    def cut(self) -> None:
        """Let nothing arrive ever again, as when a cable or a router fails."""
        self._cut = True
        self.stall()

    def reset(self) -> None:
        """Break the connection at once, for both ends. What was under way is lost."""
        self._break(at=trio.current_time(), reason=RESET)

    def break_soon(self, reason: str) -> None:
        """Break the connection; the news travels one latency."""
        self._break(at=trio.current_time() + self._way.latency_s, reason=reason)

    def connect(self, client: Endpoint, server: Endpoint, *, buffer_bytes: int) -> None:
        """Make the two ends."""
        there, back = self._pipes = Pipe(self._way, buffer_bytes), Pipe(self._way, buffer_bytes)
        self.client = SimulatedConnection(client, server, self, incoming=back, outgoing=there)
        self.server = SimulatedConnection(server, client, self, incoming=there, outgoing=back)

    def forget_if_closed(self) -> None:
        """Leave the list of live links when both ends are closed."""
        if self.client.closed and self.server.closed:
            self._forget(self)

    def _break(self, *, at: float, reason: str) -> None:
        if at < self._way.broken_at:
            self._way.broken_at, self._way.reason = at, reason
            self._wake()

    def _wake(self) -> None:
        for pipe in self._pipes:
            pipe.wake()
