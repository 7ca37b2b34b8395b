"""A hop: an open connection to a next host, greeted and introduced, with its machine.

Whatever goes wrong with it leaves this module as a ``Failure`` that names the phase and the host. After any failure the
hop is of no further use and is closed by whoever owns it: nothing is said to a host that no longer makes sense.
"""

from __future__ import annotations

from types import TracebackType

import trio
from attrs import define, field, frozen

from empath.config.schema import TimeoutSettings
from empath.mail.diagnosis import Diagnosis, Kind, Phase, phase_of
from empath.mail.failure import Failure, SystemFailure, SystemKind, failure_of, judge
from empath.policy.route import Target
from empath.policy.tls import Situation, Step, TlsPolicy, refusal, step
from empath.smtp import (
    BodyEnd,
    Bounds,
    ClientConnection,
    Command,
    ConnectionClosed,
    Ehlo,
    Helo,
    Quit,
    RemoteProtocolError,
    ReplyReceived,
    Rset,
    StartTls,
    State,
)
from empath.world.endpoint import TcpEndpoint
from empath.world.errors import ConnectFailed, ConnectionLost, LocalNetworkFault, TlsFailed
from empath.world.ports import Network
from empath.world.tls import TlsContext, TlsSummary, start_tls

_BOUNDS = Bounds(reply_line=4096)
"""RFC 5321 4.5.3.1.5 allows 512 octets in a reply line; real hosts write whole paragraphs into theirs."""


