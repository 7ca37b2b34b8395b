"""The network of this machine: raw sockets, opened by IP address or path.

No host name is looked up here and no second address is tried: which addresses a site has, in which order and how many
of them are dialled is decided in `empath.delivery`, which must know what became of each.
"""

from __future__ import annotations

import errno
import os
import socket

import trio
from attrs import field, frozen

from empath.world.endpoint import Endpoint, TcpEndpoint, UnixEndpoint
from empath.world.errors import ConnectFailed, LocalNetworkFault
from empath.world.listening import SHORTAGES, SocketListener, bind, endpoint_of, reason_of
from empath.world.prepared import Prepared
from empath.world.streams import BURST, SocketConnection, Turns

OUR_FAULT = SHORTAGES | {errno.EACCES, errno.EPERM, errno.EAGAIN}
"""Errors of socket and connect that have nothing to do with the far end: shortages, and rules of our own machine."""


@frozen
class SystemNetwork:
    """The real network. ``burst``: see `empath.world.streams`."""

    burst: int = BURST
    prepared: Prepared = field(factory=Prepared)
    """Sockets that listen already."""

    async def connect(self, endpoint: Endpoint, *, source: str | None = None) -> SocketConnection:
        """Connect to one address. TCP connections send without delay (no Nagle algorithm)."""
        sock = _open_socket(endpoint)
        try:
            if source is not None:
                _bind_source(sock, source)
            await _establish(sock, endpoint)
            return self._wrap(sock, remote=endpoint)
        except BaseException:
            sock.close()
            raise

    async def listen(self, endpoint: Endpoint) -> SocketListener:
        """Listen on one address, or take the socket that does so already.

        An IPv6 one that we open never takes IPv4 clients along; list both to have both.
        """
        await trio.lowlevel.checkpoint()
        prepared = self.prepared.take(endpoint)
        sock = prepared or bind(endpoint)
        return SocketListener(sock, endpoint=endpoint_of(sock), burst=self.burst, borrowed=prepared is not None)

    def _wrap(self, sock: socket.socket, *, remote: Endpoint) -> SocketConnection:
        return SocketConnection(sock, local=_local(sock, remote), remote=remote, turns=Turns(self.burst))


def _open_socket(endpoint: Endpoint) -> socket.socket:
    if isinstance(endpoint, UnixEndpoint):
        family = socket.AF_UNIX
    else:
        family = socket.AF_INET6 if endpoint.is_ipv6 else socket.AF_INET
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise _connect_failed(endpoint, error) from error
    sock.setblocking(False)
    if family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
    return sock


def _address(endpoint: Endpoint) -> str | tuple[str, int]:
    return endpoint.path if isinstance(endpoint, UnixEndpoint) else (endpoint.host, endpoint.port)


def _local(sock: socket.socket, like: Endpoint) -> Endpoint:
    """Return our own end of a socket of the same kind as ``like``."""
    if isinstance(like, UnixEndpoint):
        return like
    host, port = sock.getsockname()[:2]
    return TcpEndpoint(host, port)


def _bind_source(sock: socket.socket, source: str) -> None:
    # The port is then chosen when connecting, where it need only be unique together with the far end (ip(7)); without
    # this a busy source address runs out of ports.
    if hasattr(socket, "IP_BIND_ADDRESS_NO_PORT"):
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT, True)
    try:
        sock.bind((source, 0))
    except OSError as error:
        raise LocalNetworkFault(f"cannot connect from {source}: {reason_of(error)}") from error


async def _establish(sock: socket.socket, endpoint: Endpoint) -> None:
    try:
        code = sock.connect_ex(_address(endpoint))
    except OSError as error:  # a path that is too long for an address
        raise ConnectFailed(endpoint, reason_of(error)) from error
    if code == errno.EINPROGRESS:
        await trio.lowlevel.wait_writable(sock)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    else:
        await trio.lowlevel.checkpoint()
    if code:
        raise _connect_failed(endpoint, OSError(code, os.strerror(code)))


def _connect_failed(endpoint: Endpoint, error: OSError) -> ConnectFailed | LocalNetworkFault:
    # Without a free port connect(2) says EADDRNOTAVAIL. For IPv6 the usual reason is that this machine has none, and
    # then the next address of the host, an IPv4 one, must have its turn.
    ours = isinstance(endpoint, TcpEndpoint) and (
        error.errno in OUR_FAULT or (error.errno == errno.EADDRNOTAVAIL and not endpoint.is_ipv6)
    )
    if ours:
        return LocalNetworkFault(f"cannot connect to {endpoint}: {reason_of(error)}")
    return ConnectFailed(endpoint, reason_of(error))
