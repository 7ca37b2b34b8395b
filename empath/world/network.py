"""The network of this machine: raw sockets, opened by IP address or path.

No host name is looked up here and no second address is tried: which addresses a site has, in which order and how many
of them are dialled is decided in `empath.delivery`, which must know what became of each.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

import trio
from attrs import define, field, frozen
from typing_extensions import override

from empath.world.endpoint import Endpoint, TcpEndpoint, UnixEndpoint
from empath.world.errors import ConnectFailed, ListenFailed, LocalNetworkFault
from empath.world.holder import holder_of
from empath.world.ports import Listener
from empath.world.streams import BURST, SocketConnection, Turns

if TYPE_CHECKING:
    from empath.world.ports import Connection

BACKLOG = 1024
"""Connections that wait for ``accept``. The system may hold it lower (``net.core.somaxconn``)."""

ACCEPT_PAUSE_S = 0.1
"""How long accepting rests when descriptors or memory are short. Sessions that end make room meanwhile."""

SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

OUR_FAULT = SHORTAGES | {errno.EACCES, errno.EPERM, errno.EAGAIN}
"""Errors of socket and connect that have nothing to do with the far end: shortages, and rules of our own machine."""

PASSING = frozenset(
    {
        errno.ECONNABORTED,
        *(errno.ENETDOWN, errno.EPROTO, errno.ENOPROTOOPT, errno.EHOSTDOWN, errno.ENONET),
        *(errno.EHOSTUNREACH, errno.EOPNOTSUPP, errno.ENETUNREACH, errno.EPERM),
    }
)
"""What accept(2) reports about one connection that died in the queue. The next one may be fine."""

OWNER_ONLY = 0o600


@frozen
class SystemNetwork:
    """The real network. ``burst``: see `empath.world.streams`."""

    burst: int = BURST

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
        """Listen on one address. An IPv6 one never takes IPv4 clients along; list both to have both."""
        sock = _open_socket(endpoint)
        try:
            if isinstance(endpoint, UnixEndpoint):
                _bind_path(sock, endpoint)
            else:
                _bind_port(sock, endpoint)
            sock.listen(BACKLOG)
        except OSError as error:
            sock.close()
            raise _listen_failed(endpoint, error) from error
        await trio.lowlevel.checkpoint()
        return SocketListener(sock, endpoint=_local(sock, endpoint), burst=self.burst)

    def _wrap(self, sock: socket.socket, *, remote: Endpoint) -> SocketConnection:
        return SocketConnection(sock, local=_local(sock, remote), remote=remote, turns=Turns(self.burst))


@define(eq=False)
class SocketListener(Listener):
    """A socket that accepts. It owns the socket, and a Unix socket's path, which closing removes."""

    _socket: socket.socket
    endpoint: Endpoint = field(kw_only=True)
    burst: int = field(kw_only=True)
    pauses: int = field(init=False, default=0)
    _turns: Turns = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._turns = Turns(self.burst)

    @override
    async def accept(self) -> Connection:
        """Return the next connection."""
        await self._turns.take()
        while True:
            try:
                sock, address = self._socket.accept()
            except OSError as error:
                failure = error
            else:
                return self._wrap(sock, address)
            await self._get_over(failure)

    async def _get_over(self, failure: OSError) -> None:
        if isinstance(failure, BlockingIOError):
            await trio.lowlevel.wait_readable(self._socket)
            self._turns.renew()
        elif failure.errno in SHORTAGES:
            self.pauses += 1
            await trio.sleep(ACCEPT_PAUSE_S)
        elif failure.errno in PASSING:
            await trio.lowlevel.checkpoint()
        elif failure.errno == errno.EBADF:
            raise trio.ClosedResourceError("this listener was closed")
        else:
            raise ListenFailed(self.endpoint, _text(failure)) from failure

    def _wrap(self, sock: socket.socket, address: tuple[str, int]) -> SocketConnection:
        sock.setblocking(False)
        remote: Endpoint = self.endpoint
        if isinstance(self.endpoint, TcpEndpoint):
            remote = TcpEndpoint(address[0], address[1])
            # The client may be gone already; the first call on the connection will tell.
            with suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        return SocketConnection(sock, local=_local(sock, self.endpoint), remote=remote, turns=Turns(self.burst))

    @override
    async def aclose(self) -> None:
        """Stop listening. Connections that were accepted live on."""
        if self._socket.fileno() != -1:
            trio.lowlevel.notify_closing(self._socket)
            if isinstance(self.endpoint, UnixEndpoint):
                with suppress(OSError):
                    os.unlink(self.endpoint.path)
            self._socket.close()
        await trio.lowlevel.checkpoint()


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
        raise LocalNetworkFault(f"cannot connect from {source}: {_text(error)}") from error


async def _establish(sock: socket.socket, endpoint: Endpoint) -> None:
    try:
        code = sock.connect_ex(_address(endpoint))
    except OSError as error:  # a path that is too long for an address
        raise ConnectFailed(endpoint, _text(error)) from error
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
        return LocalNetworkFault(f"cannot connect to {endpoint}: {_text(error)}")
    return ConnectFailed(endpoint, _text(error))


def _bind_port(sock: socket.socket, endpoint: TcpEndpoint) -> None:
    # Else a restart would have to wait until the last connections of its predecessor have timed out.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, True)
    if endpoint.is_ipv6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, True)
    sock.bind((endpoint.host, endpoint.port))


def _bind_path(sock: socket.socket, endpoint: UnixEndpoint) -> None:
    """Bind to a path, in place of a socket that a dead process has left there, but of nothing else."""
    with suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.stat(endpoint.path).st_mode) and _is_dead(endpoint.path):
            os.unlink(endpoint.path)
    sock.bind(endpoint.path)
    # Nobody can slip in before this: until listen() every connection is refused.
    os.chmod(endpoint.path, OWNER_ONLY)


def _is_dead(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        return probe.connect_ex(path) == errno.ECONNREFUSED


def _listen_failed(endpoint: Endpoint, error: OSError) -> ListenFailed:
    if error.errno != errno.EADDRINUSE:
        return ListenFailed(endpoint, _text(error))
    holder = holder_of(endpoint)
    return ListenFailed(endpoint, f"it is taken by {holder or 'another program'}", taken=True)


def _text(error: OSError) -> str:
    return error.strerror or str(error)
