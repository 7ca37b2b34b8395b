"""A client and a server back to back, and what must hold between them after every reply."""

from collections import deque
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from itertools import chain, repeat

from attrs import define, evolve, field, frozen

from empath.smtp import (
    NEED_DATA,
    NEED_REPLY,
    Auth,
    AuthResponse,
    Bdat,
    BodyData,
    BodyEnd,
    ChunkEnd,
    ClientConnection,
    Command,
    ConnectionClosed,
    Facts,
    Hello,
    LocalProtocolError,
    Pause,
    Rcpt,
    Refused,
    Reply,
    ReplyReceived,
    ServerConnection,
    ServerEvent,
    State,
    Verb,
)
from tests.smtp.strategies import split


class Choice(Enum):
    """How a server feels about what it is asked."""

    YES = auto()
    MORE = auto()
    """In an AUTH exchange one more challenge; elsewhere as YES."""
    LATER = auto()
    NO = auto()
    CLOSE = auto()


_YES = {Verb.DATA: 354, Verb.STARTTLS: 220, Verb.XCLIENT: 220, Verb.QUIT: 221, Verb.AUTH: 235, Verb.RESPONSE: 235}


def answer(event: ServerEvent, choice: Choice, server: ServerConnection) -> Reply:
    """The reply of a server that feels like ``choice`` and keeps to the rules."""
    if isinstance(event, Refused):
        return event.reply
    if isinstance(event, BodyEnd | ChunkEnd) and event.refusal is not None:
        return event.refusal
    match choice:
        case Choice.CLOSE:
            return Reply(421, ("going down", "see you"), "4.3.2")
        case Choice.LATER:
            return Reply(450, "not now", "4.2.0")
        case Choice.NO:
            return Reply(550, ("never", "ever"), "5.2.0")
        case Choice.MORE if isinstance(event, Auth | AuthResponse):
            return Reply(334, "Z28gb24=")
    if isinstance(event, Hello):
        return server.hello_reply()
    code = 250 if isinstance(event, BodyData | ConnectionClosed) else _YES.get(event.verb, 250)
    return Reply(code, "very well")


@frozen
class Content:
    """A body behind 354, in the pieces in which it is sent."""

    pieces: tuple[bytes, ...]


@frozen
class Chunk:
    """BDAT and its octets, in the pieces in which they are sent."""

    pieces: tuple[bytes, ...]
    last: bool


Move = Command | Content | Chunk


@frozen
class _Expected:
    """What the client is to make of one reply of the server."""

    reply: Reply
    ordinal: int
    """Which of the commands it answers; the greeting is the first of all."""
    recipient: Rcpt | None
    state: State
    facts: Facts


