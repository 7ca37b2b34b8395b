"""A next hop of our own: takes all mail, and remembers what came, octet for octet."""

import socket
import time
from contextlib import suppress
from hashlib import sha256
from itertools import count
from threading import Condition, Event, Thread
from typing import Final, Self

from attrs import define, field, frozen

from empath.smtp import (
    NEED_DATA,
    BodyData,
    BodyEnd,
    Data,
    Ehlo,
    Extensions,
    Mail,
    Quit,
    Rcpt,
    Refused,
    Reply,
    ServerConnection,
    State,
)
from empath.smtp.server import Answerable

_OFFERS: Final = Extensions.of("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 100000000", "ENHANCEDSTATUSCODES")
_OK: Final = Reply(250, "OK", "2.0.0")
_IDLE_S: Final = 120.0


@frozen
class Arrived:
    """One message, as the next hop has it."""

    sender: str
    recipients: tuple[str, ...]
    digest: bytes
    """Of the content without the fields that the relays on its way have put on top."""
    content: bytes = field(repr=False)
    """Nothing, if the sink was told to keep none."""
    session: int
    """Which session of the sink it came over."""

    @property
    def without_trace(self) -> bytes:
        """The content without the one field that a relay puts on top of it."""
        return without_received(self.content)


def without_received(content: bytes) -> bytes:
    """Take the Received field away that stands on top."""
    first, _, rest = content.partition(b"\r\n")
    assert first.startswith(b"Received: "), first
    while rest[:1] in (b" ", b"\t"):
        rest = rest.partition(b"\r\n")[2]
    return rest


@define(eq=False)
class Sink:
    """Listens in threads until the context is left."""

    delay_s: float = 0.0
    """How long it thinks before it takes a message."""
    port: int = 0
    """Where it listens; 0: on any free port."""
    keep_content: bool = True
    relays: int = 1
    """How many relays a message passes before it comes here."""
    arrived: list[Arrived] = field(init=False, factory=list)
    """In the order of arrival."""
    reached: set[str] = field(init=False, factory=set)
    """Everybody who got at least one message."""
    parted: set[int] = field(init=False, factory=set)
    """Sessions that ended with QUIT."""
    has_content: Event = field(init=False, factory=Event)
    over: Event = field(init=False, factory=Event)
    _server: socket.socket = field(init=False)
    _sessions: dict[Thread, socket.socket] = field(init=False, factory=dict)
    _numbers: "count[int]" = field(init=False, factory=count)
    _news: Condition = field(init=False, factory=Condition)

    def __enter__(self) -> Self:
        self._server = socket.create_server(("127.0.0.1", self.port), backlog=128)
        acceptor = Thread(target=self._accept, args=(self._server,))
        acceptor.start()
        self._sessions[acceptor] = self._server
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread, connection in list(self._sessions.items()):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()
        self._server.close()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self._server.getsockname()[1]}"

    def wait(self, messages: int, timeout_s: float = 60.0) -> None:
        """Wait until so many messages have arrived, in all."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.arrived) >= messages, timeout_s), (
                f"{len(self.arrived)} of {messages} messages have arrived"
            )

    def wait_for_content(self, timeout_s: float = 60.0) -> None:
        """Wait until a message has come to its final dot, which is not answered yet."""
        assert self.has_content.wait(timeout_s), "no message has come"

    def wait_for_recipients(self, wanted: set[str], timeout_s: float = 60.0) -> None:
        """Wait until each of these was delivered to, or the time is over: what is missing then is for the test."""
        deadline = time.monotonic() + timeout_s
        with self._news:
            while not wanted <= self.reached and self._news.wait(deadline - time.monotonic()):
                pass

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                connection = server.accept()[0]
            except OSError:
                return
            thread = Thread(target=self._serve, args=(connection,))
            self._sessions[thread] = connection
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(_IDLE_S)
        with connection, suppress(OSError):
            _Session(self, connection, next(self._numbers)).run()

    def take(self, sender: str, recipients: list[str], content: bytes, session: int) -> None:
        """Remember a message that came as a whole."""
        original = content
        for _ in range(self.relays):
            original = without_received(original)
        kept = content if self.keep_content else b""
        message = Arrived(sender, tuple(recipients), sha256(original).digest(), kept, session)
        with self._news:
            self.arrived.append(message)
            self.reached.update(recipients)
            self._news.notify_all()


@define
class _Session:
    _sink: Sink
    _connection: socket.socket
    _number: int
    _machine: ServerConnection = field(init=False, factory=lambda: ServerConnection("sink.example", _OFFERS))
    _sender: str = field(init=False, default="")
    _recipients: list[str] = field(init=False, factory=list)
    _blocks: list[bytes] = field(init=False, factory=list)

    def run(self) -> None:
        self._connection.sendall(self._machine.send(Reply(220, "sink.example ESMTP")))
        while self._machine.state is not State.CLOSED:
            event = self._machine.next_event()
            if event is NEED_DATA:
                self._machine.receive_data(self._connection.recv(262_144))
            elif isinstance(event, BodyData):
                self._blocks.append(event.data)
            elif isinstance(event, Answerable):
                self._connection.sendall(self._machine.send(self._decide(event)))

    def _decide(self, event: Answerable) -> Reply:
        match event:
            case Ehlo():
                return self._machine.hello_reply()
            case Mail():
                self._sender, self._recipients, self._blocks = str(event.reverse_path or ""), [], []
            case Rcpt():
                self._recipients.append(str(event.forward_path))
            case Data():
                return Reply(354, "go ahead")
            case BodyEnd():
                self._sink.has_content.set()
                self._sink.over.wait(self._sink.delay_s)
                content = b"".join(self._blocks)
                self._sink.take(self._sender, self._recipients, content, self._number)
            case Refused():
                return event.reply
            case Quit():
                self._sink.parted.add(self._number)
                return Reply(221, "goodbye", "2.0.0")
        return _OK