class within:  # noqa: N801  it reads as a word of the sentence: with within(30, Phase.MAIL, host)
    """Do something with ``host`` in so much time, and turn all that can go wrong into a Failure.

    A class and no generator, since every message passes several of these.
    """

    __slots__ = ("_host", "_phase", "_scope", "_seconds")

    def __init__(self, seconds: float, phase: Phase, host: str) -> None:
        """The time begins when the block does."""
        self._seconds = seconds
        self._phase = phase
        self._host = host
        self._scope = trio.CancelScope()

    def __enter__(self) -> None:
        """Begin."""
        self._scope.deadline = trio.current_time() + self._seconds
        self._scope.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; a Failure or SystemFailure is raised here."""
        self._scope.__exit__(kind, problem, trace)
        if self._scope.cancelled_caught:
            raise self._failure(Kind.TIMEOUT, f"no answer within {self._seconds:g} s")
        match problem:
            case None:
                return
            case ConnectFailed():
                raise self._failure(Kind.CONNECT, problem.reason) from problem
            case ConnectionLost():
                raise self._failure(Kind.CONNECTION_LOST, str(problem)) from problem
            case TlsFailed():
                raise self._failure(Kind.TLS_FAILED, problem.reason) from problem
            case RemoteProtocolError():
                raise self._failure(Kind.PROTOCOL, str(problem)) from problem
            case LocalNetworkFault():
                raise SystemFailure(SystemKind.OVERLOAD, str(problem)) from problem

    def _failure(self, kind: Kind, text: str) -> Failure:
        return failure_of(Diagnosis(kind=kind, phase=self._phase, host=self._host, text=text))


@define(eq=False)
class Hop:
    """See the module."""

    target: Target
    timeouts: TimeoutSettings
    client: ClientConnection
    stream: trio.abc.Stream
    tls: TlsSummary | None = field(init=False, default=None)
    transactions: int = field(init=False, default=0)
    """Messages that were tried over it."""

    @property
    def usable(self) -> bool:
        """Whether a transaction may begin now."""
        return self.client.state is State.READY and not self.client.outstanding

    def say(self, *items: Command | BodyEnd) -> bytes:
        """The octets of a group of commands.

        A RemoteProtocolError or ConnectionLost: the host has spoken out of turn. Were we to go on, what it said could
        be taken for the answer.
        """
        if not self.client.outstanding and isinstance(self.client.next_event(), ReplyReceived | ConnectionClosed):
            raise ConnectionLost("the host has ended the session")
        return b"".join([self.client.send(item) for item in items])

    async def replies(self, count: int) -> list[ReplyReceived]:
        """The next ``count`` replies. To be called within ``within``."""
        received: list[ReplyReceived] = []
        while len(received) < count:
            event = self.client.next_event()
            if isinstance(event, ReplyReceived):
                received.append(event)
                if self.client.state is State.CLOSED:
                    break  # 421: the rest will never be answered
                continue
            octets = bytes(await self.stream.receive_some())
            if not octets:
                raise ConnectionLost("the host closed the connection")
            self.client.receive_data(octets)
        return received

    async def ask(self, item: Command | BodyEnd, timeout_s: float) -> ReplyReceived:
        """Say one thing and wait for its answer."""
        with within(timeout_s, phase_of(item.verb), self.target.host):
            await self.stream.send_all(self.say(item))
            return (await self.replies(1))[0]
        raise AssertionError("within raises or returns")

    async def reset(self) -> bool:
        """Get rid of a transaction that was not completed; whether the hop is usable now."""
        if self.client.state in (State.MAIL, State.RCPT, State.CHUNK) and not self.client.outstanding:
            with trio.move_on_after(self.timeouts.command_s):
                try:
                    await self.stream.send_all(self.say(Rset()))
                    await self.replies(1)
                except (ConnectionLost, RemoteProtocolError):
                    return False
        return self.usable

    async def quit(self) -> None:
        """Take leave, if there is somebody to take leave of. Never fails: no message hangs on it any more."""
        try:
            with trio.move_on_after(self.timeouts.quit_s):
                if self.usable:
                    await self.stream.send_all(self.say(Quit()))
                    await self.replies(1)
        except (ConnectionLost, RemoteProtocolError):
            return
        finally:
            await trio.aclose_forcefully(self.stream)


@frozen(kw_only=True)
class Dialling:
    """How connections of a lane are made."""

    network: Network
    hostname: str
    timeouts: TimeoutSettings
    tls: TlsPolicy
    context: TlsContext

    def suits(self, hop: Hop) -> bool:
        """Whether a connection that was opened for another domain may carry the mail of this one."""
        return hop.tls is not None or self.tls is not TlsPolicy.REQUIRED

    async def open(self, host: Target) -> Hop:
        """Connect, read the greeting, introduce ourselves, and encrypt as the policy has it. Raises Failure."""
        try:
            return await self._open(host, encrypt=True)
        except Failure as problem:
            broken = problem.diagnosis.phase is Phase.STARTTLS and problem.diagnosis.reply is None
            if not broken or step(self.tls, Situation.HANDSHAKE_FAILED) is not Step.AGAIN_IN_CLEAR:
                raise
        return await self._open(host, encrypt=False)

    async def _open(self, host: Target, *, encrypt: bool) -> Hop:
        with within(self.timeouts.connect_s, Phase.CONNECT, host.host):
            stream: trio.abc.Stream = await self.network.connect(TcpEndpoint(host.address, host.port))
        hop = Hop(host, self.timeouts, ClientConnection(bounds=_BOUNDS, check_bodies=False), stream)
        try:
            await self._greet(hop)
            if encrypt:
                await self._encrypt(hop)
        except BaseException:
            await trio.aclose_forcefully(hop.stream)
            raise
        return hop

    async def _greet(self, hop: Hop) -> None:
        with within(self.timeouts.greeting_s, Phase.GREETING, hop.target.host):
            greeting = (await hop.replies(1))[0].reply
        if not greeting.positive:
            raise judge(greeting, Phase.GREETING, host=hop.target.host)
        await self._introduce(hop)

    async def _introduce(self, hop: Hop) -> None:
        """Say EHLO with our own name, or HELO to a host that knows no EHLO (RFC 5321 3.2)."""
        answer = await hop.ask(Ehlo(self.hostname), self.timeouts.command_s)
        if answer.reply.code >= 500:
            answer = await hop.ask(Helo(self.hostname), self.timeouts.command_s)
        if not answer.reply.positive:
            raise judge(answer.reply, Phase.HELLO, host=hop.target.host)

    async def _encrypt(self, hop: Hop) -> None:
        """Say STARTTLS if the policy has us do so here, and be told why not to go on if it does not."""
        offered = "STARTTLS" in hop.client.facts.in_force
        situation = Situation.OFFERED if offered else Situation.NOT_OFFERED
        reply = None
        if step(self.tls, situation) is Step.START:
            reply = (await hop.ask(StartTls(), self.timeouts.command_s)).reply
            if reply.positive:
                await self._shake_hands(hop)
                return
            situation = Situation.REFUSED
        if step(self.tls, situation) is Step.DEFER:
            raise refusal(situation, host=hop.target.host, reply=reply)

    async def _shake_hands(self, hop: Hop) -> None:
        with within(self.timeouts.command_s, Phase.STARTTLS, hop.target.host):
            stream = await start_tls(hop.stream, self.context, host=hop.target.host)
            hop.client.tls_established()
        hop.stream, hop.tls = stream, stream.summary
        await self._introduce(hop)
