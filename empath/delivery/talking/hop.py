"""A hop: an open connection to a next host, greeted and introduced, with its machine.

Whatever goes wrong with it leaves this module as a ``Failure`` that names the phase and the host. After any failure the
hop is of no further use and is closed by whoever owns it: nothing is said to a host that no longer makes sense.
"""

from __future__ import annotations

from collections.abc import Iterable

import trio
from attrs import define, field

from empath.config.schema import TimeoutSettings
from empath.delivery.talking.login import Login
from empath.delivery.talking.within import within
from empath.mail.diagnosis import phase_of
from empath.mail.dialogue import Talk, Tap
from empath.mail.ids import MessageId
from empath.policy.encryption.demand import Shown
from empath.policy.route import Target
from empath.smtp import (
    NEED_DATA,
    BodyData,
    BodyEnd,
    ClientConnection,
    Command,
    ConnectionClosed,
    Quit,
    RemoteProtocolError,
    ReplyReceived,
    Rset,
    State,
)
from empath.world.encrypted import TlsStream, TlsSummary
from empath.world.errors import ConnectionLost
from empath.world.ports import Connection


@define(eq=False)
class Hop:
    """See the module."""

    target: Target
    timeouts: TimeoutSettings
    client: ClientConnection
    connection: Connection
    """What lies below all else."""
    tap: Tap = field(factory=Tap, kw_only=True)
    domain: str | None = field(default=None, kw_only=True)
    """The recipient domain that it was opened for."""
    mid: MessageId | None = field(init=False, default=None)
    """The message that it carries, or carried last."""
    _talk: Talk | None = field(init=False, default=None)
    stream: trio.abc.Stream = field(init=False)
    """What is spoken over: the connection itself, or TLS on it."""
    tls: TlsSummary | None = field(init=False, default=None)
    verified: bool = field(init=False, default=False)
    """Whether the host has proved who it is, since that was asked for."""
    login: Login | None = field(init=False, default=None)
    """As whom we have logged in; None: as nobody."""
    stages: list[tuple[str, float]] = field(init=False, factory=list)
    """How long it took to make it ready, stage by stage, in seconds."""
    transactions: int = field(init=False, default=0)
    """Messages that were tried over it."""
    domains: set[str] = field(init=False, factory=set)
    """The recipient domains that were tried over it."""
    approved: dict[tuple[str, bool], float] = field(init=False, factory=dict)
    """For which recipient domains it has shown what it must, each without or with REQUIRETLS; and when, in Trio's time.
    """
    busy_since: float = field(init=False, default=0.0)
    """When the latest transaction began, in Trio's time."""
    leaving: bool = field(init=False, default=False)
    """Whether it is to carry nothing further, and to be closed with good manners."""
    spoiled: bool = field(init=False, default=False)
    """Whether the host may see the session in another state than we do: then it is not used again."""

    def __attrs_post_init__(self) -> None:
        """Speak over the connection."""
        self.stream = self.connection

    @property
    def talk(self) -> Talk:
        """What is told to the tap, which has a listener."""
        if self._talk is None or self._talk.round != self.tap.round:
            peer = f"{self.target.address}:{self.target.port}"
            self._talk = Talk(self.tap, is_incoming=False, peer=peer, host=self.target.host, domain=self.domain)
        return self._talk

    @property
    def usable(self) -> bool:
        """Whether a transaction may begin now."""
        return self.client.state is State.READY and not self.client.outstanding and not self.spoiled

    @property
    def shown(self) -> Shown:
        """What the host has shown of itself."""
        if self.tls is None:
            return Shown(encrypted=False)
        return Shown(encrypted=True, chain=self.tls.peer_chain, trusted=self.tls.trusted)

    def takes_more(self, domain: str | None = None, *, max_messages: int) -> bool:
        """Whether one more message may go over it, by our own limit and by the host's (RFC 9422 4).

        ``domain``: to whom; None: to somebody it was used for already.
        """
        limits = self.client.facts.in_force.limits
        if self.leaving or self.transactions >= min(max_messages, limits.mail_max or max_messages):
            return False
        if domain is None or domain in self.domains or limits.rcpt_domain_max is None:
            return True
        return len(self.domains) < limits.rcpt_domain_max

    def has_spoken(self) -> bool:
        """Whether the host has said something, or closed, since the last reply that was due.

        Whatever it is, it cannot be the answer to what we say next, and so the hop is of no further use.
        """
        try:
            return self.client.next_event() is not NEED_DATA or self.connection.has_news()
        except RemoteProtocolError:
            return True

    def say(self, *items: Command | BodyEnd) -> bytes:
        """The octets of a group of commands.

        A RemoteProtocolError or ConnectionLost: the host has spoken out of turn. Were we to go on, what it said could
        be taken for the answer.
        """
        if not self.client.outstanding and isinstance(self.client.next_event(), ReplyReceived | ConnectionClosed):
            raise ConnectionLost("the host has ended the session")
        if self.tap.listener is not None:
            self._tell(items)
        return b"".join([self.client.send(item) for item in items])

    def _tell(self, items: Iterable[Command | BodyEnd]) -> None:
        for item in items:
            self.talk.command(item)
        self.talk.mid = self.mid

    def carry(self, content: bytes) -> bytes:
        """The octets of a part of a message."""
        if self.tap.listener is not None:
            self.talk.content(content)
        return self.client.send(BodyData(content))

    async def replies(self, count: int, received: list[ReplyReceived] | None = None) -> list[ReplyReceived]:
        """The next ``count`` replies, fewer if one of them is 421. To be called within ``within``.

        ``received``: where to put them, for those who want to know what came before something went wrong.
        """
        received = [] if received is None else received
        count += len(received)
        while len(received) < count:
            event = self.client.next_event()
            if isinstance(event, ReplyReceived):
                received.append(event)
                if self.tap.listener is not None:
                    self.talk.reply(event.reply)
                if self.client.state is State.CLOSED:
                    break  # 421: the rest will never be answered
                continue
            octets = bytes(await self.stream.receive_some())
            if not octets:
                raise ConnectionLost("the host closed the connection")
            self.client.receive_data(octets)
        return received

    def take_ready(self, received: list[ReplyReceived]) -> None:
        """Take the next reply if it has come already, and nobody has to wait for it. To be called within ``within``."""
        if self.client.outstanding and isinstance(event := self.client.next_event(), ReplyReceived):
            received.append(event)
            if self.tap.listener is not None:
                self.talk.reply(event.reply)

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
                    if isinstance(self.stream, TlsStream):
                        # Else it is cut off below, as after any failure (RFC 8446 6.1).
                        await self.stream.announce_end()
        except (ConnectionLost, RemoteProtocolError):
            return
        finally:
            if self.tap.listener is not None:
                self.talk.close()
            await trio.aclose_forcefully(self.stream)
