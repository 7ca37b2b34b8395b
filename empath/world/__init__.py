"""The doors: the only code of Empath that touches the operating system.

Everything that a mail server does to the world outside goes through seven ports (`empath.world.ports`): ``Clock``,
``Entropy``, ``Network``, ``Resolver``, ``Disk``, ``Offload``, ``Fetch``. They travel together as a ``World``, a plain
value that the top of the program hands down. `empath.world.system.open_world` makes the real one, `empath.sim` one in
memory; nobody below can tell which it is, and ``tests/contracts`` sees to that.

Why a package of its own: a program whose sockets, files and clocks are spread all over can only be tested on real ones,
in real time, with the faults that happen to occur. Here a retry schedule of five days runs in a second, and a disk
fills up at the call that the test has chosen.

Vocabulary:

- *endpoint*: an IP address with a port, or the path of a Unix socket. Never a name.
- *connection*: a stream with two endpoints. *listener*: what accepts connections.
- *answer*: records from DNS with the time they may be used and what is known of their authenticity.
- *durable*: there after a loss of power. Content, name and directory are synced before a call says so.
- *offload*: work that blocks, done in a thread; never abandoned half-way.

Errors of other libraries and of the system end here. They become `WorldError` and its kinds, which keep apart what the
far end did (``ConnectFailed``, ``ConnectionLost``, ``TlsFailed``, ``DnsError``) from what is ours to mend
(``LocalNetworkFault``, ``CertificateUnusable``, ``DiskError``): only the former may be held against a remote site.

Beside the ports stand some things that need no twin. TLS works over any stream: `empath.world.tls` has the contexts
(and `empath.world.sending_contexts` those that mail leaves with), `empath.world.certificates` what they show,
`empath.world.handshake` and `empath.world.encrypted` what comes of them, `empath.world.chain` what the peer has shown.
`empath.world.signals`, `empath.world.service`, `empath.world.privileges` and the sockets that listen before anybody
asks for them (`empath.world.prepared`) are used at the very top only. `empath.world.disk` is one implementation for
both worlds: the order of writes, syncs and renames is the thing to be tested, so only the system calls below it
(`empath.world.files`) are replaced.

Why not Trio's own sockets, files and threads: `empath.world.streams` and `empath.world.offload` say what that costs.
Why not a mock: a mock answers what the test expects, a simulated disk what a disk would.

RFC 5321 has little to say about all this; RFC 1035, 2308, 4033, 5452, 6698, 7672, 7766 and 9520 rule the resolver, RFC
3207, 7435 and 8996 the TLS contexts, RFC 8461 the limits of a fetch.
"""

from empath.world.answers import Answer, MxRecord, Security, TlsaRecord
from empath.world.endpoint import Endpoint, TcpEndpoint, UnixEndpoint, parse_tcp_endpoint
from empath.world.errors import (
    CertificateUnusable,
    ConnectFailed,
    ConnectionLost,
    DiskError,
    DiskFailed,
    DiskFull,
    DnsError,
    DnsTemporary,
    FetchFailed,
    FetchTooLarge,
    FileMissing,
    ListenFailed,
    LocalNetworkFault,
    LockHeld,
    NetworkError,
    NoData,
    NoSuchDomain,
    TlsFailed,
    WorldError,
)
from empath.world.ports import (
    TEMPORARY_SUFFIX,
    Clock,
    Connection,
    Disk,
    DiskLock,
    DurableFile,
    Entropy,
    Fetch,
    FetchLimits,
    FetchResponse,
    Listener,
    Network,
    Offload,
    ReadableFile,
    Resolver,
    World,
)

__all__ = [
    "TEMPORARY_SUFFIX",
    "Answer",
    "CertificateUnusable",
    "Clock",
    "ConnectFailed",
    "Connection",
    "ConnectionLost",
    "Disk",
    "DiskError",
    "DiskFailed",
    "DiskFull",
    "DiskLock",
    "DnsError",
    "DnsTemporary",
    "DurableFile",
    "Endpoint",
    "Entropy",
    "Fetch",
    "FetchFailed",
    "FetchLimits",
    "FetchResponse",
    "FetchTooLarge",
    "FileMissing",
    "ListenFailed",
    "Listener",
    "LocalNetworkFault",
    "LockHeld",
    "MxRecord",
    "Network",
    "NetworkError",
    "NoData",
    "NoSuchDomain",
    "Offload",
    "ReadableFile",
    "Resolver",
    "Security",
    "TcpEndpoint",
    "TlsFailed",
    "TlsaRecord",
    "UnixEndpoint",
    "World",
    "WorldError",
    "parse_tcp_endpoint",
]
