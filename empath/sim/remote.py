"""Remote mail servers that do as they are told: what a worker meets outside, on a virtual host.

A server takes every message unless a `Rule` says otherwise. Rules are data: in which phase, for which address, by what
chance, in which span of time, how often, and what happens then: a reply, octets that are none, or a fault of the
connection. What was taken is kept with all that a test may want to compare, and whether the client can know of it.

With a certificate it offers STARTTLS. The TLS is real, over the simulated link: it computes and waits for nothing. If
it is to offer AUTH, whoever logs in with PLAIN is let in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio
from attrs import define, field

from empath.mail import Phase
from empath.sim.behaviour import Fault, Moment, Octets, Overheard, Reaction, Rule, Taken
from empath.smtp import (
    Address,
    Auth,
    Bdat,
    BodyData,
    BodyEnd,
    ChunkEnd,
    ConnectionClosed,
    Data,
    Ehlo,
    Extensions,
    Helo,
    Mail,
    MailParams,
    Noop,
    Pause,
    Quit,
    Rcpt,
    Refused,
    Reply,
    Rset,
    ServerConnection,
    ServerEvent,
    StartTls,
    State,
    Verb,
)
from empath.world import ConnectionLost, TcpEndpoint, TlsFailed
from empath.world.handshake import accept_tls

if TYPE_CHECKING:
    from collections.abc import Callable

    from empath.sim.entropy import SeededEntropy
    from empath.sim.link import SimulatedConnection
    from empath.sim.network import SimulatedListener, VirtualHost
    from empath.world.tls import TlsContext

__all__ = ["OFFERS", "Fault", "Octets", "Overheard", "Reaction", "RemoteServer", "Rule", "Taken"]

OFFERS: Final = Extensions.of("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "SIZE 10000000")
_DONE: Final = Reply(250, "done", "2.0.0")
_GO_AHEAD: Final = Reply(354, "go ahead")
_GOODBYE: Final = Reply(221, "goodbye", "2.0.0")
_BEGIN_TLS: Final = Reply(220, "begin", "2.0.0")
_WELCOME: Final = Reply(235, "welcome", "2.7.0")
_NOT_HERE: Final = Reply(502, "not available here", "5.5.1")


@define(eq=False)
class RemoteServer:
    """One host with a server on port 25 of each of its addresses. ``rules`` may change while it runs."""

    name: str
    host: VirtualHost
    entropy: SeededEntropy
    rules: list[Rule] = field(factory=list)
    offers: Extensions = field(default=OFFERS, kw_only=True)
    pause_s: float = field(default=0.0, kw_only=True)
    """How long it thinks before each write: a slow host."""
    greeting_s: float = field(default=0.0, kw_only=True)
    """How long it lets those wait who have just connected."""
    tls: TlsContext | None = field(default=None, kw_only=True)
    """With what it serves inside TLS; None: it has none."""
    on_accept: Callable[[], None] = field(default=lambda: None, kw_only=True)
    """Called when a connection was accepted."""
    taken: list[Taken] = field(init=False, factory=list)
    has_taken: trio.Event = field(init=False, factory=trio.Event)
    """Whether it has taken anything."""
    connections: int = field(init=False, default=0)
    """How many were accepted so far."""
    overheard: list[Overheard] = field(init=False, factory=list)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled."""
        async with trio.open_nursery() as nursery:
            for address in self.host.addresses:
                listener = await self.host.listen(TcpEndpoint(address, 25))
                nursery.start_soon(self._accept, listener, nursery)
            task_status.started()

    async def _accept(self, listener: SimulatedListener, nursery: trio.Nursery) -> None:
        async with listener:
            while True:
                connection = await listener.accept()
                self.connections += 1
                self.on_accept()
                nursery.start_soon(_Session(self, connection).run)

    def reaction(self, phase: Moment, address: str = "") -> Reaction | None:
        """What the first rule that fits wants; None: nothing unusual."""
        return next((rule.reaction for rule in self.rules if rule.fits(phase, address, self.entropy)), None)


class _Broken(Exception):
    """A fault has ended the session."""


