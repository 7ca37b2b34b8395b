"""A server and whoever drives it, for the target ``server``: decides by a number, records, checks every step."""

from collections.abc import Iterable, Iterator
from typing import Final

from attrs import define, field, frozen

from empath.smtp import (
    BASIC,
    Auth,
    AuthResponse,
    Bdat,
    BodyData,
    BodyEnd,
    Bounds,
    ChunkEnd,
    Command,
    ConnectionClosed,
    Credentials,
    Data,
    Ehlo,
    Extensions,
    Facts,
    Helo,
    Lhlo,
    Mail,
    Pause,
    Rcpt,
    Refused,
    RemoteProtocolError,
    Reply,
    ServerConnection,
    ServerEvent,
    StartTls,
    State,
    command,
    server_exchange,
)
from empath.smtp.sasl import ServerExchange

MAX_SIZE: Final = 400
TIGHT: Final = Bounds(command_line=80, auth_line=100, text_line=20, reply_line=80, errors=4)
EXTENDED: Final = Extensions.of(
    *("PIPELINING", "8BITMIME", "SMTPUTF8", f"SIZE {MAX_SIZE}", "ENHANCEDSTATUSCODES", "CHUNKING", "DSN", "STARTTLS"),
    *("AUTH PLAIN LOGIN XOAUTH2 OAUTHBEARER", "REQUIRETLS", "MT-PRIORITY", "FUTURERELEASE", "DELIVERBY", "XCLIENT"),
)
REFUSALS: Final = (Reply(550, "no", "5.7.1"), Reply(451, "later", "4.3.0"), Reply(421, "closing", "4.3.2"))


@frozen
class Turn:
    """One event, the replies to it, and the state after them; with the octets of the body or chunk that it ended."""

    event: Command | BodyEnd | ChunkEnd | Refused
    replies: tuple[Reply, ...]
    state: State
    content: bytes = b""


