"""The client's end of a session.

The driver decides what to say; the machine says whether it may be said now, and what each reply answers::

    client = ClientConnection()
    client.receive_data(read())
    greeting = client.next_event()                # ReplyReceived(220 ...)
    write(client.send(Ehlo("relay.example.org")))
    ...
    write(client.send(Mail(sender)) + client.send(Rcpt(one)) + client.send(Rcpt(two)) + client.send(Data()))

With PIPELINING in force commands may be sent in groups (RFC 2920); without it, one at a time. What may be sent is
checked against the table folded over all commands that have no reply yet, each taken to succeed. When one does not,
the table says what becomes of the rest.

Whatever the server sends that the table has no place for is a RemoteProtocolError, and the end: every further call
raises it again. So a reply can never be taken for the answer to another command than its own.
"""

from __future__ import annotations

from collections import deque

from empath.smtp import command
from empath.smtp.body import LineRules
from empath.smtp.bounds import Bounds, command_limits
from empath.smtp.buffer import ReceiveBuffer
from empath.smtp.errors import LocalProtocolError, RemoteProtocolError
from empath.smtp.events import (
    NEED_DATA,
    Auth,
    AuthResponse,
    Bdat,
    BodyData,
    BodyEnd,
    ClientEvent,
    Command,
    ConnectionClosed,
    Data,
    Ehlo,
    Helo,
    Lhlo,
    Mail,
    Pause,
    Rcpt,
    ReplyReceived,
    Xclient,
)
from empath.smtp.extensions import EVERYTHING, NO_EXTENSIONS, Extensions
from empath.smtp.facts import Facts
from empath.smtp.reply import Reply, ReplyClass, ReplyReader
from empath.smtp.session import State, Verb, after, hoped
from empath.smtp.turn import check_available, check_group
from empath.smtp.writing import BodyWriter
from empath.smtp.xclient import names_login

_Sent = Command | BodyEnd


