"""The client's end: what it may say while a server answers whatever it likes, and which answer it takes for what."""

from collections import deque
from collections.abc import Iterable
from typing import Final

from attrs import define, field

from empath.smtp import (
    Address,
    Auth,
    AuthResponse,
    Bdat,
    BodyData,
    BodyEnd,
    BodyFault,
    Bounds,
    ClientConnection,
    ConnectionClosed,
    Data,
    Ehlo,
    Expn,
    Facts,
    Helo,
    Help,
    Lhlo,
    LocalProtocolError,
    Mail,
    MailParams,
    Noop,
    Pause,
    Quit,
    Rcpt,
    RemoteProtocolError,
    ReplyReceived,
    Rset,
    StartTls,
    State,
    Verb,
    Vrfy,
    Xclient,
)
from empath.smtp.events import Command
from empath.smtp.session import hoped
from fuzz.body import plain_decode, plain_fault
from fuzz.cuts import cut
from fuzz.reply import plain_read

TIGHT: Final = Bounds(auth_line=80, text_line=20, reply_line=40, reply_lines=4)
UTF8: Final = Address.parse("ü@example.org")
ENDS: Final = (Verb.END, Verb.BDAT, Verb.BDAT_LAST)
SAYINGS: Final[dict[int, Command | BodyData | BodyEnd]] = {
    ord("E"): Ehlo("c.example"),
    ord("H"): Helo("c.example"),
    ord("L"): Lhlo("c.example"),
    ord("M"): Mail(None),
    ord("m"): Mail(UTF8, MailParams(size=9, smtputf8=True)),
    ord("R"): Rcpt(Address.parse("r@example.org")),
    ord("r"): Rcpt(UTF8),
    ord("D"): Data(),
    ord("B"): BodyData(b".a\r\n"),
    ord("b"): BodyData(b"\r"),
    ord("."): BodyEnd(),
    ord("C"): Bdat(4),
    ord("c"): Bdat(8, last=True),
    ord("S"): Rset(),
    ord("N"): Noop(),
    ord("V"): Vrfy("v"),
    ord("X"): Expn("x"),
    ord("h"): Help(),
    ord("T"): StartTls(),
    ord("A"): Auth("PLAIN", b"\0u\0p"),
    ord("a"): Auth("LOGIN"),
    ord("P"): AuthResponse(b"p"),
    ord("p"): AuthResponse(None),
    ord("x"): Xclient((("ADDR", "192.0.2.1"),)),
    ord("Q"): Quit(),
}


def fuzz(data: bytes) -> None:
    """A client gives each reply to the command it answers, in order, takes none for an answer to nothing, and after a
    RemoteProtocolError says and hears nothing more; how the octets are cut makes no difference.

    The octets: "@" or a sum with 1 LMTP, 2 AUTH in clear, 4 bodies unchecked, 8 tight bounds; a seed of the cuts; then
    turns, each ended by %xFF: what the client tries to say, one letter each as in ``SAYINGS`` ("t": the handshake is
    done), "|", and what the server sends.
    """
    flags, seed, script = *data.ljust(2, b"@")[:2], data[2:]
    whole, parts = Dialogue(flags), Dialogue(flags)
    for turn in script.split(b"\xff"):
        letters, _, octets = turn.partition(b"|")
        for dialogue, segments in ((whole, [octets] if octets else []), (parts, cut(octets, seed))):
            for letter in letters:
                dialogue.say(letter)
            dialogue.hear(segments)
    assert whole.record == parts.record
    whole.finish()


