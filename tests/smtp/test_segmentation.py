"""Any split of any input into segments gives the same events: on a server, on a client, with faults and without."""

from collections.abc import Iterator, Sequence

from attrs import define, evolve, field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from empath.smtp import (
    NEED_DATA,
    Address,
    Auth,
    Bdat,
    BodyData,
    BodyEnd,
    Bounds,
    ChunkEnd,
    ClientConnection,
    Command,
    ConnectionClosed,
    Data,
    Ehlo,
    Extensions,
    Lhlo,
    Mail,
    Noop,
    Pause,
    Rcpt,
    Refused,
    RemoteProtocolError,
    Reply,
    ReplyReceived,
    ServerConnection,
    ServerEvent,
    StartTls,
    State,
)
from tests.smtp.pair import Choice, answer, choosing
from tests.smtp.strategies import sizes, soup, split, wire_soup

WHOLE = (10**9,)
BOUNDS = Bounds(command_line=80, auth_line=120, text_line=20, reply_line=40, reply_lines=6, errors=12)
OFFERS = Extensions.of("PIPELINING", "CHUNKING", "SIZE 60", "STARTTLS", "AUTH PLAIN", "XCLIENT")
HARMLESS_OFFERS = Extensions.of("PIPELINING", "CHUNKING", "SIZE 60")

_moods = [Choice.YES] * 8 + [Choice.MORE, Choice.LATER, Choice.NO]
choices = st.lists(st.sampled_from(_moods), max_size=30)


@define
class Listener:
    """A server that answers by its choices, and what it understood."""

    server: ServerConnection
    choices: Iterator[Choice]
    events: list[ServerEvent] = field(factory=list, init=False)
    replies: bytes = field(default=b"", init=False)

    def open(self) -> None:
        """Greet."""
        self.replies += self.server.send(Reply(220, "mx.example.org"))

    def pull(self) -> None:
        """Take and answer whatever events there are."""
        while (event := self.server.next_event()) is not NEED_DATA and self.server.state is not State.TLS:
            if isinstance(event, Pause):  # in LMTP: the outcome for the next recipient
                event = self.events[-1]
            elif not isinstance(event, ConnectionClosed) or event not in self.events:
                self.events.append(event)
            if isinstance(event, ConnectionClosed):
                return
            if not isinstance(event, BodyData | Bdat):
                self.replies += self.server.send(answer(event, next(self.choices), self.server))

    def understood(self) -> tuple[list[ServerEvent], bytes, State, object]:
        """All that must not depend on segments: what came of faulty and unfinished bodies is of no account."""
        merged: list[ServerEvent] = []
        for event in self.events:
            match event:
                case BodyData(data) if merged and isinstance(merged[-1], BodyData):
                    merged[-1] = BodyData(merged[-1].data + data)
                    continue
                case BodyEnd() | ChunkEnd() if event.fault and isinstance(merged[-1], BodyData):
                    merged.pop()
                case ConnectionClosed() if merged and isinstance(merged[-1], BodyData):
                    merged.pop()
            merged.append(event)
        if merged and isinstance(merged[-1], BodyData):
            merged.pop()
        return merged, self.replies, self.server.state, evolve(self.server.facts)


# -- a server and what clients may say, group by group


@frozen
class Turn:
    """What the client says next: commands, or a body or a response where one is awaited."""

    group: bytes
    body: bytes
    response: bytes


