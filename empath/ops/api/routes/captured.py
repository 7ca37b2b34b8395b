"""The mail of the sandbox: ``/captured``.

HTML is answered with a policy of its own, which holds wherever it is opened: it is in a site of its own, runs no
script, and loads nothing from anywhere, so that no sender learns that somebody has looked. What would make a browser
so much as connect to a host is taken out.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

import msgspec
from attrs import frozen

from empath.capture import CapturedMessage
from empath.ops.api.problems import Code, Problem
from empath.ops.api.reading import Nothing
from empath.ops.api.route import Call, Route, get
from empath.ops.api.tokens import Scope
from empath.ops.http import Response
from empath.ops.views.captured import CapturedList, CapturedMail, CapturedView
from empath.world.errors import DiskError

# 'unsafe-inline' is for the style of the mail itself, which is in a site of its own and can load nothing.
HTML_POLICY: Final = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
# Browsers dial the hosts of these ahead, before they ask the policy, and Chromium does it against the policy too. An
# element of an unknown name is nothing but its content.
_DIALLING: Final = re.compile(r"<(?=(?:link|iframe|frame|object|embed|portal|meta|base)\b)", re.IGNORECASE)
_MAX_DIGITS: Final = 18


class CapturedQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 500


@frozen(kw_only=True)
class CapturedRoutes:
    """See the module."""

    mail: CapturedMail

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            get("/captured", self._list, Scope.CONTENT),
            get("/captured/{number}", self._one, Scope.CONTENT),
            get("/captured/{number}/raw", self._raw, Scope.CONTENT),
            get("/captured/{number}/text", self._text, Scope.CONTENT),
            get("/captured/{number}/html", self._html, Scope.CONTENT),
        )

    async def _list(self, call: Call[CapturedQuery, Nothing]) -> CapturedList:
        """List the mail that the sandbox has captured, the newest first."""
        try:
            return await self.mail.list(call.query.limit)
        except DiskError as problem:
            raise _unreadable(problem) from problem

    async def _one(self, call: Call[Nothing, Nothing]) -> CapturedView:
        """Show one captured message: its envelope, its header, and what is in it."""
        return await self.mail.view(await self._found(call))

    async def _raw(self, call: Call[Nothing, Nothing]) -> Response:
        """Show a captured message as it came, octet for octet."""
        return Response(content_type="message/rfc822", body=(await self._found(call)).content)

    async def _text(self, call: Call[Nothing, Nothing]) -> Response:
        """Show the text of a captured message."""
        parts = await self.mail.parts((await self._found(call)).content)
        return Response(content_type="text/plain; charset=utf-8", body=_given(parts.text, "text"))

    async def _html(self, call: Call[Nothing, Nothing]) -> Response:
        """Show the HTML of a captured message, so that it runs no script and loads nothing."""
        parts = await self.mail.parts((await self._found(call)).content)
        return Response(
            content_type="text/html; charset=utf-8",
            body=_given(parts.html and _DIALLING.sub("<x-", parts.html), "HTML"),
            fields={"Content-Security-Policy": HTML_POLICY, "Referrer-Policy": "no-referrer"},
        )

    async def _found(self, call: Call[Nothing, Nothing]) -> CapturedMessage:
        number = call.names["number"]
        try:
            is_number = number.isascii() and number.isdigit() and len(number) <= _MAX_DIGITS
            found = await self.mail.content(int(number)) if is_number else None
        except DiskError as problem:
            raise _unreadable(problem) from problem
        if found is None:
            why = "it was never captured, or was removed to make room for newer ones"
            raise Problem(
                404,
                Code.NO_MESSAGE,
                f"there is no captured message {number[:40]}",
                why=why,
                remedy="GET /captured lists those there are",
            )
        return found


def _given(text: str | None, what: str) -> bytes:
    if text is None:
        why, remedy = "its parts are of other types", "look at /raw"
        raise Problem(404, Code.NO_MESSAGE, f"there is no {what} in this message", why=why, remedy=remedy)
    return text.encode()


def _unreadable(problem: DiskError) -> Problem:
    why, remedy = "the disk of the spool may be failing", "see the log"
    return Problem(503, Code.SPOOL, f"captured mail cannot be read: {problem}", why=why, remedy=remedy)
