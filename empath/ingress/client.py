"""The other end of a session, as far as it is known at this moment."""

from __future__ import annotations

from attrs import define

from empath.world.endpoint import Endpoint, TcpEndpoint
from empath.world.tls import TlsSummary


@define(eq=False, kw_only=True)
class Client:
    """One for each session, changed in place as more is learned, so that all who hold it know the same.

    What the client says of itself, in HELO or EHLO, is with the machine and is never a reason to trust it.
    """

    ip: str
    """As text, without brackets; empty if the connection has no address."""
    tls: TlsSummary | None = None
    """What the connection is encrypted with; None: it is not."""
    login: str | None = None
    """Who it has proved to be (RFC 4954); None: nobody."""

    @classmethod
    def at(cls, remote: Endpoint) -> Client:
        """The client of a connection that has just come."""
        return cls(ip=remote.host if isinstance(remote, TcpEndpoint) else "")
