"""One session: octets between a connection and the machine, in time. What is answered, `Answering` decides.

Time is kept by one scope whose deadline moves. A command has to be complete within its time however its octets drip in;
within a message it is the pause between octets that counts. What is left of the session's whole time outranks both.

All that was sent in one group is answered in one write (RFC 2920 3.2).
"""

from __future__ import annotations

import trio
from attrs import define, field

from empath.ingress import replies
from empath.ingress.answering import Answering
from empath.ingress.client import Client
from empath.ingress.reception import Reception
from empath.ingress.transaction import Transaction
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
from empath.world.errors import NetworkError
from empath.world.tls import accept_tls

_FAREWELL_S = 5.0
"""How long the last words of a session may take to be sent."""

_BUSY = (State.MAIL, State.RCPT, State.DATA, State.CHUNK)


@define(eq=False)
class Session:
    """One client. ``run`` ends when the session has, and raises nothing on account of the client."""

    _reception: Reception
    _stream: trio.abc.Stream
    _client: Client
    _machine: ServerConnection = field(init=False)
    _scope: trio.CancelScope = field(init=False, factory=trio.CancelScope)
    _ends_at: float = field(init=False, default=0.0)
    _draining: bool = field(init=False, default=False)
    _writing: bool = field(init=False, default=False)
    """Whether replies are on their way."""
    _transaction: Transaction = field(init=False)
    _answering: Answering = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Make the machine, and those who decide."""
        reception, name = self._reception, self._reception.new_session_id()
        self._machine = machine = reception.new_machine()
        self._transaction = Transaction(reception, machine, name, self._client)
        self._answering = Answering(reception, machine, name, self._client, self._transaction)

    async def run(self) -> None:
        """Serve the client to the end of the session."""
        began = trio.current_time()
        self._ends_at = began + self._reception.limits.session_timeout_s
        reason = "the client closed"
        try:
            with self._scope:
                reason = await self._serve()
            if self._scope.cancelled_caught:
                last = replies.DRAINING if self._draining else replies.TOO_SLOW
                reason = last.text
                await self._farewell(last)
        except (NetworkError, RemoteProtocolError) as problem:
            reason = str(problem)  # the client is gone, or gives us no choice; what it had not finished is forgotten
        finally:
            with trio.CancelScope(shield=True):
                await self._transaction.forget()
            await trio.aclose_forcefully(self._stream)
            self._answering.closed(reason, trio.current_time() - began)

    def drain(self) -> None:
        """The daemon is stopping: an idle client is told so now, a busy one when its transaction ends.

        Replies that are on their way are sent first, lest a client send again what was taken.
        """
        self._draining = True
        if not self._writing and self._machine.state not in _BUSY:
            self._scope.cancel(reason="the daemon is stopping")

    async def _serve(self) -> str:
        """All of the session but its last words; how it ended."""
        self._allow(self._reception.limits.command_timeout_s)
        if self._machine.facts.tls:
            await self._begin_tls()
        await self._write(self._machine.send(Reply(220, f"{self._machine.hostname} ESMTP")))
        self._answering.opened()
        while self._machine.state is not State.CLOSED:
            self._machine.receive_data(bytes(await self._stream.receive_some()))
            if await self._answer():
                return "quit"
        return "the client closed" if self._machine.errors < self._reception.limits.max_errors else "too many errors"

    async def _write(self, octets: bytes) -> None:
        self._writing = True
        await self._stream.send_all(octets)
        self._writing = False
        if self._draining:
            self.drain()

    def _allow(self, seconds: float) -> None:
        self._scope.deadline = min(trio.current_time() + seconds, self._ends_at)

    async def _farewell(self, reply: Reply) -> None:
        """Say why it is over, to a client that could understand it: not in the middle of a reply or of a handshake."""
        machine = self._machine
        in_handshake = machine.state is State.TLS or (machine.facts.tls and self._client.tls is None)
        if self._writing or in_handshake or machine.state is State.CLOSED:
            return
        with trio.move_on_after(_FAREWELL_S):
            await self._stream.send_all(machine.send(reply))

    async def _answer(self) -> bool:
        """Deal with all that has come, and send the replies together; whether the client took its leave."""
        wire: list[bytes] = []
        events, quitting = 0, False
        while not isinstance(event := self._machine.next_event(), Pause | ConnectionClosed):
            events += 1
            if isinstance(event, BodyData):
                await self._transaction.keep(event.data)
            elif isinstance(event, Bdat):
                self._transaction.begin_content()
            else:
                wire.append(self._machine.send(await self._answering.reply(event)))
                quitting = isinstance(event, Quit)
        if wire:
            await self._write(b"".join(wire))
        if self._machine.state is State.TLS:
            await self._begin_tls()
            self._machine.tls_established()
        if self._machine.state in (State.DATA, State.CHUNK):
            self._allow(self._reception.limits.data_timeout_s)
        elif events:
            self._allow(self._reception.limits.command_timeout_s)
        return quitting

    async def _begin_tls(self) -> None:
        if self._reception.tls is None:
            raise RemoteProtocolError("TLS was asked for, and this listener has no certificate")
        stream = await accept_tls(self._stream, self._reception.tls)
        self._stream, self._client.tls = stream, stream.summary
