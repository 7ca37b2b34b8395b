"""The seven ports: all that Empath asks of the world outside, and the value that carries them.

The real side stands beside this module, the simulated one in `empath.sim`; ``tests/contracts`` holds one suite for
each port, which both sides pass. Sleeping and deadlines are no port: they are Trio's, in both worlds. TLS is none
either: `empath.world.tls` wraps whatever stream a network gives.
"""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Protocol, TypeVar

import trio
from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import PurePath
    from random import Random
    from types import TracebackType
    from typing import Self

    from empath.world.answers import Answer, MxRecord, TlsaRecord
    from empath.world.dns_watch import DnsWatch
    from empath.world.endpoint import Endpoint, PeerCredentials

T = TypeVar("T")


class Clock(Protocol):
    """The wall clock. It may step, in either direction: whoever subtracts two readings must expect that."""

    def now(self) -> float:
        """Return the seconds since 1970-01-01 UTC."""


class Entropy(Protocol):
    """Chance. ``rng`` is for jitter and for order among equals, never for what must not be guessed."""

    @property
    def rng(self) -> Random:
        """The one generator of this world."""

    def token(self, size_bytes: int) -> bytes:
        """Return so many bytes that nobody can guess."""


class Connection(trio.abc.HalfCloseableStream):
    """A stream with two ends. It keeps the promises of Trio's stream interface, and raises `ConnectionLost` where Trio
    says `trio.BrokenResourceError`.

    How often a call yields to other tasks when it need not wait is the implementation's business.
    """

    local: Endpoint
    remote: Endpoint

    @abc.abstractmethod
    def close(self) -> None:
        """Close at once. Never waits and never fails; closing twice is nothing."""

    @abc.abstractmethod
    def has_news(self) -> bool:
        """Whether there is something to receive now: octets, the end, or an error. Takes nothing away, never waits."""

    def credentials(self) -> PeerCredentials | None:
        """Whose process is at the other end, if the system knows, which it does for a Unix socket only."""
        return None


class Listener(trio.abc.Listener[Connection]):
    """Accepts connections. ``accept`` never fails because of a client or of a shortage: when descriptors or memory run
    out it pauses, counts that in ``pauses``, and goes on (the connections that stand are not touched).
    """

    endpoint: Endpoint
    """Where it really listens: port 0 has become the port that the system picked."""
    pauses: int


class Network(Protocol):
    """Connections. Time limits are the caller's: both calls can be cancelled, and leave nothing behind then."""

    async def connect(self, endpoint: Endpoint, *, source: str | None = None) -> Connection:
        """Connect, from the IP address ``source`` if it is given.

        Raises `ConnectFailed`, or `LocalNetworkFault` when the far end is not to blame.
        """

    async def listen(self, endpoint: Endpoint) -> Listener:
        """Listen. A Unix socket is open to those whom its ``mode`` names. Raises `ListenFailed`."""


class Resolver(Protocol):
    """DNS. Names are given as A-labels, with or without the dot at the end.

    Every question can raise `NoSuchDomain`, `NoData` and `DnsTemporary`. There is one overall time limit in it.
    """

    @property
    def watch(self) -> DnsWatch:
        """Who hears of lookups, and how many there were."""

    async def mx(self, domain: str) -> Answer[MxRecord]:
        """Return the mail exchangers, in the order of the answer: sorting is policy (RFC 5321 5.1)."""

    async def a(self, host: str) -> Answer[str]:
        """Return the IPv4 addresses."""

    async def aaaa(self, host: str) -> Answer[str]:
        """Return the IPv6 addresses."""

    async def addresses(self, host: str) -> Answer[str]:
        """Return all IP addresses, those of version 4 first. ``security`` is the weaker of both questions.

        If one of the two families cannot be resolved now, the other one alone is the answer, with its own security; if
        that has none either, it is `DnsTemporary`.
        """

    async def txt(self, name: str) -> Answer[bytes]:
        """Return the text records, the strings of each joined without space (RFC 7208 3.3, RFC 8461 3.1)."""

    async def tlsa(self, host: str, *, port: int) -> Answer[TlsaRecord]:
        """Return the TLSA records of a TCP service (RFC 6698 3). Ask for the security before using them."""


DISCARD_S = 30.0
"""How long removing an unfinished file may hold up a task that was cancelled."""


