"""Sockets that listen before anybody asks for them: from the service manager, or bound while we were still root.

A service manager may open the sockets of a daemon itself and hand them to each start of it (sd_listen_fds(3)): low
ports then need no rights, and a restart refuses nobody, since clients wait in the queue of a socket that stays open.
Which socket is meant for whom is told by the address that it listens on, so configuration stays the one place where
that is said. The names that systemd has for sockets are for people: they appear in messages.

A daemon that starts as root and has a user to become does the same for itself, so there is one path for both.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from attrs import define, field

from empath.world.endpoint import Endpoint, TcpEndpoint, UnixEndpoint
from empath.world.errors import ListenFailed, SocketUnusable
from empath.world.listening import bind, endpoint_of, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping

FIRST_DESCRIPTOR: Final = 3
"""sd_listen_fds(3): behind standard input, output and error."""


@define(eq=False)
class Prepared:
    """Sockets that listen already, by where they do. Each is handed out once."""

    _sockets: dict[Endpoint, socket.socket] = field(factory=dict)

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Where those listen that have not been handed out."""
        return tuple(self._sockets)

    def bind(self, endpoints: Iterable[Endpoint]) -> None:
        """Listen on these as well. Raises `ListenFailed`; nothing then stays open."""
        try:
            for endpoint in endpoints:
                if plain(endpoint) not in self._sockets:
                    self.add(bind(endpoint))
        except ListenFailed:
            self.close()
            raise

    def add(self, sock: socket.socket) -> None:
        """Take over a socket that listens."""
        sock.setblocking(False)
        self._sockets[endpoint_of(sock)] = sock

    def take(self, endpoint: Endpoint) -> socket.socket | None:
        """Hand out the socket that listens there; None: none does."""
        return self._sockets.pop(plain(endpoint), None)

    def close(self) -> None:
        """Close what has not been handed out."""
        while self._sockets:
            self._sockets.popitem()[1].close()


def inherited(environ: MutableMapping[str, str], pid: int) -> Prepared:
    """Take over what the service manager has passed to the process ``pid``, which is ours; often nothing.

    The variables are removed, since they are not meant for the programs that we start. Raises `SocketUnusable`.
    """
    prepared = Prepared()
    meant_for, count = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
    names = environ.pop("LISTEN_FDNAMES", "").split(":")
    if meant_for != str(pid) or not (count.isascii() and count.isdigit()):
        return prepared
    for index in range(int(count)):
        name = names[index] if index < len(names) else "unknown"
        prepared.add(_adopted(FIRST_DESCRIPTOR + index, name))
    return prepared


def _adopted(descriptor: int, name: str) -> socket.socket:
    """The socket behind a descriptor, closed when another program is executed as all of ours are."""
    try:
        sock = socket.socket(fileno=descriptor)
        sock.set_inheritable(False)
        listens = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise SocketUnusable(f"descriptor {descriptor} ({name}) is no socket: {reason_of(error)}") from error
    if not listens or sock.type != socket.SOCK_STREAM or sock.family not in _FAMILIES:
        sock.close()
        raise SocketUnusable(f"descriptor {descriptor} ({name}) is no socket that listens for streams")
    return sock


_FAMILIES: Final = (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX)


def plain(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with its address as the system writes it."""
    if isinstance(endpoint, UnixEndpoint):
        return endpoint
    return TcpEndpoint(str(ip_address(endpoint.host)), endpoint.port)
