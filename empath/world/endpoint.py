"""Where a connection goes to or comes from: an IP address with a port, or the path of a Unix socket.

Names never appear here. Whoever connects has resolved the name before, through the `Resolver` port, and so knows
which address was refused, and has decided whether it may be dialled at all.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, TypeAlias

from attrs import field, frozen

if TYPE_CHECKING:
    from attrs import Attribute

MAX_PORT = 65535


def _is_ip_address(instance: TcpEndpoint, attribute: Attribute[str], value: str) -> None:
    ipaddress.ip_address(value)


def _is_port(instance: TcpEndpoint, attribute: Attribute[int], value: int) -> None:
    if not 0 <= value <= MAX_PORT:
        raise ValueError(f"{value} is not a port: it must lie between 0 and {MAX_PORT}")


@frozen
class TcpEndpoint:
    """An IP address in its text form, and a port. Raises `ValueError` for a host name.

    Port 0 is for listening only: the system then picks one.
    """

    host: str = field(validator=_is_ip_address)
    port: int = field(validator=_is_port)

    @property
    def is_ipv6(self) -> bool:
        """Tell whether the address is one of IP version 6."""
        return ":" in self.host

    @property
    def is_loopback(self) -> bool:
        """Tell whether the address never leaves this machine."""
        return ipaddress.ip_address(self.host).is_loopback

    @property
    def is_wildcard(self) -> bool:
        """Tell whether this means all addresses of the machine, which only a listener can."""
        return ipaddress.ip_address(self.host).is_unspecified

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if self.is_ipv6 else f"{self.host}:{self.port}"


@frozen
class UnixEndpoint:
    """The path of a Unix socket. A client has none of its own and is shown under the path that it connected to."""

    path: str
    mode: int = field(default=0o600, eq=False, kw_only=True)
    """Who may connect, for listening only: the permissions of the path."""

    def __str__(self) -> str:
        return f"unix:{self.path}"


Endpoint: TypeAlias = TcpEndpoint | UnixEndpoint


@frozen(kw_only=True)
class PeerCredentials:
    """Whose process is at the other end of a Unix socket, as the kernel says it (unix(7))."""

    pid: int
    user: int
    groups: frozenset[int]
    """Its own group and all others that it is in."""


def parse_tcp_endpoint(text: str, *, default_port: int) -> TcpEndpoint:
    """Read ``"192.0.2.1"``, ``"192.0.2.1:53"``, ``"2001:db8::1"`` or ``"[2001:db8::1]:53"``.

    Raises `ValueError`, with a text for the operator, for anything else.
    """
    host, port = text, str(default_port)
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise ValueError(f"{text!r} has a bracket that is not closed, or text behind it; write [2001:db8::1]:53")
        port = rest[1:] if rest else port
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    if not (port.isascii() and port.isdigit()):
        raise ValueError(f"{text!r} has no number for a port")
    try:
        return TcpEndpoint(host, int(port))
    except ValueError as error:
        raise ValueError(f"{text!r} is not an IP address with or without a port: {error}") from None
