"""The server's end of a session.

The driver moves octets and takes decisions; all else is here::

    server = ServerConnection("mx.example.org", Extensions.of("PIPELINING", "SIZE 26214400"))
    write(server.send(Reply(220, "mx.example.org ESMTP")))
    while octets := read():
        server.receive_data(octets)
        while not isinstance(event := server.next_event(), Pause):
            ...                                   # decide; replies += server.send(reply)
        write(replies)                            # all replies to what came together leave together (RFC 2920 3.2)

Every event but ``Bdat``, ``BodyData`` and ``ConnectionClosed`` is to be answered with exactly one reply before the next
one is read; in LMTP the end of a body with one for each recipient that was accepted. ``Refused`` brings its reply
along.
"""

from __future__ import annotations

from empath.smtp.body import ChunkReader, DataDecoder
from empath.smtp.bounds import Bounds
from empath.smtp.buffer import ReceiveBuffer
from empath.smtp.errors import LocalProtocolError, RemoteProtocolError
from empath.smtp.events import (
    NEED_DATA,
    NEED_REPLY,
    Auth,
    AuthResponse,
    Bdat,
    BodyData,
    BodyEnd,
    ChunkEnd,
    Command,
    ConnectionClosed,
    Hello,
    Helo,
    Mail,
    Pause,
    Refused,
    ServerEvent,
    Xclient,
)
from empath.smtp.extensions import BASIC, NO_EXTENSIONS, Extensions
from empath.smtp.facts import Facts
from empath.smtp.reading import CommandReader
from empath.smtp.reply import Reply
from empath.smtp.session import State, Verb, after
from empath.smtp.verdict import refusal_of_body
from empath.smtp.xclient import names_login

Answerable = Command | BodyEnd | ChunkEnd | Refused
"""The events that want a reply."""


