"""One session: octets between a connection and the machine, and an answer to everything the machine asks.

Time is kept by one scope whose deadline moves. A command has to be complete within its time however its octets drip in;
within a message it is the pause between octets that counts. What is left of the session's whole time outranks both.

All that was sent in one group is answered in one write (RFC 2920 3.2).
"""

from __future__ import annotations

import trio
from attrs import define, field

from empath.ingress.reception import Reception
from empath.ingress.transaction import Incoming
from empath.mail.envelope import Envelope, Recipient
from empath.policy.relay import REFUSAL
from empath.smtp import (
    Bdat,
    BodyData,
    BodyEnd,
    ChunkEnd,
    ConnectionClosed,
    Data,
    Ehlo,
    Helo,
    Mail,
    Pause,
    Rcpt,
    Refused,
    RemoteProtocolError,
    Reply,
    Rset,
    ServerConnection,
    State,
    Verb,
)
from empath.smtp.server import Answerable
from empath.spool.contract import SpoolError
from empath.world.errors import NetworkError
from empath.world.tls import TlsSummary, accept_tls

_FAREWELL_S = 5.0
"""How long the last words of a session may take to be sent."""

_BUSY = (State.MAIL, State.RCPT, State.DATA, State.CHUNK)
_ANSWERS = {
    Verb.RSET: Reply(250, "OK", "2.0.0"),
    Verb.NOOP: Reply(250, "OK", "2.0.0"),
    Verb.HELP: Reply(214, "commands as in RFC 5321", "2.0.0"),
    # RFC 5321 3.5.3: neither yes nor no, so that nobody learns here which addresses there are
    Verb.VRFY: Reply(252, "send a message and see", "2.5.0"),
    Verb.EXPN: Reply(502, "not available here", "5.5.1"),
    Verb.QUIT: Reply(221, "goodbye", "2.0.0"),
    Verb.STARTTLS: Reply(220, "go ahead", "2.0.0"),
    Verb.DATA: Reply(354, "go ahead, and end with a dot on a line of its own"),
}
_MAIL_OK = Reply(250, "OK", "2.1.0")
_RCPT_OK = Reply(250, "OK", "2.1.5")
_CHUNK_OK = Reply(250, "OK", "2.0.0")
_TOO_MANY = Reply(452, "too many recipients, send the rest in a further transaction", "4.5.3")
_LOOPING = Reply(554, "the message has passed too many hosts: it is going round in circles", "5.4.6")
_NOT_NOW = Reply(451, "cannot keep the message now, try again later", "4.3.0")
_DRAINING = Reply(421, "closing, come back later", "4.3.2")
_TOO_SLOW = Reply(421, "waited too long", "4.4.2")


