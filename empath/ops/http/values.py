"""What is asked, what is answered, and an error as RFC 9457 writes it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Final, Protocol

import msgspec
import trio
from attrs import field, frozen

from empath.world.endpoint import Endpoint, PeerCredentials


class ContentTooLarge(Exception):
    """There is more content than its reader allows."""


class ContentBroken(Exception):
    """What comes is no content (RFC 9112 7): a chunk without its size, for example. The text says what."""


class Content(Protocol):
    """What comes behind the header of a request. It can be read once."""

    def blocks(self, limit_bytes: int) -> AsyncGenerator[bytes, None]:
        """Yield it as it comes. Raises ContentTooLarge once there is more than the limit."""

    async def read(self, limit_bytes: int) -> bytes:
        """Return all of it. Raises ContentTooLarge."""


@frozen
class Kept:
    """Content that lies in memory already."""

    octets: bytes = b""

    async def blocks(self, limit_bytes: int) -> AsyncGenerator[bytes, None]:  # noqa: ASYNC900  as in `Content`
        """Yield it in one block."""
        yield await self.read(limit_bytes)

    async def read(self, limit_bytes: int) -> bytes:
        """Return it."""
        await trio.lowlevel.checkpoint()
        if len(self.octets) > limit_bytes:
            raise ContentTooLarge
        return self.octets


EMPTY: Final = Kept()


@frozen(kw_only=True)
class Request:
    """What is asked for."""

    method: str
    path: str
    """Without the query."""
    query: str = ""
    """All behind the question mark, as it was sent."""
    host: str
    """The Host field without its port, in lower case; empty: there was none."""
    peer: Endpoint
    fields: Mapping[str, str] = field(factory=dict)
    """The header fields by name in lower case; of several with one name, the last."""
    content: Content = EMPTY
    credentials: PeerCredentials | None = None
    """Whose process asks; None: it is not on a Unix socket."""


Takeover = Callable[[trio.abc.Stream], Awaitable[None]]


@frozen(kw_only=True)
class Response:
    """What is answered."""

    status: int = 200
    content_type: str = "application/json"
    body: bytes = field(default=b"", repr=False)
    blocks: AsyncGenerator[bytes, None] | None = None
    """In place of ``body``, when nobody knows yet how many octets there are."""
    fields: Mapping[str, str] = field(factory=dict)
    """Further header fields."""
    takeover: Takeover | None = field(default=None, repr=False)
    """In place of an answer: what the connection is handed to. It finds the request there, unread, and answers it in
    its own protocol (RFC 9110 7.8). Only for a request that asks for an upgrade and has no content.
    """


Handler = Callable[[Request], Awaitable[Response]]


def problem(
    status: int, *, code: str, what: str, why: str, remedy: str, fields: Mapping[str, str] | None = None
) -> Response:
    """An error as RFC 9457 writes it, with our fields for why and what to try."""
    content = {"type": "about:blank", "title": what, "status": status, "code": code, "why": why, "try": remedy}
    return Response(
        status=status,
        content_type="application/problem+json",
        body=msgspec.json.encode(content),
        fields=fields or {},
    )
