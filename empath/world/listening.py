"""Sockets that listen: how they come about, and how they accept."""

from __future__ import annotations

import errno
import os
import socket
import stat
from contextlib import suppress
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

import trio
from attrs import define, field
from typing_extensions import override

from empath.world.endpoint import Endpoint, TcpEndpoint, UnixEndpoint
from empath.world.errors import ListenFailed
from empath.world.holder import holder_of
from empath.world.ports import Listener
from empath.world.streams import SocketConnection, Turns

if TYPE_CHECKING:
    from empath.world.ports import Connection

BACKLOG = 1024
"""Connections that wait for ``accept``. The system may hold it lower (``net.core.somaxconn``)."""

ACCEPT_PAUSE_S = 0.1
"""How long accepting rests when descriptors or memory are short. Sessions that end make room meanwhile."""

SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

PASSING = frozenset(
    {
        errno.ECONNABORTED,
        *(errno.ENETDOWN, errno.EPROTO, errno.ENOPROTOOPT, errno.EHOSTDOWN, errno.ENONET),
        *(errno.EHOSTUNREACH, errno.EOPNOTSUPP, errno.ENETUNREACH, errno.EPERM),
    }
)
"""What accept(2) reports about one connection that died in the queue. The next one may be fine."""


def bind(endpoint: Endpoint) -> socket.socket:
    """Listen on one address. An IPv6 one never takes IPv4 clients along. Raises `ListenFailed`."""
    sock: socket.socket | None = None
    try:
        if isinstance(endpoint, UnixEndpoint):
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            _bind_path(sock, endpoint)
        else:
            sock = socket.socket(socket.AF_INET6 if endpoint.is_ipv6 else socket.AF_INET, socket.SOCK_STREAM)
            _bind_port(sock, endpoint)
        sock.listen(BACKLOG)
    except OSError as error:
        if sock is not None:
            sock.close()
        raise _listen_failed(endpoint, error) from error
    sock.setblocking(False)
    return sock


def endpoint_of(sock: socket.socket) -> Endpoint:
    """Return our end of a socket."""
    name = sock.getsockname()
    return (
        UnixEndpoint(os.fsdecode(name)) if sock.family == socket.AF_UNIX else TcpEndpoint(_unmapped(name[0]), name[1])
    )


@define(eq=False)
class SocketListener(Listener):
    """A socket that accepts. It owns the socket and, if it is not ``borrowed``, the path of a Unix socket.

    ``borrowed``: somebody else has bound it, and will hand it to our successor.
    """

    _socket: socket.socket
    endpoint: Endpoint = field(kw_only=True)
    burst: int = field(kw_only=True)
    borrowed: bool = field(kw_only=True, default=False)
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
            raise ListenFailed(self.endpoint, reason_of(failure)) from failure

    def _wrap(self, sock: socket.socket, address: tuple[str, int]) -> SocketConnection:
        sock.setblocking(False)
        remote: Endpoint = self.endpoint
        if isinstance(self.endpoint, TcpEndpoint):
            remote = TcpEndpoint(_unmapped(address[0]), address[1])
            # The client may be gone already; the first call on the connection will tell.
            with suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        local = endpoint_of(sock) if isinstance(remote, TcpEndpoint) else remote
        return SocketConnection(sock, local=local, remote=remote, turns=Turns(self.burst))

    @override
    async def aclose(self) -> None:
        """Stop listening. Connections that were accepted live on."""
        if self._socket.fileno() != -1:
            trio.lowlevel.notify_closing(self._socket)
            if isinstance(self.endpoint, UnixEndpoint) and not self.borrowed:
                with suppress(OSError):
                    os.unlink(self.endpoint.path)
            self._socket.close()
        await trio.lowlevel.checkpoint()


def _unmapped(host: str) -> str:
    """An IPv4 client on a socket for both families is an IPv4 client: networks and limits are meant for that."""
    if not host.startswith("::ffff:"):
        return host
    ip = ip_address(host)
    return str(ip.ipv4_mapped) if isinstance(ip, IPv6Address) and ip.ipv4_mapped else host


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
    os.chmod(endpoint.path, endpoint.mode)


def _is_dead(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        return probe.connect_ex(path) == errno.ECONNREFUSED


def _listen_failed(endpoint: Endpoint, error: OSError) -> ListenFailed:
    if error.errno != errno.EADDRINUSE:
        return ListenFailed(endpoint, reason_of(error))
    holder = holder_of(endpoint)
    return ListenFailed(endpoint, f"it is taken by {holder or 'another program'}", taken=True)


def reason_of(error: OSError) -> str:
    """Return the operating system's text for an error."""
    return error.strerror or str(error)