class DurableFile(abc.ABC):
    """A file that comes into being as a whole or not at all. Made by `Disk.create`, used as a context manager.

    Leaving the context without ``commit`` throws away what was written. After an error nothing of it is kept either:
    an fsync that failed once is not asked again, since the second answer may lie (the pages are marked clean).
    """

    @abc.abstractmethod
    async def write(self, data: bytes) -> None:
        """Append. Small pieces are gathered, so that a piece does not cost a thread hop. Raises `DiskError`."""

    @abc.abstractmethod
    async def commit(self) -> int:
        """Make the file durable under its name and return its size in bytes. Raises `DiskError`.

        Content, name and directory are on the disk when this returns. It is not interrupted by cancellation.
        """

    @abc.abstractmethod
    async def discard(self) -> None:
        """Remove what was written, unless it is committed. Never fails: what is left over is a file for the sweep."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with trio.move_on_after(DISCARD_S, shield=True):
            await self.discard()


class ReadableFile(trio.abc.AsyncResource):
    """A file that is open for reading from its start. Made by `Disk.open`."""

    size_bytes: int

    @abc.abstractmethod
    async def read(self, size_bytes: int) -> bytes:
        """Return the next bytes, at most so many; none at the end. Raises `DiskError`."""

    @abc.abstractmethod
    def seek(self, offset: int) -> None:
        """Let the next read begin so many bytes from the start. Behind the end there is nothing."""


class DiskLock(Protocol):
    """An exclusive lock that is held. It ends with ``release``, and with the process, however that ends."""

    async def release(self) -> None:
        """Let go. Releasing twice is nothing."""


class Disk(Protocol):
    """Files that survive a loss of power. Every call can raise `DiskError`."""

    async def create(self, path: PurePath) -> DurableFile:
        """Begin a file. Until it is committed it has another name, which ends in `TEMPORARY_SUFFIX`."""

    async def write(self, path: PurePath, chunks: Iterable[bytes]) -> int:
        """Write what is in memory already as a durable file, in one thread hop, and return its size in bytes."""

    async def append(self, path: PurePath, chunks: Iterable[bytes]) -> None:
        """Write to the end of a file, which is made if it is missing, in one thread hop. For logs: nothing is synced.

        The chunks are made in that thread. After an error a part may stand in the file.
        """

    async def open(self, path: PurePath) -> ReadableFile:
        """Open a file for reading. Raises `FileMissing`."""

    async def size_bytes(self, path: PurePath) -> int:
        """Return the size of a file. Raises `FileMissing`."""

    async def unlink(self, path: PurePath) -> None:
        """Remove a file. A loss of power soon after may bring it back. Raises `FileMissing`."""

    async def list(self, directory: PurePath) -> tuple[str, ...]:
        """Return the names in a directory, sorted; temporary ones too. Raises `FileMissing`."""

    async def make_directory(self, path: PurePath) -> None:
        """Make a directory, and those above it, durably, for our user only. One that exists is left as it is."""

    async def free_bytes(self, path: PurePath) -> int:
        """Return the room that is left for us on the file system of this directory."""

    async def check_permission(self, directory: PurePath) -> None:
        """See whether our user may add files to a directory and remove them. Raises `FileMissing`, `DiskFailed`."""

    async def lock(self, path: PurePath, *, holder: str) -> DiskLock:
        """Take an exclusive lock and write into its file who holds it. Raises `LockHeld` at once if it is taken."""


TEMPORARY_SUFFIX = ".tmp"
"""A file with such a name was being written. After a crash it is rubbish."""


class Offload(Protocol):
    """Work that blocks, done where it does not hold up the event loop."""

    async def run(self, function: Callable[[], T]) -> T:
        """Call the function and return its result or raise its exception.

        It runs to its end even if the caller is cancelled, and the caller waits for that: a write is never abandoned.
        """

    def own(self, name: str, *, threads: int) -> Offload:
        """Return an offload with its own limit, so that one use cannot starve another. One thread keeps the order."""


@frozen(kw_only=True)
class FetchLimits:
    """How long a fetch may take in all, in seconds, and how many bytes of body it may bring.

    The defaults are what RFC 8461 3.3 suggests for a policy.
    """

    timeout_s: float = 60.0
    size_bytes: int = 64 * 1024


@frozen
class FetchResponse:
    """What a server answered: the status, whatever it is, headers under names in lower case, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Fetch(Protocol):
    """HTTP, for the few things that need it. Redirects are never followed, proxies of the environment never used.

    URLs are https; plain http is for loopback addresses only. Raises `FetchFailed` and `FetchTooLarge`.
    """

    async def get(self, url: str, limits: FetchLimits) -> FetchResponse:
        """Fetch a document."""

    async def post(
        self, url: str, body: bytes, limits: FetchLimits, *, headers: Mapping[str, str] | None = None
    ) -> FetchResponse:
        """Send a body and return the answer."""


@frozen(kw_only=True)
class World:
    """All seven, handed down from the top of the program. Nothing else in Empath knows which side they are of."""

    clock: Clock
    entropy: Entropy
    network: Network
    resolver: Resolver
    disk: Disk
    offload: Offload
    fetch: Fetch