_anywhere = st.sampled_from(
    [
        *(
            b"MAIL FROM:<ann@example.org>\r\n",
            b"mail from:<> size=50\r\n",
            b"MAIL FROM:<> SIZE=61\r\n",
            b"MAIL FROM:<a@b.>\r\n",
        ),
        *(
            b"RCPT TO:<bob@example.org>\r\n",
            b"RCPT TO:<Postmaster>  \r\n",
            b"RCPT TO:<>\r\n",
            b"RSET\r\n",
            b"HELP\r\n",
            b"\r\n",
        ),
        *(b"FOO BAR\r\n", b"MAIL FROM:<a@b>\x00\r\n", b"RSET" + b" " * 80 + b"\r\n", b"x" * 200 + b"\r\n", b"HELP\n"),
    ]
)
_transactions = st.just(b"MAIL FROM:<ann@example.org>\r\nRCPT TO:<bob@example.org>\r\nRCPT TO:<eve@example.org>\r\n")
_chunks = st.builds(
    lambda content, last: b"BDAT %d%b\r\n%b" % (len(content), b" LAST" if last else b"", content),
    wire_soup,
    st.booleans(),
)
_ender = st.sampled_from(
    [
        *(
            b"",
            b"DATA\r\n",
            b"DATA\r\n",
            b"DATA\r\n",
            b"NOOP\r\n",
            b"VRFY ann\r\n",
            b"EHLO relay\r\n",
            b"HELO relay\r\n",
        ),
        *(
            b"STARTTLS\r\n",
            b"AUTH PLAIN\r\n",
            b"AUTH PLAIN AGEAYg==\r\n",
            b"XCLIENT NAME=x\r\n",
            b"QUIT\r\n",
            b"DATA\n",
        ),
    ]
)
_groups = st.builds(
    lambda parts, ender: b"".join(parts) + ender,
    st.lists(st.one_of(_anywhere, _transactions, _chunks), max_size=4),
    _ender,
)
_bodies = st.builds(
    lambda content, group: content + b"\r\n.\r\n" + group,
    wire_soup,
    st.just(b"") | _transactions | _transactions.map(lambda t: t + b"DATA\r\n"),
)
_responses = st.sampled_from([b"AGEAYg==\r\n", b"*\r\n", b"\r\n", b"=\r\n", b"A" * 200 + b"\r\n", b"AAAA\n"])
turns = st.builds(Turn, _groups, _bodies, _responses)


def hear(script: Sequence[Turn], chosen: Sequence[Choice], lengths: Sequence[int], *, lmtp: bool) -> object:
    """What a server understands when each group comes in segments of these lengths."""
    server = ServerConnection("mx", OFFERS, lmtp=lmtp, bounds=BOUNDS, auth_in_clear=True)
    listener = Listener(server, choosing(chosen))
    listener.open()
    hello = b"LHLO relay\r\n" if lmtp else b"EHLO relay\r\n"
    for turn in script:
        if server.state is State.TLS:
            server.tls_established()
        commands = turn.group if "PIPELINING" in server.facts.in_force else hello
        octets = {State.DATA: turn.body, State.AUTH: turn.response}.get(server.state, commands)
        for segment in split(octets, lengths):
            server.receive_data(segment)
            listener.pull()
    server.receive_data(b"")
    listener.pull()
    return listener.understood()


@given(st.lists(turns, min_size=2, max_size=9), choices, sizes, st.booleans())
@settings(max_examples=200)
def test_a_dialogue_is_understood_the_same_however_its_groups_are_cut(
    script: list[Turn], chosen: list[Choice], lengths: list[int], lmtp: bool
) -> None:
    assert hear(script, chosen, lengths, lmtp=lmtp) == hear(script, chosen, WHOLE, lmtp=lmtp)


# -- a server and what anybody may send

PROLOGUES = (
    b"",
    b"EHLO relay\r\n",
    b"EHLO relay\r\nMAIL FROM:<>\r\n",
    b"EHLO relay\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\n",
    b"EHLO relay\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nBDAT 3\r\nab\r",
    b"EHLO relay\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nBDAT 99\r\nab\r",
    b"EHLO relay\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n",
)
_words = (
    *(
        b"EHLO ",
        b"relay",
        b"MAIL FROM:",
        b"RCPT TO:",
        b"<a@b>",
        b"<>",
        b" SIZE=9",
        b"BDAT ",
        b"3",
        b"12",
        b" LAST",
        b"RSET",
    ),
    *(
        b"NOOP",
        b"VRFY x",
        b"QUIT",
        b"\r\n",
        b"\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b".",
        b"\r\n.\r\n",
        b" ",
        b"\0",
        b"\xc3\xa9",
        b"x" * 70,
    ),
)
octets = soup(*_words) | st.binary(max_size=60)


@given(st.sampled_from(PROLOGUES), octets, choices, sizes)
@settings(max_examples=200)
def test_any_octets_are_understood_the_same_however_they_are_cut(
    prologue: bytes, noise: bytes, chosen: list[Choice], lengths: list[int]
) -> None:
    def understood(lengths: Sequence[int]) -> object:
        server = ServerConnection("mx", HARMLESS_OFFERS, bounds=BOUNDS, strict_groups=False)
        listener = Listener(server, choosing([]))
        listener.open()
        server.receive_data(prologue)
        listener.pull()
        listener.choices = choosing(chosen)
        for segment in split(noise, lengths):
            server.receive_data(segment)
            listener.pull()
        return listener.understood()

    assert understood(lengths) == understood(WHOLE)


