"""An internet in memory: hosts with addresses, ways between them, and faults that are switched on and off.

Each host is a `Network` port of its own, so Empath and its scripted peers live at different addresses, see
each other's, and can be cut off from each other. Names do not exist here; they are the resolver's.
"""

from __future__ import annotations

import enum
import errno
import math
import os
from collections import deque

import trio
from attrs import define, field, frozen
from typing_extensions import override

from empath.sim.link import Link, SimulatedConnection
from empath.sim.pipe import Waiter, Way
from empath.world import (
    ConnectFailed,
    Endpoint,
    Listener,
    ListenFailed,
    LocalNetworkFault,
    TcpEndpoint,
    UnixEndpoint,
)

BUFFER_BYTES = 64 * 1024
BACKLOG = 128

SYN_RETRY_S = 1.0
"""After what time a system dials again when nothing came back (RFC 6298 2.1)."""

SYN_GIVE_UP_S = 127.0
"""After what time Linux calls an address dead that never answers (``tcp_syn_retries`` of 6)."""

FIRST_EPHEMERAL_PORT = 32768
PORTS = 28232


class Reach(enum.Enum):
    """What happens to those who dial an address."""

    OPEN = "open"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    """A router says that there is no way."""
    BLACKHOLE = "blackhole"
    """Nobody says anything."""


@frozen(kw_only=True)
class Conditions:
    """What the way to an address is like. A connection keeps the conditions under which it was made."""

    latency_s: float = 0.0
    """One way."""
    bytes_per_s: float = math.inf
    buffer_bytes: int = BUFFER_BYTES
    """How much may be under way and unread in each direction."""
    reach: Reach = Reach.OPEN


@define(eq=False)
class VirtualNetwork:
    """The whole of it. ``conditions`` are looked up by the address that is dialled, then by the one that dials."""

    usual: Conditions = field(factory=Conditions)
    conditions: dict[str, Conditions] = field(init=False, factory=dict)
    _hosts: dict[str, VirtualHost] = field(init=False, factory=dict)
    _links: dict[Link, None] = field(init=False, factory=dict)

    @property
    def links(self) -> tuple[Link, ...]:
        """The connections that at least one end has open, oldest first."""
        return tuple(self._links)

    def host(self, *addresses: str) -> VirtualHost:
        """Make a host with these IP addresses. Loopback addresses it has without saying."""
        host = VirtualHost(self, addresses)
        for address in addresses:
            if address in self._hosts:
                raise ValueError(f"{address} belongs to another host")
            self._hosts[address] = host
        return host

    def host_at(self, address: str) -> VirtualHost | None:
        """Return the host with this address."""
        return self._hosts.get(address)

    def between(self, *, source: str, target: str) -> Conditions:
        """Return the conditions for a connection between two addresses."""
        return self.conditions.get(target) or self.conditions.get(source) or self.usual

    def join(
        self, client: Endpoint, server: Endpoint, conditions: Conditions, *, hosts: tuple[VirtualHost, VirtualHost]
    ) -> Link:
        """Make a connection."""
        link = Link(Way(conditions.latency_s, conditions.bytes_per_s), hosts, self._forget)
        link.connect(client, server, buffer_bytes=conditions.buffer_bytes)
        self._links[link] = None
        return link

    def _forget(self, link: Link) -> None:
        self._links.pop(link, None)


