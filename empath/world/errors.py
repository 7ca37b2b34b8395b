"""What can go wrong at the doors.

::

    WorldError
    |- NetworkError
    |  |- ConnectFailed        no connection came about, and the far end or the way there is the reason
    |  |- ConnectionLost       a connection broke; also a `trio.BrokenResourceError`
    |  |- TlsFailed            the handshake failed; the stream is of no further use
    |  |- ListenFailed         the address cannot be listened on
    |  `- LocalNetworkFault    we could not even try: no descriptor, no memory, not our source address
    |- CertificateUnusable     a certificate, key or CA file of ours cannot be loaded
    |- SocketUnusable          what the service manager passed is no socket that listens
    |- PrivilegesKept          the process cannot become the user that it should be
    |- DnsError
    |  |- NoSuchDomain         NXDOMAIN: the name does not exist
    |  |- NoData               the name exists and has no record of this type
    |  `- DnsTemporary         nobody can tell: SERVFAIL, REFUSED, time-out, malformed answer
    |- DiskError
    |  |- DiskFull             ENOSPC, EDQUOT
    |  |- FileMissing          ENOENT
    |  |- LockHeld             another process holds the lock; says which
    |  `- DiskFailed           everything else, EIO first of all
    `- FetchFailed             no answer over HTTP
       `- FetchTooLarge        an answer beyond the limit

Foreign exceptions (`OSError`, `ssl.SSLError`, those of dnspython and of the HTTP library) are mapped to these once, in
this package, and do not leave it. What is ours to answer for (`LocalNetworkFault`, `CertificateUnusable`, `DiskError`)
must never be charged to a remote site. `trio.ClosedResourceError` and `trio.BusyResourceError` stay as they are: they
tell of a bug in the caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
from attrs import define, field

from empath.world.answers import Security

if TYPE_CHECKING:
    from empath.world.endpoint import Endpoint


class WorldError(Exception):
    """Something outside this program did not do what it was asked to. Abstract: raised only as one of its kinds."""


class NetworkError(WorldError):
    """Something went wrong on a connection, or on the way to one."""


@define(eq=False)
class ConnectFailed(NetworkError):
    """Nobody answered at the endpoint, or somebody refused. ``reason`` is the operating system's text."""

    endpoint: Endpoint
    reason: str

    def __str__(self) -> str:
        return f"cannot connect to {self.endpoint}: {self.reason}"


class ConnectionLost(NetworkError, trio.BrokenResourceError):
    """The peer, or something in between, broke the connection. What was in flight may or may not have arrived."""


@define(eq=False)
class TlsFailed(NetworkError):
    """A TLS handshake failed. ``untrusted``: it failed because the peer's certificate did not pass our checks."""

    reason: str
    untrusted: bool = field(default=False, kw_only=True)

    def __str__(self) -> str:
        return f"TLS handshake failed: {self.reason}"


@define(eq=False)
class ListenFailed(NetworkError):
    """The endpoint cannot be listened on. ``taken``: because another socket listens there already."""

    endpoint: Endpoint
    reason: str
    taken: bool = field(default=False, kw_only=True)

    def __str__(self) -> str:
        return f"cannot listen on {self.endpoint}: {self.reason}"


class LocalNetworkFault(NetworkError):
    """This machine would not open a connection; the far end has nothing to do with it."""


class CertificateUnusable(WorldError):
    """A certificate, key or CA file cannot be loaded. The text names the file and says what is wrong with it."""


class SocketUnusable(WorldError):
    """The service manager passed something that is no socket to accept connections on."""


class PrivilegesKept(WorldError):
    """The process cannot become the user that it should, or would still be root somewhere."""


@define(eq=False)
class DnsError(WorldError):
    """A question to DNS had no answer that could be used.

    ``security`` tells whether that is authenticated: DANE must know a record that is securely absent from one that
    somebody may have removed (RFC 7672 2.1). ``ttl_s`` is for how many seconds the finding stays valid.
    """

    name: str
    reason: str
    security: Security = field(default=Security.INDETERMINATE, kw_only=True)
    ttl_s: float = field(default=0.0, kw_only=True)

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


class NoSuchDomain(DnsError):
    """The name does not exist (NXDOMAIN, RFC 2308 2.1), or is not one that DNS could hold."""


class NoData(DnsError):
    """The name exists and has no record of the type that was asked for (RFC 2308 2.2)."""


class DnsTemporary(DnsError):
    """The question could not be settled now. It says nothing about what exists: no conclusion may be drawn from it."""


@define(eq=False)
class DiskError(WorldError):
    """The disk did not do what it was asked to. ``doing`` says what that was, ``path`` to which file."""

    path: str
    doing: str
    reason: str

    def __str__(self) -> str:
        return f"cannot {self.doing} {self.path}: {self.reason}"


class DiskFull(DiskError):
    """No room, or a quota is used up. Nothing of the write in hand is kept."""


class DiskFailed(DiskError):
    """The disk or its file system failed, or refused for want of permission."""


class FileMissing(DiskError):
    """There is no such file."""


@define(eq=False)
class LockHeld(DiskError):
    """Somebody else holds the lock. ``holder`` is what they wrote about themselves."""

    holder: str


@define(eq=False)
class FetchFailed(WorldError):
    """No usable answer over HTTP. The error that caused it, if it is one of ours, is the ``__cause__``."""

    url: str
    reason: str

    def __str__(self) -> str:
        return f"cannot fetch {self.url}: {self.reason}"


class FetchTooLarge(FetchFailed):
    """The body is longer than the caller's limit. What came of it is thrown away."""
