"""One connection with its requests, one after the other, and what nobody else has to know of HTTP (RFC 9112)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from http import HTTPStatus
from typing import Final

import h11
import trio
from attrs import define, field

from empath.config.schema import HttpSettings
from empath.ops.http.hosts import is_own, without_port
from empath.ops.http.replayed import Replayed
from empath.ops.http.values import ContentBroken, ContentTooLarge, Request, Response, Takeover, problem
from empath.world.endpoint import TcpEndpoint
from empath.world.ports import Connection

_READ_BYTES: Final = 16 * 1024
_LINGER_S: Final = 1.0
_LINGER_READS: Final = 16

Answer = Callable[[Request], Awaitable[Response]]


@define
class Exchange:
    """See the module."""

    _answer_to: Answer
    _settings: HttpSettings
    _stream: Connection
    _own_name: str = field(kw_only=True)
    _machine: h11.Connection = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Begin with nothing read."""
        limit_bytes = self._settings.max_request_bytes
        self._machine = h11.Connection(h11.SERVER, max_incomplete_event_size=limit_bytes)

    async def run(self) -> None:
        """Answer until one of the two sides has enough. Raises NetworkError and TooSlowError."""
        try:
            while await self._one():
                self._machine.start_next_cycle()
        except h11.RemoteProtocolError as error:
            if self._machine.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                why, remedy = "it is not HTTP, or too large", "HTTP/1.1 with a short request"
                what = f"the request cannot be read: {error}"
                refusal = problem(error.error_status_hint, code="HTTP004", what=what, why=why, remedy=remedy)
                await self._send(refusal, head=False, close=True)

    async def _one(self) -> bool:
        """Answer one request; whether another one may follow."""
        with trio.fail_after(self._settings.read_timeout_s):
            asked = await self.next()
        if not isinstance(asked, h11.Request):
            return False
        fields = {name.decode("ascii"): value.decode("latin-1") for name, value in asked.headers}
        has_content = fields.get("content-length", "0") != "0" or "transfer-encoding" in fields
        content = Incoming(self, self._settings.content_timeout_s)
        if not has_content:
            await self.next()
            content.is_over = True
        path, _, query = asked.target.decode("ascii").partition("?")
        request = Request(
            method=asked.method.decode("ascii"),
            path=path,
            query=query,
            host=without_port(fields.get("host", "")),
            peer=self._stream.remote,
            fields=fields,
            content=content,
            credentials=self._stream.credentials(),
        )
        response = await self._answer(request)
        if response.takeover is not None:
            await self._hand_over(asked, response.takeover)
            return False
        # A 304 has the length of what it stands for, and no content (RFC 9110 15.4.5).
        bare = asked.method == b"HEAD" or response.status == HTTPStatus.NOT_MODIFIED
        await self._send(response, head=bare, close=not content.is_over)
        return self._machine.our_state is h11.DONE and self._machine.their_state is h11.DONE

    async def _hand_over(self, asked: h11.Request, takeover: Takeover) -> None:
        lines = [b" ".join((asked.method, asked.target, b"HTTP/1.1")), *(b": ".join(pair) for pair in asked.headers)]
        behind, _ = self._machine.trailing_data
        await takeover(Replayed(b"\r\n".join([*lines, b"", b""]) + behind, self._stream))
        await self._linger()

    async def _answer(self, request: Request) -> Response:
        local = self._stream.local
        if isinstance(local, TcpEndpoint) and local.is_loopback and not is_own(request.host, self._own_name):
            why = "a page on the Web could have its own name lead here, and read what it should not"
            remedy = "an IP address, localhost, or the name under hostname"
            return problem(421, code="HTTP006", what=f"{request.host} is not here", why=why, remedy=remedy)
        return await self._answer_to(request)

    async def next(self) -> object:
        """The next event of h11, which is one of its classes or values. Raises NetworkError."""
        while (event := self._machine.next_event()) is h11.NEED_DATA:
            if self._machine.they_are_waiting_for_100_continue:
                go_on = self._machine.send(h11.InformationalResponse(status_code=100, headers=[]))
                await self._stream.send_all(go_on or b"")
            self._machine.receive_data(bytes(await self._stream.receive_some(_READ_BYTES)))
        return event

    async def _send(self, response: Response, *, head: bool, close: bool) -> None:
        body = response.body
        fields = [
            ("Content-Type", response.content_type),
            *([("Content-Length", str(len(body)))] if response.blocks is None else []),
            *([] if "Cache-Control" in response.fields else [("Cache-Control", "no-store")]),
            ("X-Content-Type-Options", "nosniff"),
            *response.fields.items(),
            *([("Connection", "close")] if close else []),
        ]
        reason = HTTPStatus(response.status).phrase.encode()
        start = self._machine.send(h11.Response(status_code=response.status, headers=fields, reason=reason)) or b""
        if response.blocks is None:
            data = b"" if head else self._machine.send(h11.Data(data=body)) or b""
            await self._put(start + data + (self._machine.send(h11.EndOfMessage()) or b""))
        else:
            await self._put(start)
            async with aclosing(response.blocks) as blocks:
                async for block in blocks:
                    if head:
                        break
                    await self._put(self._machine.send(h11.Data(data=block)) or b"")
            await self._put(self._machine.send(h11.EndOfMessage()) or b"")
        if close:
            await self._linger()

    async def _put(self, octets: bytes) -> None:
        if octets:
            with trio.fail_after(self._settings.read_timeout_s):
                await self._stream.send_all(octets)

    async def _linger(self) -> None:
        """Take a little more: a system that closes on octets nobody has read resets, and the answer may be lost."""
        await self._stream.send_eof()
        with trio.move_on_after(_LINGER_S):
            for _ in range(_LINGER_READS):
                if not await self._stream.receive_some(_READ_BYTES):
                    return


@define(eq=False)
class Incoming:
    """The content of the request at hand, read from the connection."""

    _exchange: Exchange
    _timeout_s: float
    is_over: bool = field(init=False, default=False)
    """Whether nothing more of it will come."""

    # A generator that is left in the middle must be closed at once: every caller has it in `aclosing`.
    async def blocks(self, limit_bytes: int) -> AsyncGenerator[bytes, None]:  # noqa: ASYNC900
        """Yield it as it comes. Raises ContentTooLarge, ContentBroken, and TooSlowError when all takes too long."""
        deadline = trio.current_time() + self._timeout_s
        left = limit_bytes
        while not self.is_over:
            try:
                with trio.fail_at(deadline):
                    event = await self._exchange.next()
            except h11.RemoteProtocolError as problem:
                raise ContentBroken(str(problem)) from problem
            if isinstance(event, h11.Data):
                left -= len(event.data)
                if left < 0:
                    raise ContentTooLarge
                yield bytes(event.data)  # noqa: ASYNC119
            else:
                self.is_over = True

    async def read(self, limit_bytes: int) -> bytes:
        """Return all of it. Raises ContentTooLarge and TooSlowError."""
        async with aclosing(self.blocks(limit_bytes)) as blocks:
            return b"".join([block async for block in blocks])