@define(eq=False)
class VirtualHost:
    """One machine: the `Network` port of whatever runs on it."""

    _network: VirtualNetwork = field(repr=False)
    addresses: tuple[str, ...]
    _listeners: dict[Endpoint, SimulatedListener] = field(init=False, factory=dict, repr=False)
    _dialled: int = field(init=False, default=0)

    async def connect(self, endpoint: Endpoint, *, source: str | None = None) -> SimulatedConnection:
        """Connect, at the price of one way there and back."""
        client, host, conditions = self._route(endpoint, source)
        await trio.sleep(2 * conditions.latency_s)
        if conditions.reach is Reach.BLACKHOLE:
            await trio.sleep(SYN_GIVE_UP_S)
            raise _failed(endpoint, errno.ETIMEDOUT)
        if host is None or conditions.reach is Reach.UNREACHABLE:
            raise _failed(endpoint, errno.EHOSTUNREACH)
        while True:
            listener = host.listener_at(endpoint)
            if listener is None or conditions.reach is Reach.REFUSED:
                raise _failed(endpoint, errno.ECONNREFUSED)
            if listener.has_room:
                link = self._network.join(client, endpoint, conditions, hosts=(self, host))
                listener.offer(link.server)
                return link.client
            await trio.sleep(SYN_RETRY_S)

    async def listen(self, endpoint: Endpoint) -> SimulatedListener:
        """Listen on an address of this host, or on all of them."""
        await trio.lowlevel.checkpoint()
        if isinstance(endpoint, TcpEndpoint):
            if endpoint.port == 0:
                endpoint = TcpEndpoint(endpoint.host, self._ephemeral_port())
            if not (endpoint.is_loopback or endpoint.is_wildcard or endpoint.host in self.addresses):
                raise ListenFailed(endpoint, os.strerror(errno.EADDRNOTAVAIL))
        if endpoint in self._listeners:
            raise ListenFailed(endpoint, "it is taken by another program", taken=True)
        listener = self._listeners[endpoint] = SimulatedListener(endpoint, self._listeners)
        return listener

    def listener_at(self, endpoint: Endpoint) -> SimulatedListener | None:
        """Return what listens at this endpoint, if necessary at all addresses of its family."""
        exact = self._listeners.get(endpoint)
        if exact is not None or isinstance(endpoint, UnixEndpoint):
            return exact
        wildcards = (place for place in self._listeners if isinstance(place, TcpEndpoint) and place.is_wildcard)
        wanted = (endpoint.port, endpoint.is_ipv6)
        return next((self._listeners[place] for place in wildcards if (place.port, place.is_ipv6) == wanted), None)

    def crash(self) -> None:
        """Let every program on this host die: listeners vanish, and the system resets what they had open."""
        for listener in tuple(self._listeners.values()):
            listener.close()
        for link in self._network.links:
            if self in link.hosts:
                link.reset()

    def _route(self, endpoint: Endpoint, source: str | None) -> tuple[Endpoint, VirtualHost | None, Conditions]:
        """Return our end, the host that has the far end, and the conditions between them."""
        if isinstance(endpoint, UnixEndpoint):
            return endpoint, self, Conditions()
        if endpoint.is_loopback:
            return TcpEndpoint(source or endpoint.host, self._ephemeral_port()), self, Conditions()
        if source is None:
            source = next((address for address in self.addresses if (":" in address) == endpoint.is_ipv6), None)
            if source is None:
                raise _failed(endpoint, errno.ENETUNREACH)
        elif source not in self.addresses:
            raise LocalNetworkFault(f"cannot connect from {source}: {os.strerror(errno.EADDRNOTAVAIL)}")
        client = TcpEndpoint(source, self._ephemeral_port())
        conditions = self._network.between(source=source, target=endpoint.host)
        return client, self._network.host_at(endpoint.host), conditions

    def _ephemeral_port(self) -> int:
        self._dialled += 1
        return FIRST_EPHEMERAL_PORT + self._dialled % PORTS


@define(eq=False)
class SimulatedListener(Listener):
    """A queue of connections that wait to be accepted."""

    endpoint: Endpoint
    _registered: dict[Endpoint, SimulatedListener] = field(repr=False)
    pauses: int = field(init=False, default=0)
    _queue: deque[SimulatedConnection] = field(init=False, factory=deque, repr=False)
    _acceptor: Waiter = field(init=False, factory=Waiter, repr=False)

    @property
    def has_room(self) -> bool:
        """Tell whether one more connection may wait."""
        return len(self._queue) < BACKLOG

    def offer(self, connection: SimulatedConnection) -> None:
        """Put a connection into the queue."""
        self._queue.append(connection)
        self._acceptor.wake()

    @override
    async def accept(self) -> SimulatedConnection:
        """Return the next connection."""
        await trio.lowlevel.checkpoint()
        while not self._queue:
            self._check_open()
            await self._acceptor.wait(math.inf)
        self._check_open()
        return self._queue.popleft()

    def close(self) -> None:
        """Stop listening. Those who wait in the queue are reset."""
        if self._registered.pop(self.endpoint, None) is not None:
            for connection in self._queue:
                connection.link.reset()
            self._acceptor.wake()

    @override
    async def aclose(self) -> None:
        """Stop listening."""
        self.close()
        await trio.lowlevel.checkpoint()

    def _check_open(self) -> None:
        if self._registered.get(self.endpoint) is not self:
            raise trio.ClosedResourceError("this listener was closed")


def _failed(endpoint: Endpoint, code: int) -> ConnectFailed:
    return ConnectFailed(endpoint, os.strerror(code))
