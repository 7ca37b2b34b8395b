"""One session: octets between a connection and the machine, in time. What is answered, `Answering` decides.

`Timing` keeps the time. All that was sent in one group is answered in one write (RFC 2920 3.2), and nothing more is
read before that is done: a client that does not take its replies cannot make us keep more of them.
"""

from __future__ import annotations

from collections.abc import Callable

import trio
from attrs import define, field

from empath.ingress import replies
from empath.ingress.answering import Answering
from empath.ingress.client import Client
from empath.ingress.hooks import SessionHooks
from empath.ingress.limits.timing import Timing
from empath.ingress.reception import Reception
from empath.ingress.transaction import Transaction
from empath.mail.dialogue import Talk, Tap
from empath.mail.ids import SessionId
from empath.smtp import (
    Bdat,
    BodyData,
    ConnectionClosed,
    Pause,
    Quit,
    RemoteProtocolError,
    Reply,
    ServerConnection,
    State,
)
from empath.smtp.server import Answerable
from empath.world.encrypted import TlsStream
from empath.world.errors import NetworkError

_TURN = 32
"""So many events of one session, and the others have their turn: one read can hold ten thousand commands."""
_BUSY = (State.MAIL, State.RCPT, State.DATA, State.CHUNK)


@define(eq=False)
class Session:
    """One client. ``run`` ends when the session has, and raises nothing on account of the client."""

    _reception: Reception
    _stream: trio.abc.Stream
    _client: Client
    _crowded: Callable[[], bool]
    """Whether there are so many sessions that each has to be quick."""
    dismissed: bool = field(init=False, default=False)
    """Whether we have ended the session, with words that the client may not have read yet."""
    _machine: ServerConnection = field(init=False)
    _timing: Timing = field(init=False)
    _in_content: bool = field(init=False, default=False)
    """Whether the content of a message is on its way."""
    _draining: bool = field(init=False, default=False)
    _owing: bool = field(init=False, default=False)
    """Whether replies are being made."""
    _writing: bool = field(init=False, default=False)
    """Whether replies are on their way."""
    _tap: Tap = field(init=False)
    _talk: Talk | None = field(init=False, default=None)
    name: SessionId = field(init=False)
    """For the log."""
    _transaction: Transaction = field(init=False)
    _answering: Answering = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Make the machine, and those who decide."""
        reception, name = self._reception, self._reception.new_session_id()
        self.name = name
        self._tap = reception.tap
        self._machine = machine = reception.new_machine(self._client)
        self._timing = Timing(reception.limits, self._crowded)
        hooks = SessionHooks.of(reception, machine, name, self._client)
        self._transaction = Transaction(reception, machine, name, self._client, hooks)
        self._answering = Answering(reception, machine, name, self._client, self._transaction, hooks)

    async def run(self) -> None:
        """Serve the client to the end of the session. Closing the connection is left to the caller."""
        began = trio.current_time()
        reason = "the client closed"
        try:
            with self._timing.scope:
                reason = await self._serve()
            if self._timing.scope.cancelled_caught:
                last = replies.DRAINING if self._draining else replies.TOO_SLOW
                reason = last.text
                await self._farewell(last)
            if isinstance(self._stream, TlsStream):
                await self._stream.announce_end()
        except (NetworkError, RemoteProtocolError) as problem:
            reason = str(problem)  # the client is gone, or gives us no choice; what it had not finished is forgotten
        finally:
            with trio.CancelScope(shield=True):
                await self._transaction.forget()
            self._answering.closed(reason, trio.current_time() - began)
            if self._tap.listener is not None:
                self.talk.close(f"closed: {reason}")

    def drain(self) -> None:
        """The daemon is stopping: an idle client is told so now, a busy one when its transaction ends.

        Replies that are due are sent first, lest a client send again what was taken.
        """
        self._draining = True
        if not (self._owing or self._writing) and self._machine.state not in _BUSY:
            self._timing.scope.cancel(reason="the daemon is stopping")

    def hurry(self) -> None:
        """It has become crowded: a client that is waited for has little time left."""
        self._timing.hurry()

    async def _serve(self) -> str:
        """All of the session but its last words; how it ended."""
        if self._machine.facts.tls:
            await self._begin_tls()
        if await self._speaks_first():
            self.dismissed = True
            await self._write(self._machine.send(replies.TOO_SOON))
            return replies.TOO_SOON.text
        self._timing.work()
        greeting = await self._answering.greeting()
        self.dismissed = greeting.code == 421
        if self._tap.listener is not None:
            self.talk.reply(greeting)
        await self._write(self._machine.send(greeting))
        if self.dismissed:
            return greeting.text
        self._timing.await_command()
        self._answering.opened()
        reason = None
        while reason is None:
            octets = bytes(await self._stream.receive_some())
            self._machine.receive_data(octets)
            reason = await self._answer(len(octets))
        return reason

    async def _speaks_first(self) -> bool:
        """Whether a stranger cannot wait for the greeting (RFC 5321 4.3.1), as programs that only send cannot."""
        pause_s = self._reception.limits.greet_pause_s
        if pause_s and not self._reception.relay.trusts(self._client.ip):
            with trio.move_on_after(pause_s):
                return bool(await self._stream.receive_some())
        return False

    async def _write(self, octets: bytes, *, late_s: float = 0.0) -> None:
        self._writing = True
        if late_s:
            await trio.sleep(late_s)
            self._timing.work()
        await self._stream.send_all(octets)
        self._writing = False
        if self._draining:
            self.drain()

    async def _farewell(self, reply: Reply) -> None:
        """Say why it is over, to a client that could understand it: not in the middle of a reply or of a handshake."""
        machine = self._machine
        in_handshake = machine.state is State.TLS or (machine.facts.tls and self._client.tls is None)
        if self._writing or in_handshake or machine.state is State.CLOSED:
            return
        self.dismissed = True
        with trio.move_on_after(self._reception.limits.farewell_timeout_s):
            await self._stream.send_all(machine.send(reply))

    async def _answer(self, size_bytes: int) -> str | None:
        """Deal with all that has come, and send the replies together; why the session is over, or None to go on."""
        machine, wire = self._machine, list[bytes]()
        began, events, errors, reason = False, 0, machine.errors, None
        while not isinstance(event := machine.next_event(), Pause | ConnectionClosed):
            if not events:
                self._owing = True
                self._timing.work()
            events += 1
            if not events % _TURN:
                await trio.lowlevel.cancel_shielded_checkpoint()  # what is answered already is to be said
            if self._tap.listener is not None:
                self._tell(event)
            if isinstance(event, BodyData):
                await self._transaction.keep(event.data)
            elif isinstance(event, Bdat):
                await self._transaction.begin_chunk()
                began = self._in_content = True
            else:
                reply = await self._answering.reply(event)
                wire.append(machine.send(reply))
                if self._tap.listener is not None:
                    self.talk.reply(reply)
                began = self._in_content = machine.state is State.DATA
                if machine.state is State.CLOSED:
                    reason = "quit" if isinstance(event, Quit) else reply.text
                    self.dismissed = not isinstance(event, Quit)
        self._owing = False
        if wire:
            await self._write(b"".join(wire), late_s=self._penalty_s(errors))
        if machine.state is State.CLOSED:
            return reason or "the client closed"
        if machine.state is State.TLS:
            await self._begin_tls()
            machine.tls_established()
        self._await_client(size_bytes, began=began, answered=events > 0)
        return None

    @property
    def talk(self) -> Talk:
        """What is told to the tap, which has a listener."""
        if self._talk is None or self._talk.round != self._tap.round:
            self._talk = Talk(self._tap, is_incoming=True, peer=self._client.ip)
        return self._talk

    def _tell(self, event: Answerable | BodyData | Bdat) -> None:
        talk = self.talk
        talk.mid = self._transaction.mid or talk.mid
        talk.content(event.data) if isinstance(event, BodyData) else talk.command(event)

    def _penalty_s(self, errors_before: int) -> float:
        """How long the replies wait because one of them is one refusal too many."""
        errors = self._machine.errors
        return self._reception.penalty.delay_s(errors) if errors > errors_before else 0.0

    def _await_client(self, size_bytes: int, *, began: bool, answered: bool) -> None:
        """Set the time for what is to come. A command that is not complete has what is left of its own."""
        if began and self._in_content:
            self._timing.await_first_content()
        elif self._in_content:
            self._timing.await_more_content(size_bytes)
        elif answered:
            self._timing.await_command()

    async def _begin_tls(self) -> None:
        if self._reception.tls is None:
            raise RemoteProtocolError("TLS was asked for, and this listener has no certificate")
        stream = await self._reception.tls.accept(self._stream)
        # RFC 3207 4.2: what was said in clear is forgotten, a login by XCLIENT too.
        self._stream, self._client.tls, self._client.login = stream, stream.summary, None
        if self._tap.listener is not None:
            self.talk.note(f"{stream.summary.version} {stream.summary.cipher}")
