"""One SMTP session of the capture peer: a server that says yes."""

import logging
from typing import Final

import trio
from attrs import define, field

from empath.capture.archive import Archive, Incoming, TooLarge
from empath.smtp import (
    Address,
    Bdat,
    BodyData,
    BodyEnd,
    ChunkEnd,
    ConnectionClosed,
    Data,
    Ehlo,
    Helo,
    Help,
    Mail,
    Noop,
    Pause,
    Quit,
    Rcpt,
    Refused,
    Reply,
    Rset,
    ServerConnection,
    ServerEvent,
    State,
    Vrfy,
)
from empath.world import Connection, DiskError

TURN_S: Final = 300.0
"""How long the client may be silent, and how long it may take to read the replies to one group (RFC 5321 4.5.3.2.7)."""

OUTCOMES: Final = {
    b"defer": Reply(451, "this address defers all mail", "4.2.0"),
    b"bounce": Reply(550, "this address refuses all mail", "5.1.1"),
}
"""Local parts, in lower case, that are there to be refused."""

MAX_RECIPIENTS: Final = 1000
"""In one transaction; RFC 5321 4.5.3.1.8 asks for 100 at least."""

_IDLE: Final = Reply(421, "nothing came, closing", "4.4.2")
_DONE: Final = Reply(250, "done", "2.0.0")
_TOO_MANY: Final = Reply(452, "too many recipients: send the message again for the others", "4.5.3")
_NO_ROOM: Final = Reply(452, "the message cannot be kept now", "4.3.1")
_TOO_LARGE: Final = Reply(552, "the message is larger than all that is kept here", "5.3.4")

_log: Final = logging.getLogger(__name__)


@define(eq=False)
class Session:
    """Talks to one client. The connection stays the caller's, who also closes the session."""

    _connection: Connection
    _server: ServerConnection
    _archive: Archive
    _sender: Address | None = field(init=False, default=None)
    _recipients: list[Address] = field(init=False, factory=list)
    _incoming: Incoming | None = field(init=False, default=None)
    _refusal: Reply | None = field(init=False, default=None)
    """Why the body that is being read will not be kept."""

    async def run(self) -> None:
        """Talk until either end has had enough.

        Raises `ConnectionLost`, and `trio.TooSlowError` if the client does not read.
        """
        replies = self._server.send(Reply(220, f"{self._server.hostname} ESMTP, all mail ends here"))
        while True:
            with trio.fail_after(TURN_S):
                await self._connection.send_all(replies)
            if self._server.state is State.CLOSED:
                return
            with trio.move_on_after(TURN_S) as turn:
                self._server.receive_data(bytes(await self._connection.receive_some()))
            replies = self._server.send(_IDLE) if turn.cancelled_caught else await self._answer_all()

    async def aclose(self) -> None:
        """Throw away a message that has not come to its end."""
        await self._forget()

    async def _answer_all(self) -> bytes:
        """Answer all that has come: what came together is answered together (RFC 2920 3.2)."""
        replies = bytearray()
        while not isinstance(event := self._server.next_event(), Pause | ConnectionClosed):
            reply = await self._answer(event)
            if reply is not None:
                replies += self._server.send(reply)
        return bytes(replies)

    async def _answer(self, event: ServerEvent) -> Reply | None:
        match event:
            case Refused(reply=reply):
                return reply
            case Ehlo() | Helo():
                return self._server.hello_reply()
            case Mail(reverse_path=sender):
                await self._forget()
                self._sender = sender
                return Reply(250, "sender taken", "2.1.0")
            case Rcpt(forward_path=recipient):
                return self._take_recipient(recipient)
            case Data():
                return Reply(354, "go ahead, end with a dot on a line of its own")
            case Bdat():
                return None
            case BodyData(data=block):
                await self._take_block(block)
                return None
            case BodyEnd() | ChunkEnd():
                return await self._end(event)
            case Rset() | Noop():
                return _DONE
            case Vrfy():
                return Reply(252, "send the message and see", "2.5.0")  # RFC 5321 3.5.3
            case Help():
                return Reply(214, "whatever is sent here is captured, and goes nowhere", "2.0.0")
            case Quit():
                return Reply(221, "bye", "2.0.0")
            case _:
                return Reply(502, "not available here", "5.5.1")

    def _take_recipient(self, recipient: Address) -> Reply:
        if outcome := OUTCOMES.get(recipient.local.lower()):
            return outcome
        if len(self._recipients) >= MAX_RECIPIENTS:
            return _TOO_MANY
        self._recipients.append(recipient)
        return Reply(250, "recipient taken", "2.1.5")

    async def _take_block(self, block: bytes) -> None:
        if self._refusal is None:
            try:
                await (await self._begun()).write(block)
            except DiskError as error:
                self._refusal = self._explain(error)

    async def _end(self, end: BodyEnd | ChunkEnd) -> Reply:
        """Answer the end of a body, or of a chunk that is not the last."""
        if isinstance(end, ChunkEnd) and not (end.last or end.refusal):
            return _DONE
        reply = end.refusal or self._refusal or await self._keep()
        await self._forget()
        return reply

    async def _keep(self) -> Reply:
        hello = self._server.facts.hello
        try:
            captured = await (await self._begun()).keep(
                hello="" if hello is None else hello.name, sender=self._sender, recipients=tuple(self._recipients)
            )
        except TooLarge:
            return _TOO_LARGE
        except DiskError as error:
            return self._explain(error)
        return Reply(250, f"captured as {captured.number}", "2.0.0")

    async def _begun(self) -> Incoming:
        if self._incoming is None:
            self._incoming = await self._archive.begin()
        return self._incoming

    def _explain(self, error: DiskError) -> Reply:
        """Tell the log why a message is not kept; the client need not know more than that it is not."""
        _log.error("a message from %s is not captured: %s", self._connection.remote, error)
        return _NO_ROOM

    async def _forget(self) -> None:
        """End what was begun. RSET and EHLO leave that to the next MAIL, since nothing can come in between."""
        incoming, self._incoming = self._incoming, None
        self._sender, self._refusal = None, None
        self._recipients.clear()
        if incoming is not None:
            await incoming.discard()