@define(eq=False)
class Session:
    """One client. ``run`` ends when the session has, and raises nothing on account of the client."""

    _reception: Reception
    _stream: trio.abc.Stream
    _client_ip: str
    _machine: ServerConnection = field(init=False)
    _scope: trio.CancelScope = field(init=False, factory=trio.CancelScope)
    _tls: TlsSummary | None = field(init=False, default=None)
    _trusted: bool = field(init=False, default=False)
    """Whether the client may send to anybody."""
    _ends_at: float = field(init=False, default=0.0)
    _draining: bool = field(init=False, default=False)
    # The open transaction.
    _mail: Mail | None = field(init=False, default=None)
    _recipients: list[Recipient] = field(init=False, factory=list)
    _incoming: Incoming | None = field(init=False, default=None)
    _not_now: SpoolError | None = field(init=False, default=None)
    """Why the content at hand cannot be kept: it is read to its end all the same."""

    def __attrs_post_init__(self) -> None:
        """Make the machine."""
        self._machine = self._reception.new_machine()
        self._trusted = self._reception.relay.trusts(self._client_ip)

    async def run(self) -> None:
        """Serve the client to the end of the session."""
        self._ends_at = trio.current_time() + self._reception.limits.session_timeout_s
        try:
            with self._scope:
                await self._serve()
            if self._scope.cancelled_caught:
                await self._farewell(_DRAINING if self._draining else _TOO_SLOW)
        except (NetworkError, RemoteProtocolError):
            return  # the client is gone, or gives us no choice; what it had not finished is forgotten
        finally:
            with trio.CancelScope(shield=True):
                await self._forget()
            await trio.aclose_forcefully(self._stream)

    def drain(self) -> None:
        """The daemon is stopping: an idle client is told so now, a busy one when its transaction ends."""
        self._draining = True
        if self._machine.state not in _BUSY:
            self._scope.cancel(reason="the daemon is stopping")

    async def _serve(self) -> None:
        self._allow(self._reception.limits.command_timeout_s)
        if self._machine.facts.tls:
            await self._begin_tls()
        await self._stream.send_all(self._machine.send(Reply(220, f"{self._machine.hostname} ESMTP")))
        while self._machine.state is not State.CLOSED:
            self._machine.receive_data(bytes(await self._stream.receive_some()))
            await self._answer()

    def _allow(self, seconds: float) -> None:
        self._scope.deadline = min(trio.current_time() + seconds, self._ends_at)

    async def _farewell(self, reply: Reply) -> None:
        with trio.move_on_after(_FAREWELL_S):
            if self._machine.state not in (State.CLOSED, State.TLS):
                await self._stream.send_all(self._machine.send(reply))

    async def _answer(self) -> None:
        """Deal with all that has come, and send the replies together."""
        replies: list[bytes] = []
        events = 0
        while not isinstance(event := self._machine.next_event(), Pause | ConnectionClosed):
            events += 1
            if isinstance(event, BodyData):
                await self._keep(event.data)
            elif isinstance(event, Bdat):
                self._begin_content()
            else:
                replies.append(self._machine.send(await self._decide(event)))
        if self._draining and self._machine.state not in (*_BUSY, State.TLS, State.CLOSED):
            replies.append(self._machine.send(_DRAINING))
        if replies:
            await self._stream.send_all(b"".join(replies))
        if self._machine.state is State.TLS:
            await self._begin_tls()
            self._machine.tls_established()
        if self._machine.state in (State.DATA, State.CHUNK):
            self._allow(self._reception.limits.data_timeout_s)
        elif events:
            self._allow(self._reception.limits.command_timeout_s)

    async def _begin_tls(self) -> None:
        if self._reception.tls is None:
            raise RemoteProtocolError("TLS was asked for, and this listener has no certificate")
        stream = await accept_tls(self._stream, self._reception.tls)
        self._stream, self._tls = stream, stream.summary

    async def _decide(self, event: Answerable) -> Reply:
        match event:
            case Rcpt():
                return self._judge(event)
            case Mail():
                await self._forget()
                self._mail = event
                return _MAIL_OK
            case BodyEnd() | ChunkEnd():
                return await self._end_content(event)
            case Refused():
                return event.reply
            case Helo() | Ehlo():
                await self._forget()
                return self._machine.hello_reply()
            case Data():
                self._begin_content()
            case Rset():
                await self._forget()
        return _ANSWERS[event.verb]

    def _judge(self, rcpt: Rcpt) -> Reply:
        """Whether this client may send to this recipient, and whether there is room for it."""
        if len(self._recipients) >= self._reception.limits.max_recipients:
            return _TOO_MANY  # RFC 5321 4.5.3.1.10
        if self._reception.relay.right(rcpt.forward_path, trusted=self._trusted) is None:
            return REFUSAL
        self._recipients.append(Recipient(rcpt.forward_path, rcpt.params))
        return _RCPT_OK

    def _begin_content(self) -> None:
        if self._incoming is not None or self._mail is None:
            return  # a further chunk of the same message
        reception = self._reception
        envelope = Envelope(
            reverse_path=self._mail.reverse_path,
            recipients=tuple(self._recipients),
            received=reception.clock.now(),
            params=self._mail.params,
            origin=reception.origin(self._machine, self._mail, client_ip=self._client_ip, tls=self._tls),
        )
        self._incoming = Incoming(
            reception.spool, reception.new_mid(), envelope, self._machine.hostname, reception.inline_limit_bytes
        )

    async def _keep(self, block: bytes) -> None:
        if self._incoming is None or self._not_now is not None:
            return
        try:
            await self._incoming.write(block)
        except SpoolError as problem:
            self._not_now = problem

    async def _end_content(self, end: BodyEnd | ChunkEnd) -> Reply:
        if isinstance(end, ChunkEnd) and not end.last and end.refusal is None and self._not_now is None:
            return _CHUNK_OK
        try:
            return end.refusal or await self._accept()
        finally:
            await self._forget()

    async def _accept(self) -> Reply:
        """Take the message over: from the positive reply on it is ours (RFC 5321 6.1)."""
        if self._incoming is None or self._not_now is not None:
            return _NOT_NOW
        try:
            body = await self._incoming.complete()
            if self._incoming.hops > self._reception.limits.max_hops:
                return _LOOPING
            await self._incoming.accept(body)
        except SpoolError:
            return _NOT_NOW
        return Reply(250, f"{self._incoming.mid} queued", "2.0.0")

    async def _forget(self) -> None:
        """No transaction is open any more."""
        incoming, self._incoming = self._incoming, None
        self._mail, self._recipients, self._not_now = None, [], None
        if incoming is not None:
            await incoming.discard()