@define
class Dialogue:
    """A client, its driver, and a book kept of what was said, which the client must agree with."""

    flags: int
    client: ClientConnection = field(init=False)
    record: list[object] = field(factory=list)
    heard: bytearray = field(factory=bytearray)
    answers: list[int] = field(factory=list)
    unanswered: deque[Command | BodyEnd] = field(factory=deque)
    accepted: list[Rcpt] = field(factory=list)
    due: list[Rcpt] = field(factory=list)
    body: list[tuple[bytes, bytes]] = field(factory=list)
    chunk_left: int = 0
    broken: RemoteProtocolError | None = None

    def __attrs_post_init__(self) -> None:
        """The connection is open."""
        self.client = ClientConnection(
            lmtp=bool(self.flags & 1),
            auth_in_clear=bool(self.flags & 2),
            check_bodies=not self.flags & 4,
            bounds=TIGHT if self.flags & 8 else None,
        )

    def say(self, letter: int) -> None:
        """Try to say something. Where it must not be said, nothing changes."""
        if letter == ord("t"):
            self.shake_hands()
        elif (item := SAYINGS.get(letter)) is not None:
            before = self.client.state, self.client.outstanding, self.client.facts.tls
            try:
                wire = self.client.send(item)
            except LocalProtocolError:
                assert before == (self.client.state, self.client.outstanding, self.client.facts.tls)
                self.record.append(item)
            else:
                assert self.broken is None, "something is said after the end"
                self.record.append(wire)
                self.book(item, wire)

    def book(self, item: Command | BodyData | BodyEnd, wire: bytes) -> None:
        """Check what was said, and keep it in mind."""
        if isinstance(item, BodyData):
            assert self.accepted or self.chunk_left, "a body is sent although nobody accepted it"
            if self.chunk_left:
                assert wire == item.data
                self.chunk_left -= len(wire)
            else:
                self.body.append((item.data, wire))
            return
        assert not self.chunk_left
        assert not self.unanswered or self.client.pipelining
        if isinstance(item, BodyEnd):
            self.check_body(wire)
        else:
            assert (wire[-2:], wire.count(b"\r"), wire.count(b"\n")) == (b"\r\n", 1, 1)
            assert wire.isascii() or "SMTPUTF8" in self.client.facts.in_force
            self.body.clear()
        if isinstance(item, Bdat):
            self.chunk_left = item.size_octets
        self.unanswered.append(item)

    def check_body(self, end: bytes) -> None:
        """The body reads back to what was to be said, and breaks no rule."""
        said = b"".join(content for content, _ in self.body)
        content, rest = plain_decode(b"".join(wire for _, wire in self.body) + end)
        assert rest == b""
        assert content == (said if said.endswith(b"\r\n") or not said else said + b"\r\n")
        if not self.flags & 4:
            assert plain_fault(content, 20 if self.flags & 8 else 65536, None) is BodyFault.NONE
        self.body.clear()

    def shake_hands(self) -> None:
        """TLS is there, if it was asked for; then nothing is known that was said before."""
        try:
            self.client.tls_established()
        except LocalProtocolError:
            assert self.client.state is not State.TLS
        except RemoteProtocolError as problem:
            self.end(problem)
        else:
            assert self.client.state is State.GREETED
            assert self.client.facts == Facts(tls=True)
            self.record.append("TLS")

    def hear(self, segments: Iterable[bytes]) -> None:
        """Let segments arrive, and take every event that is in them."""
        for segment in segments:
            self.client.receive_data(segment)
            if self.broken is None and self.client.state is not State.CLOSED:
                self.heard += segment
            self.take_events()

    def take_events(self) -> None:
        """Take all events; an error comes again and again, and as the same."""
        try:
            while not isinstance(event := self.client.next_event(), Pause | ConnectionClosed):
                assert self.broken is None, "something is heard after the end"
                self.record.append(event)
                self.attribute(event)
        except RemoteProtocolError as problem:
            self.end(problem)

    def end(self, problem: RemoteProtocolError) -> None:
        """The machine has given up."""
        assert self.broken in (None, problem)
        assert self.client.state is State.CLOSED
        if self.broken is None:
            self.record.append("broken")
        self.broken = problem

    def attribute(self, event: ReplyReceived) -> None:
        """Find out from the book what ``event`` answers."""
        self.answers.append(event.reply.code)
        if event.command is None:
            assert len(self.answers) == 1 or event.reply.code == 421
            assert not self.unanswered
            return
        item = self.unanswered[0]
        assert event.command is item
        assert event.void is (item.verb in ENDS and not self.accepted)
        if self.flags & 1 and item.verb in (Verb.END, Verb.BDAT_LAST) and self.accepted:
            self.due = self.due or list(self.accepted)
            assert event.recipient is self.due.pop(0)
        if event.reply.code == 421:
            self.unanswered.popleft()
        elif not self.due:
            self.unanswered.popleft()
            self.settle(item, positive=event.reply.positive)
        assert self.client.outstanding == tuple(self.unanswered)
        assert self.client.accepted == self.accepted

    def settle(self, item: Command | BodyEnd, *, positive: bool) -> None:
        """``item`` has met its last reply."""
        if isinstance(item, Rcpt) and positive:
            self.accepted.append(item)
        if item.verb in (Verb.END, Verb.BDAT_LAST) or (item.verb is Verb.BDAT and not positive):
            self.accepted = []
        if isinstance(item, Rset | Ehlo | Helo | Lhlo) and positive:
            self.accepted = []

    def finish(self) -> None:
        """All replies on the wire were given to somebody, and the end of the session is as clean as it was."""
        replies, nonsense = plain_read(bytes(self.heard), len(self.heard) + 1, 128)
        codes = [code for code, _ in replies]
        assert codes[: len(self.answers)] == self.answers
        if self.broken is not None or self.client.state is State.CLOSED:
            return
        assert not nonsense
        assert codes == self.answers
        partial = not self.heard.endswith(b"\n") and bool(self.heard)
        if not self.unanswered and not self.chunk_left and not partial and not self.client._replies.partial:
            try:
                self.client.send(Quit())
            except LocalProtocolError:
                assert hoped(self.client.state, Verb.QUIT) is None
            else:
                assert hoped(self.client.state, Verb.QUIT) is State.CLOSED
