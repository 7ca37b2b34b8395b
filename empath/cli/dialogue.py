"""One SMTP session of a command that sends: the client machine, a stream, and a time limit for each step."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import trio
from attrs import define, field

from empath.cli.complaint import Code, Complaint
from empath.cli.server import Server
from empath.smtp import (
    Address,
    Body,
    BodyData,
    BodyEnd,
    ClientConnection,
    Command,
    Data,
    Ehlo,
    Mail,
    MailParams,
    ProtocolError,
    Quit,
    Rcpt,
    Reply,
    ReplyClass,
    ReplyReceived,
    StartTls,
)
from empath.world import NetworkError
from empath.world.handshake import start_tls
from empath.world.tls import opportunistic_context

REPLY_S: Final = 300.0
"""For a reply, and for a block of the message to be taken (RFC 5321 4.5.3.2.1 to 4.5.3.2.5)."""
FINAL_REPLY_S: Final = 600.0
"""For the reply to the final dot (RFC 5321 4.5.3.2.6)."""
QUIT_S: Final = 2.0

GROUP: Final = 100
"""Commands sent at once. Their replies fit into any buffer on the way, so neither end waits for the other to read."""
BLOCK_BYTES: Final = 64 * 1024


@define(eq=False)
class Dialogue:
    """One session with a server. Leaving it says goodbye; the stream stays the caller's.

    Every step raises `Complaint` when the server refuses, `NetworkError` or `RemoteProtocolError` when the session
    breaks, `trio.TooSlowError` when nothing comes, and `LocalProtocolError` for what the server has no extension for.
    """

    _server: Server
    _stream: trio.abc.Stream
    _client: ClientConnection = field(init=False, factory=lambda: ClientConnection(check_bodies=False))
    _dot_sent: bool = field(init=False, default=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # RFC 5321 4.1.1.10 asks for a goodbye, also after a refusal. Nothing depends on its answer any more.
        if error is None or isinstance(error, Complaint):
            with trio.move_on_after(QUIT_S, shield=True), suppress(NetworkError, ProtocolError, Complaint):
                await self._ask(Quit())

    async def open(self, hello: str) -> None:
        """Get as far as the server's extensions, inside TLS if it has any."""
        if self._server.implicit_tls:
            await self._encrypt()
        self._demand("a session", await self._replies(1))
        self._demand("EHLO", await self._ask(Ehlo(hello)))
        if "STARTTLS" in self._client.facts.in_force and not self._server.implicit_tls:
            [reply] = await self._ask(StartTls())
            if reply.positive:
                await self._encrypt()
                self._client.tls_established()
                self._demand("EHLO", await self._ask(Ehlo(hello)))

    async def address(self, sender: Address | None, recipients: tuple[Address, ...], content: bytes) -> None:
        """Say from whom and to whom, and what kind of content will come."""
        utf8 = any(address.needs_utf8 for address in recipients) or (sender is not None and sender.needs_utf8)
        params = MailParams(
            size=len(content) if "SIZE" in self._client.facts.in_force else None,
            body=None if content.isascii() else Body.EIGHT_BIT,
            smtputf8=utf8,
        )
        self._demand(f"the sender {sender or '<>'}", await self._ask(Mail(sender, params)))
        answers = await self._ask(*map(Rcpt, recipients))
        refused = [(address, reply) for address, reply in zip(recipients, answers, strict=True) if not reply.positive]
        if refused:
            what = ", ".join(f"{address} is refused: {reply}" for address, reply in refused)
            raise self._refused(what, [reply for _, reply in refused])

    async def transfer(self, content: bytes) -> Reply:
        """Send the message and return what the server says to the final dot."""
        [reply] = await self._ask(Data())
        if reply.kind is not ReplyClass.INTERMEDIATE:
            raise self._refused(f"the message is refused: {reply}", [reply])
        await self._send(self._client.send(BodyData(content)))
        end = self._client.send(BodyEnd())
        self._dot_sent = True
        await self._send(end)
        [reply] = self._demand("the message", await self._replies(1, within_s=FINAL_REPLY_S))
        return reply

    def cut_short(self, error: Exception) -> Complaint:
        """Say what it means that the session ended in the middle."""
        reason = "it was silent for too long" if isinstance(error, trio.TooSlowError) else str(error)
        if self._dot_sent:
            return Complaint(
                Code.UNCERTAIN,
                f"{self._server} did not say whether it took the message: {reason}",
                why="the message was complete and its acceptance was not heard of (RFC 1047)",
                remedy="find out whether it has arrived before you send it again",
                status=os.EX_TEMPFAIL,
            )
        return Complaint(
            Code.NO_ANSWER,
            f"the session with {self._server} ended early: {reason}",
            why="the server or the way to it failed, or it is no mail server; the message went to nobody",
            remedy="check host and port, look into the server's log, try again",
            status=os.EX_TEMPFAIL,
        )

    async def _encrypt(self) -> None:
        with trio.fail_after(REPLY_S):
            self._stream = await start_tls(self._stream, opportunistic_context(), host=self._server.host)

    async def _ask(self, *commands: Command) -> list[Reply]:
        """Send commands, in groups if the server takes such (RFC 2920), and return a reply for each."""
        size = GROUP if self._client.pipelining else 1
        replies: list[Reply] = []
        for start in range(0, len(commands), size):
            group = commands[start : start + size]
            await self._send(b"".join(map(self._client.send, group)))
            replies += await self._replies(len(group))
        return replies

    async def _send(self, wire: bytes) -> None:
        for start in range(0, len(wire), BLOCK_BYTES):
            with trio.fail_after(REPLY_S):
                await self._stream.send_all(wire[start : start + BLOCK_BYTES])

    async def _replies(self, count: int, *, within_s: float = REPLY_S) -> list[Reply]:
        replies: list[Reply] = []
        while len(replies) < count:
            event = self._client.next_event()
            if isinstance(event, ReplyReceived):
                if event.reply.kind is ReplyClass.CLOSING:
                    raise self._refused(f"the session is refused: {event.reply}", [event.reply])
                replies.append(event.reply)
            else:
                with trio.fail_after(within_s):
                    self._client.receive_data(bytes(await self._stream.receive_some()))
        return replies

    def _demand(self, what: str, replies: Sequence[Reply]) -> Sequence[Reply]:
        if not replies[-1].positive:
            raise self._refused(f"{what} is refused: {replies[-1]}", replies)
        return replies

    def _refused(self, what: str, replies: Iterable[Reply]) -> Complaint:
        """Make the complaint: for good, if one of the replies is, since then to try again is of no use."""
        if any(reply.kind is ReplyClass.PERMANENT for reply in replies):
            why, remedy = "for good", "mend what it names; relay.domains and relay.from_networks say what Empath takes"
            code, status = Code.REFUSED, os.EX_UNAVAILABLE
        else:
            why, remedy, code, status = "for now", "try again later", Code.DEFERRED, os.EX_TEMPFAIL
        return Complaint(
            code, what, why=f"{self._server} says so, {why}; the message went to nobody", remedy=remedy, status=status
        )