@define
class Pair:
    """Both ends. Every assertion in here is a promise of the pair, not of one end."""

    client: ClientConnection
    server: ServerConnection
    choices: Iterator[Choice]
    lengths: Sequence[int]
    """Of the segments in which both directions are cut."""
    lmtp: bool = False
    said: list[Command | BodyEnd | None] = field(factory=list, init=False)
    """What the client has said, in order; first None, for the opening of the connection."""
    _outbox: bytes = field(default=b"", init=False)
    _contents: deque[bytes] = field(factory=deque, init=False)
    _ordinal: int = field(default=-1, init=False)
    _current: ServerEvent | None = field(default=None, init=False)
    _body: bytes = field(default=b"", init=False)
    _granted: list[Rcpt] = field(factory=list, init=False)
    _due: list[Rcpt] = field(factory=list, init=False)
    _expected: deque[_Expected] = field(factory=deque, init=False)
    _soured: bool = field(default=False, init=False)
    """Whether something in this group was refused, so that the server may refuse what was said in hope of it."""

    def open(self) -> None:
        """Greet."""
        self.said.append(None)
        self._ordinal = 0
        choice = next(self.choices)
        code = {Choice.LATER: 450, Choice.NO: 554, Choice.CLOSE: 421}.get(choice, 220)
        self._listen(self._answer(Reply(code, "mx.example.org")))

    def play(self, script: Sequence[Move]) -> None:
        """Perform what may be performed of ``script``, in groups as long as the client lets them be."""
        for move in script:
            self._finish_before(move)
            try:
                self.perform(move)
            except LocalProtocolError:
                self.deliver()
                self._finish_before(move)
                try:
                    self.perform(move)
                except LocalProtocolError:
                    continue
        self.deliver()

    def perform(self, move: Move) -> None:
        """Let the client say one thing; a LocalProtocolError if it may not now."""
        match move:
            case Content(pieces):
                if self.client.state is not State.DATA:
                    raise LocalProtocolError("not the time for content")
                self._outbox += b"".join(self.client.send(BodyData(piece)) for piece in pieces)
                self._say(BodyEnd())
                content = b"".join(pieces)
                self._contents.append(content if content.endswith(b"\r\n") or not content else content + b"\r\n")
            case Chunk(pieces, last):
                content = b"".join(pieces)
                self._say(Bdat(len(content), last))
                self._outbox += b"".join(self.client.send(BodyData(piece)) for piece in pieces)
                self._contents.append(content)
            case _:
                self._say(move)

    def deliver(self) -> None:
        """Carry what the client has said to the server, and the replies back."""
        self._soured = False
        wire, replies = self._outbox, b""
        self._outbox = b""
        for segment in split(wire, self.lengths):
            self.server.receive_data(segment)
            replies += self._serve()
        self._listen(replies)
        if self.client.state is State.TLS:
            self.server.tls_established()
            self.client.tls_established()
            self.agree()

    def agree(self) -> None:
        """Both ends know the same."""
        assert (self.client.state, self.client.facts) == (self.server.state, self.server.facts)
        assert len(self.client.accepted) == self.server.facts.recipients

    def _say(self, item: Command | BodyEnd) -> None:
        self._outbox += self.client.send(item)
        self.said.append(item)

    def _finish_before(self, move: Move) -> None:
        if self.client.state is State.DATA and not self.client.outstanding and not isinstance(move, Content):
            self.perform(Content(()))
        if self.client.state is State.AUTH and not self.client.outstanding and not isinstance(move, AuthResponse):
            self._say(AuthResponse(None))
            self.deliver()

    def _serve(self) -> bytes:
        wire = b""
        while (event := self.server.next_event()) is not NEED_DATA:
            if isinstance(event, ConnectionClosed) or (event is NEED_REPLY and self.server.state is State.TLS):
                break
            if isinstance(event, Pause):  # in LMTP: the outcome for the next recipient
                assert self._current is not None
                event = self._current
            else:
                self._take(event)
            if not isinstance(event, BodyData | Bdat):
                self._current = event
                wire += self._answer(answer(event, next(self.choices), self.server))
        return wire

    def _take(self, event: ServerEvent) -> None:
        """Compare what the server understood with what the client said."""
        if isinstance(event, BodyData):
            self._body += event.data
            return
        self._ordinal += not isinstance(event, ChunkEnd)  # which is of the Bdat before it
        said = self.said[self._ordinal]
        if isinstance(event, ChunkEnd):
            assert isinstance(said, Bdat)
            assert said.last is event.last
        elif isinstance(event, Refused):
            assert said is not None
            assert self._soured or said == AuthResponse(None) or event.reply.code in (421, 552), event
        else:
            assert event == said
        if isinstance(event, BodyEnd | ChunkEnd):
            assert not event.fault
            assert self._body == self._contents.popleft()
        elif isinstance(event, Refused) and isinstance(said, Bdat):
            self._contents.popleft()
        self._body = b""
        whole = isinstance(event, BodyEnd) or (isinstance(event, ChunkEnd) and event.last)
        self._due = list(self._granted) if self.lmtp and whole else []

    def _answer(self, reply: Reply) -> bytes:
        wire = self.server.send(reply)
        event = self._current
        if isinstance(event, Rcpt) and reply.positive:
            self._granted.append(event)
        elif self.server.state in (State.READY, State.GREETED):
            self._granted = []
        self._soured |= reply.code >= 400
        recipient = self._due.pop(0) if self._due else None
        known = evolve(self.server.facts)
        self._expected.append(_Expected(reply, self._ordinal, recipient, self.server.state, known))
        return wire

    def _listen(self, wire: bytes) -> None:
        """Let the client read, and compare both ends after every reply."""
        for segment in split(wire, self.lengths):
            self.client.receive_data(segment)
            while isinstance(event := self.client.next_event(), ReplyReceived):
                expected = self._expected.popleft()
                assert event.reply == expected.reply
                assert event.command is self.said[expected.ordinal]
                assert event.recipient == expected.recipient
                assert (self.client.state, self.client.facts) == (expected.state, expected.facts)
                assert len(self.client.accepted) == expected.facts.recipients
        assert not self._expected
        assert self.client.state is State.CLOSED or not self.client.outstanding


def choosing(choices: Sequence[Choice]) -> Iterator[Choice]:
    """These choices in their order, then YES for ever."""
    return chain(choices, repeat(Choice.YES))