@define
class Session:
    """One session. ``flags`` and ``seed`` as in ``fuzz.server``."""

    flags: int
    seed: int
    turns: list[Turn] = field(factory=list)
    server: ServerConnection = field(init=False)
    bounds: Bounds = field(init=False)
    _content: list[bytes] = field(factory=list)
    _exchange: ServerExchange | None = None
    _choices: Iterator[Reply | None] = field(init=False)

    def __attrs_post_init__(self) -> None:
        """The client has connected and been greeted."""
        self.bounds = TIGHT if self.flags & 8 else Bounds()
        self.server = ServerConnection(
            "mx.example",
            EXTENDED if self.flags & 16 else BASIC,
            lmtp=bool(self.flags & 1),
            bounds=self.bounds,
            auth_in_clear=bool(self.flags & 2),
            strict_groups=not self.flags & 4,
        )
        self._choices = _choices(self.seed)
        self.server.send(Reply(220, "mx.example"))

    def take(self, segments: Iterable[bytes]) -> None:
        """Let segments arrive, and answer what can be answered after each."""
        for segment in segments:
            self.server.receive_data(segment)
            self._answer_all()
            longest = self.bounds.command_line + self.bounds.auth_line + 2048  # what extensions add
            assert len(self.server._buffer) <= longest, "the buffer has no bound"

    def hang_up(self) -> None:
        """The client closes its end: that is the last event, and stays it."""
        self.server.receive_data(b"")
        self._answer_all()
        assert self.server.state is State.CLOSED
        assert self.server.next_event() == ConnectionClosed()

    def _answer_all(self) -> None:
        while not isinstance(event := self.server.next_event(), Pause | ConnectionClosed):
            self._check_place(event)
            if isinstance(event, BodyData):
                assert event.data
                self._content.append(event.data)
            elif isinstance(event, Bdat):
                self.turns.append(Turn(event, (), self.server.state))
            else:
                self._answer(event)
                self._check_facts()

    def _answer(self, event: Command | BodyEnd | ChunkEnd | Refused) -> None:
        """Send the replies that are due: one, or in LMTP one for each recipient at the end of a message."""
        content, self._content = b"".join(self._content), []
        of_message = isinstance(event, BodyEnd) or (isinstance(event, ChunkEnd) and event.last)
        due = self.server.facts.recipients if self.flags & 1 and of_message else 1
        replies: list[Reply] = []
        while len(replies) < due and self.server.state is not State.CLOSED:
            assert self.server.next_event() is Pause.NEED_REPLY, "read on although a reply is due"
            replies.append(self._decide(event))
            assert self.server.send(replies[-1]).endswith(b"\r\n")
        if self.server.state is State.TLS:
            self._begin_tls()
        self.turns.append(Turn(event, tuple(replies), self.server.state, content))

    def _begin_tls(self) -> None:
        assert not self.server.unread, "STARTTLS was granted although plain text waits behind it"
        self.server.tls_established()
        assert self.server.facts == Facts(tls=True), "something said before TLS is known after it"
        assert self.server.state is State.GREETED

    def _decide(self, event: ServerEvent) -> Reply:
        if isinstance(event, Refused):
            return event.reply
        if isinstance(event, BodyEnd | ChunkEnd) and event.refusal:
            return event.refusal
        refusal = next(self._choices)
        if refusal is not None:
            return refusal
        match event:
            case Helo() | Ehlo() | Lhlo():
                return self.server.hello_reply()
            case Data():
                return Reply(354, "go on")
            case Auth(mechanism, initial):
                self._exchange = server_exchange(mechanism)
                return self._authenticate(initial)
            case AuthResponse(response):
                return self._authenticate(response)
        return Reply(250, "OK")

    def _authenticate(self, response: bytes | None) -> Reply:
        assert self._exchange is not None
        try:
            step = self._exchange.step(response)
        except RemoteProtocolError as problem:
            return _hint(problem)
        return Reply(235, "welcome") if isinstance(step, Credentials) else Reply(334, step.hex())

    def _check_place(self, event: ServerEvent) -> None:
        """An event is handed out only where the RFCs have a place for it, and a command means what it says."""
        server = self.server
        match event:
            case Mail() | StartTls() | Auth():
                assert server.state is State.READY
            case Rcpt():
                assert server.state in (State.MAIL, State.RCPT)
            case Data():
                assert server.state is State.RCPT
            case BodyEnd():
                assert server.state is State.DATA
            case Bdat() | ChunkEnd():
                assert server.state in (State.RCPT, State.CHUNK)
            case BodyData():
                assert server.state in (State.DATA, State.RCPT, State.CHUNK)
        assert not isinstance(event, StartTls) or not server.facts.tls
        if isinstance(event, Auth):
            assert server.facts.tls or self.flags & 2
            assert not server.facts.authenticated
        if not isinstance(event, Refused | BodyData | BodyEnd | ChunkEnd | AuthResponse | ConnectionClosed):
            offered = server.facts.usable if isinstance(event, Rcpt) else server.facts.in_force
            word, _, argument = command.encode(event, offered, 65536).strip().partition(b" ")
            assert command.parse(command.VERBS[word], argument, offered) == event, "it cannot be said again"

    def _check_facts(self) -> None:
        """The facts agree with the state."""
        state, facts = self.server.state, self.server.facts
        assert state not in (State.GREETED, State.READY, State.MAIL) or facts.recipients == 0
        assert state not in (State.RCPT, State.DATA, State.CHUNK) or facts.recipients > 0
        assert state not in (State.GREETED, State.READY) or not facts.utf8
        assert state in (State.GREETED, State.CLOSED) or facts.hello is not None


def _hint(problem: RemoteProtocolError) -> Reply:
    assert problem.reply is not None
    return problem.reply


def _choices(seed: int) -> Iterator[Reply | None]:
    """Yield None for yes, or a refusal; always yes for multiples of 8."""
    number = seed
    while True:
        number = (number * 75 + 74) % 65537
        yield REFUSALS[number % 20] if seed % 8 and number % 20 < len(REFUSALS) else None
