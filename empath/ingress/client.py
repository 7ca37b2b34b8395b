"""The other end of a session, as far as it is known at this moment."""

from __future__ import annotations

from attrs import define

from empath.policy.reception.logins import login_name
from empath.policy.reception.openness import IPNetwork
from empath.policy.reception.prefix import client_address
from empath.smtp import Introduction
from empath.world.encrypted import TlsSummary
from empath.world.endpoint import Endpoint, TcpEndpoint


@define(eq=False, kw_only=True)
class Client:
    """One for each session, changed in place as more is learned, so that all who hold it know the same.

    What the client says of itself, in HELO or EHLO, is with the machine and is never a reason to trust it.
    """

    ip: str
    """As text, without brackets; empty if the client has no address, or a proxy does not say which."""
    tls: TlsSummary | None = None
    """What the connection is encrypted with; None: it is not."""
    login: str | None = None
    """Who it has proved to be (RFC 4954); None: nobody."""
    introduction: Introduction | None = None
    """What it has said of another client, for which it speaks since then (XCLIENT); None: nothing."""

    @property
    def said_hello(self) -> str | None:
        """What it called itself, by the word of who speaks for it; None: that is with the machine."""
        return self.introduction.hello if self.introduction else None

    def comes_from(self, networks: tuple[IPNetwork, ...]) -> bool:
        """Whether its address is in one of the networks."""
        ip = client_address(self.ip) if networks else None
        return ip is not None and any(ip in network for network in networks)

    def introduce(self, introduction: Introduction) -> None:
        """From now on it is another one."""
        self.introduction = introduction
        self.ip = introduction.ip or ""
        self.login = None if introduction.login is None else login_name(introduction.login)

    @classmethod
    def at(cls, remote: Endpoint) -> Client:
        """The client of a connection that has just come."""
        return cls(ip=remote.host if isinstance(remote, TcpEndpoint) else "")
