"""A connection whose octets go through TLS, for those who need more than a stream: who is there, and its half end.

SMTP begins in clear and needs the stream only; HTTP is encrypted from its first octet, and its server is written for
connections of whatever kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field
from typing_extensions import override

from empath.world.ports import Connection

if TYPE_CHECKING:
    from empath.world.encrypted import TlsStream
    from empath.world.endpoint import Endpoint


@define(eq=False)
class EncryptedConnection(Connection):
    """Owns both streams. ``below`` is what the handshake was done on."""

    tls: TlsStream
    below: Connection
    local: Endpoint = field(init=False)
    remote: Endpoint = field(init=False)

    def __attrs_post_init__(self) -> None:
        """It is where the connection below is."""
        self.local, self.remote = self.below.local, self.below.remote

    @override
    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """See the port."""
        return await self.tls.receive_some(max_bytes)

    @override
    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """See the port."""
        await self.tls.send_all(data)

    @override
    async def wait_send_all_might_not_block(self) -> None:
        """See the port."""
        await self.tls.wait_send_all_might_not_block()

    @override
    async def send_eof(self) -> None:
        """Announce the end inside TLS (RFC 8446 6.1), then below it."""
        await self.tls.announce_end()
        await self.below.send_eof()

    @override
    async def aclose(self) -> None:
        """See the port."""
        await self.tls.aclose()

    @override
    def close(self) -> None:
        """Close at once, without a word."""
        self.below.close()

    @override
    def has_news(self) -> bool:
        """Whether there is something to receive below, be it only a record that has no content."""
        return self.below.has_news()