class ClientConnection:
    """One session, seen from the client. See the module for how it is driven."""

    def __init__(
        self,
        wanted: Extensions = EVERYTHING,
        *,
        lmtp: bool = False,
        tls: bool = False,
        bounds: Bounds | None = None,
        auth_in_clear: bool = False,
        check_bodies: bool = True,
    ) -> None:
        """``wanted``: the extensions to make use of where the server offers them.

        ``tls``: the connection is encrypted from its first octet (RFC 8314). ``auth_in_clear`` lets AUTH be said
        without TLS. ``check_bodies`` false trusts that no CR or LF stands alone in a body: for content that was checked
        when it came in.
        """
        self.state = State.CONNECTED
        self.facts = Facts(tls=tls)
        self.accepted: list[Rcpt] = []
        """The recipients that the server has accepted in the open transaction, in their order."""
        self._wanted = wanted
        self._lmtp = lmtp
        self._bounds = bounds or Bounds()
        self._auth_in_clear = auth_in_clear
        self._check_bodies = check_bodies
        self._limits = command_limits(self._bounds, NO_EXTENSIONS)
        self._buffer = ReceiveBuffer()
        self._eof = False
        self._replies = ReplyReader(self._bounds.reply_lines)
        self._broken: RemoteProtocolError | None = None
        self._outstanding: deque[_Sent] = deque()
        self._hoped = self.state
        """The state that follows if all that is outstanding succeeds."""
        self._utf8_said = False
        self._writer = BodyWriter(None)
        self._due: list[Rcpt] = []
        """In LMTP, the recipients whose replies to the final dot are still to come."""

    @property
    def outstanding(self) -> tuple[_Sent, ...]:
        """What was sent and has not been answered, oldest first."""
        return tuple(self._outstanding)

    @property
    def pipelining(self) -> bool:
        """Whether commands may be sent in groups."""
        return "PIPELINING" in self.facts.in_force

    def receive_data(self, octets: bytes) -> None:
        """Take what the server sent; empty: it has closed its end. What comes after the end is thrown away."""
        if not octets:
            self._eof = True
        elif self.state is not State.CLOSED:
            self._buffer.feed(octets)

    def next_event(self) -> ClientEvent | Pause:
        """The next reply and what it answers. A RemoteProtocolError is final, see the module.

        That the server closed is an event when it owed nothing, and an error when a reply is missing.
        """
        if self._broken is not None:
            raise self._broken
        try:
            return self._next_event()
        except RemoteProtocolError as problem:
            self._break(problem)
            raise

    def send(self, item: Command | BodyData | BodyEnd) -> bytes:
        """The octets to write. A LocalProtocolError: it must not be said now; nothing was sent, go on otherwise."""
        if isinstance(item, BodyData):
            return self._send_content(item.data)
        self._check_turn(item)
        goal = hoped(self._hoped, item.verb)
        if goal is None:
            raise LocalProtocolError(f"{item.verb.value} is out of place in state {self._hoped.value}")
        if isinstance(item, BodyEnd):
            wire = self._writer.finish_data()
        else:
            in_force = self.facts.in_force
            offered = in_force.in_ascii if isinstance(item, Rcpt) and not self._utf8_said else in_force
            wire = command.encode(item, offered, self._limits.get(item.verb, self._bounds.command_line))
        if isinstance(item, Mail):
            self._utf8_said = item.params.smtputf8
        if isinstance(item, Data) or (isinstance(item, Bdat) and self._hoped is not State.CHUNK):
            self._writer = self._new_writer()
        if isinstance(item, Bdat):
            self._writer.begin_chunk(item.size_octets, last=item.last)
        self._outstanding.append(item)
        self._hoped = goal
        return wire

    def tls_established(self) -> None:
        """The handshake has succeeded: all that was said before it is forgotten (RFC 3207 4.2).

        A RemoteProtocolError: plain text stands behind the 220, which somebody in between may have put there to be
        taken for what came through TLS. The connection is to be dropped.
        """
        if self.state is not State.TLS:
            raise LocalProtocolError("no handshake is on its way")
        if self._buffer:
            problem = RemoteProtocolError("plain text behind the reply to STARTTLS")
            self._break(problem)
            raise problem
        self.facts = Facts(tls=True)
        self.state = self._hoped = State.GREETED

    def _break(self, problem: RemoteProtocolError) -> None:
        self._broken = problem
        self.state = self._hoped = State.CLOSED
        self._buffer.clear()

    def _check_turn(self, item: _Sent) -> None:
        if self.state is State.CLOSED:
            raise LocalProtocolError("the session has ended")
        if self._writer.chunk_left:
            raise LocalProtocolError(f"{self._writer.chunk_left} octets of the chunk are still to be sent")
        if self._outstanding:
            check_group(item, self._outstanding[-1].verb, self.facts)
        elif self._buffer:
            raise LocalProtocolError("a reply waits to be read: nothing may be sent that it could be taken to answer")
        check_available(item, self.facts, lmtp=self._lmtp, auth_in_clear=self._auth_in_clear)

    def _send_content(self, content: bytes) -> bytes:
        if self.state is State.CLOSED:
            raise LocalProtocolError("the session has ended")
        if self._writer.chunk_left:
            return self._writer.write_chunk(content)
        if self.state is not State.DATA or self._outstanding:
            raise LocalProtocolError("content is sent after 354, or after BDAT has announced it")
        if not self.accepted:
            raise LocalProtocolError("no recipient was accepted: only the lone dot may be sent (RFC 2920 3.1)")
        return self._writer.write_data(content)

    def _new_writer(self) -> BodyWriter:
        return BodyWriter(LineRules(self._bounds.text_line, None) if self._check_bodies else None)

    def _next_event(self) -> ClientEvent | Pause:
        if self.state is State.CLOSED:
            return ConnectionClosed()
        if self.state is State.TLS and self._buffer:
            raise RemoteProtocolError("plain text behind the reply to STARTTLS")
        asked = self._outstanding[0].verb if self._outstanding else None
        # RFC 4954 4: a challenge may be as long as the lines of AUTH.
        limit = self._bounds.auth_line if asked in (Verb.AUTH, Verb.RESPONSE) else self._bounds.reply_line
        reply = self._replies.read(self._buffer, limit)
        if reply is not None:
            return self._attribute(reply)
        if not self._eof:
            return NEED_DATA
        if self._outstanding or self._buffer or self._replies.partial or self.state is State.CONNECTED:
            raise RemoteProtocolError(f"the server closed and left {asked.value if asked else 'GREETING'} unanswered")
        self.state = self._hoped = State.CLOSED
        return ConnectionClosed()

    def _attribute(self, reply: Reply) -> ReplyReceived:
        """Find what ``reply`` answers, and move."""
        item = self._outstanding[0] if self._outstanding else None
        if item is None and self.state is not State.CONNECTED and reply.kind is not ReplyClass.CLOSING:
            raise RemoteProtocolError(f"a reply to nothing: {reply}")
        verb = item.verb if item else Verb.GREETING
        goal = after(self.state, verb, reply.kind)
        if goal is None:
            raise RemoteProtocolError(f"{reply.code} cannot answer {verb.value} in state {self.state.value}")
        void = verb in (Verb.END, Verb.BDAT, Verb.BDAT_LAST) and not self.accepted
        if goal is State.DATA and self._lmtp and not self.accepted:
            # RFC 2033 4.2: there would be no reply to the dot, since there is none for each recipient.
            raise RemoteProtocolError("354 in LMTP although no recipient was accepted")
        recipient = None
        if self._lmtp and verb in (Verb.END, Verb.BDAT_LAST) and not void:
            self._due = self._due or list(self.accepted)
            recipient = self._due.pop(0)
            if self._due and goal is not State.CLOSED:
                return ReplyReceived(reply, item, recipient)
        self._arrive(goal, reply)
        return ReplyReceived(reply, item, recipient, void)

    def _arrive(self, goal: State, reply: Reply) -> None:
        """Enter ``goal``, keep the facts in step, and work out anew what to hope for if this was not hoped for."""
        item = self._outstanding.popleft() if self._outstanding else None
        surprising = item is None or hoped(self.state, item.verb) is not goal
        self.state = goal
        if reply.positive and item is not None:
            self._grant(item, reply)
        if goal is State.READY:
            self.accepted = []
            self.facts.forget_transaction()
        if surprising:
            self._hoped = goal
            for sent in self._outstanding:
                self._hoped = hoped(self._hoped, sent.verb) or self._hoped

    def _grant(self, item: _Sent, reply: Reply) -> None:
        match item:
            case Rcpt():
                self.accepted.append(item)
                self.facts.recipients += 1
            case Mail():
                self.facts.utf8 = item.params.smtputf8
            case Helo():
                self.facts.hello, self.facts.in_force = item, NO_EXTENSIONS
            case Ehlo() | Lhlo():
                self.facts.hello, self.facts.in_force = item, Extensions.parse(reply.lines[1:]) & self._wanted
                self._limits = command_limits(self._bounds, self.facts.in_force)
            case Auth() | AuthResponse():
                self.facts.authenticated = True
            case Xclient():
                self.facts = Facts(tls=self.facts.tls, authenticated=names_login(item))
