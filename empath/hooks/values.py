"""What a hook is shown: a session, and a message that is not accepted yet."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from attrs import field, frozen

from empath.config.schema import Profile
from empath.mail.envelope import Envelope
from empath.mail.ids import MessageId, SessionId
from empath.world.encrypted import TlsSummary


@frozen(kw_only=True)
class SessionFacts:
    """What is known of a session at this moment. A picture, not the session: it is made anew for each event."""

    session: SessionId
    listener: str
    """The address and port that took the connection, as configuration names it."""
    profile: Profile
    client_ip: str
    """As text; empty if the connection has no address. Behind a trusted proxy that of the client, not of the proxy."""
    hello: str | None
    """What the client calls itself, in HELO or EHLO; None: it has not said so. Not to be believed."""
    tls: TlsSummary | None
    """None: the session is in clear."""
    login: str | None
    """Who the client has proved to be; None: nobody."""


@frozen(kw_only=True)
class Message:
    """A message whose content has come to its end, and that nobody has answered for yet."""

    mid: MessageId
    envelope: Envelope
    size_bytes: int
    """Of the content as it came. What a hook can read may differ from it by a few fields: see ``blocks``."""
    header: bytes = field(repr=False)
    """The header section, with the CRLF of its last field (see `empath.mail.headers`)."""
    _open: Callable[[], AsyncGenerator[bytes, None]] = field(repr=False)

    def blocks(self) -> AsyncGenerator[bytes, None]:
        """The content, block by block. Put it into `contextlib.aclosing`. Raises SpoolError.

        It is what recipients will get, but for our trace field and what hooks add: without a Return-Path that it
        brought along, and on submission with a Date and a Message-ID.
        """
        return self._open()

    async def content(self, limit_bytes: int) -> bytes | None:
        """All of the content, if it is no larger than this; None if it is. Raises SpoolError."""
        if self.size_bytes > limit_bytes:
            return None
        async with aclosing(self.blocks()) as blocks:
            return b"".join([block async for block in blocks])