class ServerConnection:
    """One session, seen from the server. See the module for how it is driven."""

    def __init__(
        self,
        hostname: str,
        offers: Extensions = BASIC,
        *,
        lmtp: bool = False,
        tls: bool = False,
        bounds: Bounds | None = None,
        auth_in_clear: bool = False,
        strict_groups: bool = True,
    ) -> None:
        """``offers``: all that this server has; what of it EHLO says depends on TLS and identity.

        ``tls``: the connection is encrypted from its first octet (RFC 8314). ``auth_in_clear`` lets AUTH be offered
        without TLS. ``strict_groups`` false lets clients send on behind commands whose reply they must await (RFC 2920
        3.1); never behind DATA, STARTTLS, AUTH or XCLIENT.
        """
        self.hostname = hostname
        self.state = State.CONNECTED
        self.facts = Facts(tls=tls)
        self.errors = 0
        """Refusals sent since the session began, or since the last message that was accepted.

        452 is none: it says that there is no room here, which is no fault of the client's (RFC 5321 4.5.3.1.10).
        """
        self._offers = offers
        self._lmtp = lmtp
        self._bounds = bounds or Bounds()
        self._auth_in_clear = auth_in_clear
        self._buffer = ReceiveBuffer()
        self._eof = False
        self._reader = CommandReader(offers, self._bounds, lmtp, strict_groups, auth_in_clear)
        # What waits for an answer: its verb, the event itself, and how many replies are due.
        self._pending: Verb | None = Verb.GREETING
        self._event: Answerable | None = None
        self._due = 1
        # The body that is being read: by dot, or by chunks; and the chunk at hand, or why it is thrown away.
        self._decoder: DataDecoder | None = None
        self._chunks: ChunkReader | None = None
        self._chunk: Bdat | Refused | None = None

    @property
    def extensions(self) -> Extensions:
        """What EHLO offers now: STARTTLS before TLS only, REQUIRETLS (RFC 8689 2) and AUTH after it, AUTH once."""
        dropped = {"STARTTLS"} if self.facts.tls else {"REQUIRETLS"}
        if self.facts.authenticated or not (self.facts.tls or self._auth_in_clear):
            dropped.add("AUTH")
        return self._offers.without(*dropped)

    @property
    def unread(self) -> bool:
        """Whether octets wait behind the last event: the client sent more in this group, or did not wait its turn."""
        return bool(self._buffer)

    def receive_data(self, octets: bytes) -> None:
        """Take what the client sent; empty: it has closed its end. Bounded only by what the driver reads at once.

        What comes after the end of the session is thrown away.
        """
        if not octets:
            self._eof = True
        elif self.state is not State.CLOSED:
            self._buffer.feed(octets)

    def next_event(self) -> ServerEvent | Pause:
        """What the client wants next; a ``Pause`` says why there is nothing. Never raises on account of the client."""
        if self.state is State.CLOSED:
            return ConnectionClosed()
        if self._pending is not None:
            return NEED_REPLY
        if self._chunk is not None and self._chunks is not None:
            event = self._next_chunk(self._chunk, self._chunks)
        elif self._decoder is not None:
            event = self._next_body(self._decoder)
        else:
            event = self._next_command()
        if event is None and self._eof:
            self._close()
            return ConnectionClosed()
        return event or NEED_DATA

    def hello_reply(self) -> Reply:
        """The positive answer to the HELO, EHLO or LHLO at hand, with what is offered (RFC 5321 4.1.1.1)."""
        return Reply(250, self.hostname if isinstance(self._event, Helo) else (self.hostname, *self.extensions.lines))

    def send(self, reply: Reply) -> bytes:
        """Answer the event at hand; the octets to write. 421 may be said at any time, and closes.

        A LocalProtocolError: there is nothing to answer, or not like this.
        """
        if self.state is State.CLOSED or (self._pending in (None, Verb.HANDSHAKE) and reply.code != 421):
            raise LocalProtocolError(f"there is nothing to answer with {reply.code}")
        goal = self._goal(self._pending or Verb.NOOP, reply)
        # RFC 4954 4 gives challenges the length of its own lines; a challenge must not be folded.
        limit = self._bounds.auth_line if reply.code == 334 else self._bounds.reply_line
        wire = reply.encode(utf8=self.facts.utf8, limit=limit)
        self.errors += reply.code >= 400 and reply.code != 452
        self._due -= 1
        if self._due <= 0 or goal is State.CLOSED:
            event, self._event, self._pending = self._event, None, None
            self._arrive(goal, event if reply.positive else None)
        return wire

    def tls_established(self) -> None:
        """The handshake has succeeded: all that was said before it is forgotten (RFC 3207 4.2).

        A RemoteProtocolError: the client sent plain text behind STARTTLS, which somebody in between may have put there
        to be taken for what came through TLS. The connection is to be dropped.
        """
        if self._pending is not Verb.HANDSHAKE:
            raise LocalProtocolError("no handshake is on its way")
        if self._buffer:
            self._close()
            raise RemoteProtocolError("plain text behind STARTTLS")
        self.state, self._pending, self.facts = State.GREETED, None, Facts(tls=True)

    def _goal(self, verb: Verb, reply: Reply) -> State:
        """The state that ``reply`` leads to, if it may be given."""
        event = self._event
        if isinstance(event, Refused | BodyEnd | ChunkEnd):
            if reply.code < 400 and (isinstance(event, Refused) or event.fault):
                raise LocalProtocolError(f"{verb.value} was refused here already: {reply.code} cannot answer it")
            if isinstance(event, Refused) and event.closes:
                return State.CLOSED
        goal = after(self.state, verb, reply.kind)
        if goal is None:
            raise LocalProtocolError(f"{reply.code} does not answer {verb.value} in state {self.state.value}")
        return goal

    def _arrive(self, goal: State, granted: Answerable | None) -> None:
        """Enter ``goal`` and keep the facts in step; ``granted`` is what was answered, if the answer was positive."""
        self.state = goal
        if goal is State.CLOSED:
            self._close()
        elif goal is State.DATA:
            self._decoder = DataDecoder(self._bounds.text_line, self._offers.size)
        elif goal is State.TLS:
            self._pending = Verb.HANDSHAKE
        elif goal is State.RCPT and granted is not None and granted.verb is Verb.RCPT:
            self.facts.recipients += 1
        elif goal is State.MAIL and isinstance(granted, Mail):
            self.facts.utf8 = granted.params.smtputf8
        elif goal is State.READY:
            self.facts.forget_transaction()
            self._decoder = self._chunks = None
            if isinstance(granted, BodyEnd | ChunkEnd):
                self.errors = 0
            if isinstance(granted, Auth | AuthResponse):
                self.facts.authenticated = True
            elif isinstance(granted, Hello):
                self.facts.hello = granted
                self.facts.in_force = NO_EXTENSIONS if isinstance(granted, Helo) else self.extensions
        elif isinstance(granted, Xclient):
            self.facts = Facts(tls=self.facts.tls, authenticated=names_login(granted))

    def _close(self) -> None:
        self.state, self._pending = State.CLOSED, None
        self._buffer.clear()

    def _next_command(self) -> ServerEvent | None:
        event: ServerEvent | None
        if self.state is State.AUTH:
            event = self._reader.read_response(self._buffer)
        else:
            event = self._reader.read(self._buffer, self.state, self.facts, self.errors)
        if isinstance(event, Bdat) or (isinstance(event, Refused) and event.skip_octets):
            return self._begin_chunk(event)
        return event if event is None else self._ask(event)

    def _ask(self, event: Answerable) -> Answerable:
        """Hand ``event`` out, and read no further until it is answered: in LMTP a whole body once per recipient."""
        self._event, self._pending, self._due = event, event.verb, 1
        if self._lmtp and (isinstance(event, BodyEnd) or (isinstance(event, ChunkEnd) and event.last)):
            self._due = self.facts.recipients
        return event

    def _begin_chunk(self, event: Bdat | Refused) -> ServerEvent | None:
        self._chunk = event
        chunks = self._chunks = self._chunks or ChunkReader(self._bounds.text_line, self._offers.size)
        if isinstance(event, Refused):
            chunks.begin(event.skip_octets, discarding=True)
            return self._next_chunk(event, chunks)
        chunks.begin(event.size_octets)
        return event

    def _next_chunk(self, chunk: Bdat | Refused, chunks: ChunkReader) -> ServerEvent | None:
        block = chunks.read(self._buffer)
        if block:
            return BodyData(block)
        if not chunks.ended:
            return None
        self._chunk = None
        if isinstance(chunk, Refused):
            return self._ask(chunk)
        fault = chunks.finish(last=chunk.last)
        return self._ask(ChunkEnd(chunk.last, fault, refusal_of_body(fault)))

    def _next_body(self, decoder: DataDecoder) -> ServerEvent | None:
        block = b"" if decoder.ended else decoder.read(self._buffer)
        if block and not decoder.fault:
            return BodyData(block)
        if not decoder.ended:
            return None
        self._decoder = None
        return self._ask(BodyEnd(decoder.fault, refusal_of_body(decoder.fault)))
