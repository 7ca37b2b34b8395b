"""Either end of a session, brought to a state of the table by the shortest way."""

from empath.smtp import (
    NEED_REPLY,
    Address,
    Auth,
    Bdat,
    BodyEnd,
    Bounds,
    ChunkEnd,
    ClientConnection,
    ClientEvent,
    Command,
    Data,
    Ehlo,
    Extensions,
    Lhlo,
    Mail,
    Pause,
    Rcpt,
    Refused,
    Reply,
    ReplyReceived,
    ServerConnection,
    ServerEvent,
    StartTls,
    State,
)

ALL = Extensions.of(
    *("PIPELINING", "CHUNKING", "8BITMIME", "SMTPUTF8", "DSN", "SIZE 1000", "STARTTLS", "AUTH PLAIN LOGIN", "XCLIENT")
)
ANN, BOB = Address.parse("ann@example.org"), Address.parse("bob@example.net")
OK = Reply(250, "OK", "2.0.0")

# What is said on the way, and how it is answered.
_TO_READY = ((b"EHLO relay\r\n", None),)
_TO_MAIL = (*_TO_READY, (b"MAIL FROM:<ann@example.org>\r\n", 250))
_TO_RCPT = (*_TO_MAIL, (b"RCPT TO:<bob@example.net>\r\n", 250))
WAYS: dict[State, tuple[tuple[bytes, int | None], ...]] = {
    State.GREETED: (),
    State.READY: _TO_READY,
    State.MAIL: _TO_MAIL,
    State.RCPT: _TO_RCPT,
    State.DATA: (*_TO_RCPT, (b"DATA\r\n", 354)),
    State.CHUNK: (*_TO_RCPT, (b"BDAT 3\r\na\r\n", 250)),
    State.AUTH: (*_TO_READY, (b"AUTH PLAIN\r\n", 334)),
    State.TLS: (*_TO_READY, (b"STARTTLS\r\n", 220)),
    State.CLOSED: ((b"QUIT\r\n", 221),),
}


def server_in(
    state: State,
    offers: Extensions = ALL,
    *,
    lmtp: bool = False,
    tls: bool = False,
    bounds: Bounds | None = None,
    auth_in_clear: bool = True,
    strict_groups: bool = True,
) -> ServerConnection:
    """A server whose client has brought it to ``state``."""
    server = ServerConnection(
        "mx", offers, lmtp=lmtp, tls=tls, bounds=bounds, auth_in_clear=auth_in_clear, strict_groups=strict_groups
    )
    if state is State.CONNECTED:
        return server
    server.send(Reply(554 if state is State.REFUSED else 220, "mx"))
    for line, code in WAYS.get(state, ()):
        hear(server, line.replace(b"EHLO", b"LHLO") if lmtp else line)
        server.send(server.hello_reply() if code is None else Reply(code))
    assert server.state is state
    return server


def hear(server: ServerConnection, octets: bytes) -> list[ServerEvent]:
    """The events of what the client says now, up to the first that is to be answered."""
    server.receive_data(octets)
    events = []
    while not isinstance(event := server.next_event(), Pause):
        events.append(event)
        if server.state is State.CLOSED:
            break
    return events


def serve(server: ServerConnection, octets: bytes, *replies: Reply) -> list[ServerEvent]:
    """All events of what the client says now; refusals are sent, and all else is answered with OK or ``replies``."""
    server.receive_data(octets)
    events: list[ServerEvent] = []
    answers = list(replies)
    while True:
        event = server.next_event()
        if event is NEED_REPLY and server.state is not State.TLS:
            server.send(_refusal_of(events[-1]) or (answers.pop(0) if answers else OK))
        elif isinstance(event, Pause):
            return events
        else:
            events.append(event)
            if server.state is State.CLOSED:
                return events


def _refusal_of(event: ServerEvent) -> Reply | None:
    if isinstance(event, Refused):
        return event.reply
    return event.refusal if isinstance(event, BodyEnd | ChunkEnd) else None


def refusal(server: ServerConnection, octets: bytes) -> Refused:
    """The refusal of what the client says now."""
    *before, last = hear(server, octets)
    assert before == []
    assert isinstance(last, Refused)
    return last


# -- the client's side


def client_in(
    state: State,
    offers: Extensions = ALL,
    *,
    wanted: Extensions | None = None,
    lmtp: bool = False,
    tls: bool = False,
    bounds: Bounds | None = None,
    auth_in_clear: bool = True,
    check_bodies: bool = True,
) -> ClientConnection:
    """A client whose server has brought it to ``state``."""
    client = ClientConnection(
        **({} if wanted is None else {"wanted": wanted}),
        lmtp=lmtp,
        tls=tls,
        bounds=bounds,
        auth_in_clear=auth_in_clear,
        check_bodies=check_bodies,
    )
    if state is State.CONNECTED:
        return client
    answered(
        client, b"554 no\r\n" if state is State.REFUSED else b"421 no\r\n" if state is State.CLOSED else b"220 mx\r\n"
    )
    if state not in (State.REFUSED, State.CLOSED, State.GREETED):
        say(client, Lhlo("relay") if lmtp else Ehlo("relay"), Reply(250, ("mx", *offers.lines)))
    steps: dict[State, tuple[tuple[Command, int], ...]] = {
        State.MAIL: ((Mail(ANN), 250),),
        State.RCPT: ((Mail(ANN), 250), (Rcpt(BOB), 250)),
        State.DATA: ((Mail(ANN), 250), (Rcpt(BOB), 250), (Data(), 354)),
        State.CHUNK: ((Mail(ANN), 250), (Rcpt(BOB), 250), (Bdat(0), 250)),
        State.AUTH: ((Auth("PLAIN"), 334),),
        State.TLS: ((StartTls(), 220),),
    }
    for command, code in steps.get(state, ()):
        say(client, command, Reply(code))
    assert client.state is state
    return client


def say(client: ClientConnection, command: Command, reply: Reply) -> ReplyReceived:
    """Send a command, and hand out its answer."""
    client.send(command)
    (event,) = answered(client, reply.encode())
    assert isinstance(event, ReplyReceived)
    return event


def answered(client: ClientConnection, octets: bytes) -> list[ClientEvent]:
    """The events of what the server says now."""
    client.receive_data(octets)
    events = []
    while not isinstance(event := client.next_event(), Pause):
        events.append(event)
        if client.state is State.CLOSED:
            break
    return events