@given(
    soup(*_words, b"DATA\r\n", b"STARTTLS\r\n", b"AUTH PLAIN\r\n", b"XCLIENT NAME=x\r\n", b"EHLO x\r\n"), choices, sizes
)
def test_a_group_that_came_whole_is_judged_the_same_however_it_was_cut(
    noise: bytes, chosen: list[Choice], lengths: list[int]
) -> None:
    def understood(lengths: Sequence[int]) -> object:
        server = ServerConnection("mx", OFFERS, bounds=BOUNDS, auth_in_clear=True)
        listener = Listener(server, choosing(chosen))
        listener.open()
        for segment in split(noise, lengths):
            server.receive_data(segment)
        listener.pull()
        return listener.understood()

    assert understood(lengths) == understood(WHOLE)


# -- a client and what servers answer

ANN = Address.parse("ann@example.org")
ASKED: tuple[tuple[Command, ...], ...] = (
    (),
    (Noop(),),
    (Ehlo("relay"),),
    (Mail(None), Rcpt(ANN), Rcpt(ANN), Data()),
    (Mail(None), Rcpt(ANN), Bdat(0), Bdat(0, last=True), Mail(ANN)),
    (Auth("PLAIN"),),
    (StartTls(),),
)
_answers = soup(
    *(
        b"220",
        b"250",
        b"354",
        b"334",
        b"421",
        b"450",
        b"550",
        b"554",
        b" ",
        b"-",
        b"ok",
        b"5.1.1 ",
        b"\r\n",
        b"\r\n",
        b"\n",
        b"\r",
    ),
    *(
        b"250 ok\r\n",
        b"250 ok\r\n",
        b"250-mx\r\n250 SIZE\r\n",
        b"354 go\r\n",
        b"550 no\r\n",
        b"220 go\r\n",
        b"\xff",
        b"\0",
        b"x" * 40,
    ),
)


def hear_answers(asked: Sequence[Command], wire: bytes, lengths: Sequence[int], *, lmtp: bool, eof: bool) -> object:
    """What a client makes of answers that come in segments of these lengths, up to the error that ends it."""
    client = ClientConnection(lmtp=lmtp, bounds=BOUNDS, auth_in_clear=True)
    client.receive_data(b"220 mx\r\n")
    client.next_event()
    client.send(Lhlo("relay") if lmtp else Ehlo("relay"))
    client.receive_data(b"250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n")
    client.next_event()
    for command in asked:
        client.send(Lhlo("relay") if lmtp and isinstance(command, Ehlo) else command)
    heard: list[object] = []
    try:
        for segment in [*split(wire, lengths), *([b""] if eof else [])]:
            client.receive_data(segment)
            while isinstance(event := client.next_event(), ReplyReceived):
                heard.append(event)
    except RemoteProtocolError as problem:
        heard.append(str(problem))
    return heard, client.state, evolve(client.facts), list(client.accepted), client.outstanding


@given(st.sampled_from(ASKED), _answers | st.binary(max_size=40), sizes, st.booleans(), st.booleans())
@settings(max_examples=200)
def test_any_answers_are_understood_the_same_however_they_are_cut(
    asked: tuple[Command, ...], wire: bytes, lengths: list[int], lmtp: bool, eof: bool
) -> None:
    whole = hear_answers(asked, wire, WHOLE, lmtp=lmtp, eof=eof)
    assert hear_answers(asked, wire, lengths, lmtp=lmtp, eof=eof) == whole


def test_a_refusal_that_skips_a_chunk_comes_once_the_chunk_has_come() -> None:
    server = ServerConnection("mx", HARMLESS_OFFERS)
    server.send(Reply(220))
    for octet in b"BDAT 6\r\nNOOP\r\n":
        assert isinstance(server.next_event(), Pause)
        server.receive_data(bytes([octet]))
    assert isinstance(event := server.next_event(), Refused)
    assert (event.reply.code, event.skip_octets) == (503, 6)
