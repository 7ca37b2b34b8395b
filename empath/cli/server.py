"""Which server a command hands its message to: one that is named, or the configured listener."""

import os
import socket
from typing import Final

import click
import trio
from attrs import frozen

from empath.cli.complaint import Code, Complaint
from empath.config.schema import ListenerTls, SmtpSettings
from empath.config.units import UnitError, parse_host
from empath.smtp import Domain
from empath.world import TcpEndpoint

SMTP_PORT: Final = 25


@frozen
class Server:
    """A server by name or IP address."""

    host: str
    port: int
    implicit_tls: bool = False
    """Whether TLS is spoken from the first octet (RFC 8314)."""
    configured: bool = False
    """Whether it is our own listener, and not one that somebody named."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    async def endpoints(self) -> tuple[TcpEndpoint, ...]:
        """Return where it can be reached, in the order that the system prefers. Raises `Complaint`.

        This is the system's own lookup, which knows ``/etc/hosts``: a person has typed the name.
        """
        try:
            found = await trio.socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise Complaint(
                Code.UNREACHABLE,
                f"cannot find the host {self.host}: {error.strerror}",
                why="neither DNS nor /etc/hosts has an address for the name",
                remedy="check the spelling, or give an IP address",
                status=os.EX_UNAVAILABLE,
            ) from error
        return tuple(TcpEndpoint(str(address[0]), self.port) for *_, address in found)


def named_server(text: str) -> Server:
    """Read ``HOST`` or ``HOST:PORT`` from a command line; an IPv6 address with a port stands in brackets."""
    try:
        named = parse_host(text)
    except UnitError as error:
        raise click.BadParameter(f"{error}; write HOST, HOST:PORT or [IPv6]:PORT") from error
    host = named.host.ascii if isinstance(named.host, Domain) else str(named.host)
    return Server(host, named.port or SMTP_PORT)


server_option: Final = click.option(
    "--server",
    "named",
    type=named_server,
    metavar="HOST[:PORT]",
    help=f"Send to this server (port {SMTP_PORT}) instead of the configured listener.",
)


def own_listener(settings: SmtpSettings) -> Server:
    """Return the listener that is best for a client on this machine: the first, but if possible one in clear.

    Raises `Complaint` if the configuration does not tell its port.
    """
    usable = [listener for listener in settings.listeners if listener.listen_addr.port]
    if not usable:
        raise Complaint(
            Code.NO_SERVER,
            "the configuration names no port to send to",
            why="all its listeners leave the choice of a port to the system, or there are none",
            remedy="name the server: --server HOST:PORT",
            status=os.EX_CONFIG,
        )
    listener = min(usable, key=lambda each: each.tls is ListenerTls.IMPLICIT)
    address = listener.listen_addr
    host = address.host
    if address.is_wildcard:
        host = "::1" if address.is_ipv6 else "127.0.0.1"
    return Server(host, address.port, listener.tls is ListenerTls.IMPLICIT, configured=True)
