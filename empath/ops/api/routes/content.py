"""What is in a message that is here: ``/messages/{mid}/raw``."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final, Protocol

import msgspec
from attrs import frozen

from empath.mail.ids import MessageId
from empath.ops.api.problems import Code, Problem
from empath.ops.api.reading import Nothing
from empath.ops.api.route import Call, Route, get
from empath.ops.api.selecting import message_id, no_message
from empath.ops.api.tokens import Scope
from empath.ops.http import Response
from empath.spool.contract import Body, BodyFile, SpoolDamaged, SpoolError

_END: Final = b"\r\n\r\n"
_MAX_HEADER_BYTES: Final = 1024 * 1024
"""What has no end of its header for so long is shown up to here."""


class Bodies(Protocol):
    """Where messages lie."""

    async def body_of(self, mid: MessageId) -> Body | None:
        """The body of one."""

    def read_body(self, body: BodyFile) -> AsyncGenerator[bytes, None]:
        """What is in a large one."""


class RawQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of it."""

    headers: bool = False
    """Only the header."""


@frozen
class ContentRoutes:
    """See the module."""

    _bodies: Bodies

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (get("/messages/{mid}/raw", self._raw, Scope.CONTENT),)

    async def _raw(self, call: Call[RawQuery, Nothing]) -> Response:
        """Show a message that is here as it would go out, octet for octet, or its header."""
        mid = message_id(call.names["mid"])
        try:
            body = await self._bodies.body_of(mid)
            if body is None:
                raise no_message(str(mid))
            if call.query.headers:
                return Response(content_type="text/rfc822-headers", body=await self._header(body))
        except SpoolDamaged as problem:
            why, remedy = "the disk has lost or changed something", "see `empath spool verify` in docs/spool.rst"
            raise Problem(503, Code.SPOOL, f"{mid} is damaged: {problem}", why=why, remedy=remedy) from problem
        except SpoolError as problem:
            why, remedy = "the disk of the spool may be failing", "see the log, and try again"
            raise Problem(503, Code.SPOOL, f"{mid} cannot be read: {problem}", why=why, remedy=remedy) from problem
        if isinstance(body, BodyFile):
            return Response(content_type="message/rfc822", blocks=self._bodies.read_body(body))
        return Response(content_type="message/rfc822", body=body)

    async def _header(self, body: Body) -> bytes:
        """The lines before the first empty one (RFC 5322 2.1)."""
        found = body if isinstance(body, bytes) else b""
        if isinstance(body, BodyFile):
            async with aclosing(self._bodies.read_body(body)) as blocks:
                async for block in blocks:
                    found += block
                    if _END in found or len(found) > _MAX_HEADER_BYTES:
                        break
        if found.startswith(_END[:2]):
            return b""
        end = found.find(_END)
        return found[: end + 2] if end >= 0 else found[:_MAX_HEADER_BYTES]