@define(eq=False)
class _Session:
    """One client."""

    _server: RemoteServer
    _connection: SimulatedConnection
    _stream: trio.abc.Stream = field(init=False)
    """The connection, or TLS on it."""
    _machine: ServerConnection = field(init=False)
    _reverse_path: Address | None = field(init=False, default=None)
    _params: MailParams = field(init=False, factory=MailParams)
    _recipients: list[Rcpt] = field(init=False, factory=list)
    _content: bytearray = field(init=False, factory=bytearray)
    _unsent: bytearray = field(init=False, factory=bytearray)
    """Replies to what has come in one group, which leave together (RFC 2920 3.2)."""

    def __attrs_post_init__(self) -> None:
        self._stream = self._connection
        offers = self._server.offers
        if self._server.tls is not None:
            offers = Extensions.of(*offers.lines, "STARTTLS")
        self._machine = ServerConnection(self._server.name, offers)

    async def run(self) -> None:
        try:
            if self._server.greeting_s:
                await trio.sleep(self._server.greeting_s)
            await self._say(await self._react(Phase.GREETING) or Reply(220, f"{self._server.name} ESMTP"))
            while True:
                await self._flush()
                if self._machine.state is State.CLOSED:
                    return
                if self._machine.state is State.TLS and self._server.tls is not None:
                    await self._encrypt(self._server.tls)
                self._machine.receive_data(bytes(await self._stream.receive_some()))
                await self._answer_all()
        except (_Broken, ConnectionLost, TlsFailed):
            return
        finally:
            self._connection.close()

    async def _encrypt(self, context: TlsContext) -> None:
        reaction = await self._react(Verb.HANDSHAKE)
        if reaction is not None:
            await self._stream.receive_some()  # sent at once, they would stand behind the reply, where nobody reads on
            await self._say(reaction if isinstance(reaction, Octets) else Octets(reaction.encode()))
            await self._break(Fault.CLOSE)
        self._stream = await accept_tls(self._connection, context)
        self._machine.tls_established()

    async def _answer_all(self) -> None:
        while not isinstance(event := self._machine.next_event(), Pause | ConnectionClosed):
            if isinstance(event, BodyData):
                self._content += event.data
            elif not isinstance(event, Bdat):
                await self._say(await self._answer(event))

    async def _say(self, reply: Reply | Octets) -> None:
        """Have a reply sent. Octets that replace one leave here, and the machine is told that the usual one has."""
        if isinstance(reply, Reply):
            self._unsent += self._machine.send(reply)
            return
        self._unsent += reply.octets
        while reply.endless:
            await self._flush()
            self._unsent += reply.octets
        await self._flush()
        if reply.then is not None:
            await self._break(reply.then)
        self._machine.send(_DONE)

    async def _flush(self) -> None:
        await trio.sleep(self._server.pause_s)
        octets = bytes(self._unsent)
        self._unsent.clear()
        await self._stream.send_all(octets)

    async def _answer(self, event: ServerEvent) -> Reply | Octets:
        match event:
            case Refused(reply=reply):
                return reply
            case Ehlo() | Helo():
                return await self._react(Phase.HELLO) or self._machine.hello_reply()
            case Mail(reverse_path=sender, params=params):
                self._reverse_path, self._params, self._recipients = sender, params, []
                self._content.clear()
                return await self._react(Phase.MAIL, "" if sender is None else str(sender)) or _DONE
            case Rcpt(forward_path=recipient):
                if not self._machine.facts.tls:
                    self._server.overheard.append(Overheard(self._server.name, recipient))
                return await self._react(Phase.RCPT, str(recipient)) or self._take_recipient(event)
            case StartTls():
                return await self._react(Phase.STARTTLS) or _BEGIN_TLS
            case Auth():
                return await self._react(Phase.LOGIN) or _WELCOME
            case Data():
                return await self._react(Phase.DATA) or _GO_AHEAD
            case ChunkEnd(last=False):
                return event.refusal or await self._react(Phase.DATA) or _DONE
            case BodyEnd() | ChunkEnd():
                return event.refusal or await self._end()
            case Quit():
                return await self._react(Verb.QUIT) or _GOODBYE
            case Rset() | Noop():
                return _DONE
            case _:
                return _NOT_HERE

    def _take_recipient(self, rcpt: Rcpt) -> Reply:
        self._recipients.append(rcpt)
        return _DONE

    async def _end(self) -> Reply | Octets:
        """Take the message. One that a fault keeps from being confirmed was taken all the same (RFC 1047)."""
        reaction = self._server.reaction(Phase.END)
        if isinstance(reaction, Reply):
            return reaction
        self._keep(confirmed=reaction is None)
        if isinstance(reaction, Fault):
            await self._break(reaction)
        return reaction if isinstance(reaction, Octets) else _DONE

    def _keep(self, *, confirmed: bool) -> None:
        hello = self._machine.facts.hello
        self._server.has_taken.set()
        self._server.taken.append(
            Taken(
                at=trio.current_time(),
                host=self._server.name,
                hello="" if hello is None else hello.name,
                reverse_path=self._reverse_path,
                recipients=tuple(rcpt.forward_path for rcpt in self._recipients),
                params=self._params,
                wishes=tuple(rcpt.params for rcpt in self._recipients),
                content=bytes(self._content),
                encrypted=self._machine.facts.tls,
                confirmed=confirmed,
            )
        )

    async def _react(self, phase: Moment, address: str = "") -> Reply | Octets | None:
        reaction = self._server.reaction(phase, address)
        if isinstance(reaction, Fault):
            await self._flush()  # what was answered before is on its way
            await self._break(reaction)
        return None if isinstance(reaction, Fault) else reaction

    async def _break(self, fault: Fault) -> None:
        if fault is Fault.RESET:
            self._connection.link.reset()
        while fault is Fault.STALL and await self._connection.receive_some():
            pass
        raise _Broken
