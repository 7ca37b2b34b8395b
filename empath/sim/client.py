"""A client that brings messages to a worker, and remembers for which of them it was told 250.

What is in its ledger is what the worker answers for; `empath.sim.invariants` compares the ledger with the rest of the
world. Each message has a token of its own in its content, by which it is known wherever it turns up.
"""

from __future__ import annotations

import re
from math import inf
from typing import TYPE_CHECKING, Final

import trio
from attrs import define, evolve, field, frozen

from empath.smtp import (
    Address,
    BodyData,
    BodyEnd,
    ClientConnection,
    Command,
    Data,
    Ehlo,
    Mail,
    MailParams,
    Quit,
    Rcpt,
    ReplyReceived,
)
from empath.world import ConnectionLost

if TYPE_CHECKING:
    from empath.sim.network import VirtualHost
    from empath.smtp import Reply
    from empath.world import Endpoint

_TOKEN: Final = re.compile(rb"X-Token: (\S+)\r\n")


@frozen
class Submission:
    """One message that a client has brought."""

    token: str
    sender: Address | None
    recipients: tuple[Address, ...]
    """Those that were accepted."""
    content: bytes = field(repr=False)
    mid: str = ""
    """What the worker called it in its 250."""
    answered_at: float = inf
    """When that came, in time of Trio's clock."""


@define(eq=False)
class SubmittingClient:
    """Brings messages, each over a connection of its own."""

    host: VirtualHost
    server: Endpoint
    ledger: list[Submission] = field(init=False, factory=list)
    unheard: list[Submission] = field(init=False, factory=list)
    """Those whose content was sent, and whose answer did not come: the worker may have them, and then must treat them
    like any other, or may not.
    """

    async def submit(
        self, token: str, *, sender: str, recipients: tuple[str, ...], body: bytes = b"Hello\r\n", headers: bytes = b""
    ) -> Reply:
        """Bring one message and return the last reply: to the message, or to what stopped it. An empty ``sender`` is
        the null reverse-path. Raises ConnectFailed and ConnectionLost.
        """
        content = headers + f"X-Token: {token}\r\nSubject: test {token}\r\n\r\n".encode() + body
        reverse_path = Address.parse(sender) if sender else None
        async with await self.host.connect(self.server) as stream:
            talk = _Talk(stream)
            reply = await talk.reply()
            for opening in (Ehlo("client.example"), Mail(reverse_path, MailParams(size=len(content)))):
                if reply.positive:
                    reply = await talk.ask(opening)
            if not reply.positive:
                return reply
            replies = [(one, await talk.ask(Rcpt(Address.parse(one)))) for one in recipients]
            accepted = tuple(Address.parse(one) for one, reply in replies if reply.positive)
            if not accepted:
                return replies[-1][1]
            reply = await talk.ask(Data())
            if reply.code == 354:
                reply = await self._offer(talk, Submission(token, reverse_path, accepted, content))
            await talk.leave()
            return reply

    async def _offer(self, talk: _Talk, offered: Submission) -> Reply:
        self.unheard.append(offered)
        reply = await talk.send_content(offered.content)
        self.unheard.remove(offered)
        if reply.positive:
            heard = evolve(offered, mid=reply.text.partition(" ")[0], answered_at=trio.current_time())
            self.ledger.append(heard)
        return reply


def token_of(content: bytes) -> str | None:
    """The token of a message, or of the first that it returns."""
    found = _TOKEN.search(content)
    return found[1].decode("ascii") if found else None


@define(eq=False)
class _Talk:
    _stream: trio.abc.Stream
    _client: ClientConnection = field(init=False, factory=ClientConnection)

    async def ask(self, item: Command | BodyEnd) -> Reply:
        await self._stream.send_all(self._client.send(item))
        return await self.reply()

    async def send_content(self, content: bytes) -> Reply:
        await self._stream.send_all(self._client.send(BodyData(content)))
        return await self.ask(BodyEnd())

    async def leave(self) -> None:
        """Say goodbye. It decides nothing any more (RFC 5321 4.1.1.10)."""
        try:
            await self.ask(Quit())
        except ConnectionLost:
            return

    async def reply(self) -> Reply:
        while not isinstance(event := self._client.next_event(), ReplyReceived):
            octets = bytes(await self._stream.receive_some())
            if not octets:
                raise ConnectionLost("the server closed the connection")
            self._client.receive_data(octets)
        return event.reply
