"""A small HTTP server for what operators read: GET and HEAD, no content in requests, no state between them.

The protocol is h11's; here are the connection, its limits and the answers that no route gives. A request that is not
HTTP, or larger than `HttpSettings` allows, is answered and cut off; one that does not come in time is cut off.

A page in a browser can have its own name point to a loopback address (DNS rebinding) and would then read from this
server as from its own site. So a server that listens on loopback answers to names of this machine only, in the Host
field (RFC 9110 7.2).
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import h11
import msgspec
import trio
from attrs import define, field, frozen

from empath.config.schema import HttpSettings
from empath.world.endpoint import Endpoint, TcpEndpoint
from empath.world.errors import NetworkError
from empath.world.ports import Connection, Listener

_LOG: Final = logging.getLogger(__name__)
_READ_BYTES: Final = 16 * 1024
_LINGER_S: Final = 1.0
_LINGER_READS: Final = 16
_REASONS: Final = {
    200: b"OK",
    400: b"Bad Request",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    413: b"Content Too Large",
    421: b"Misdirected Request",
    431: b"Request Header Fields Too Large",
    500: b"Internal Server Error",
    503: b"Service Unavailable",
}


@frozen(kw_only=True)
class Response:
    """What is answered."""

    status: int = 200
    content_type: str = "application/json"
    body: bytes = field(repr=False)


@frozen(kw_only=True)
class Request:
    """What is asked for."""

    method: str
    path: str
    """Without the query."""
    host: str
    """The Host field without its port, in lower case."""
    peer: Endpoint


Handler = Callable[[Request], Awaitable[Response]]


def problem(status: int, *, code: str, what: str, why: str, remedy: str) -> Response:
    """An error as RFC 9457 writes it, with our fields for why and what to try."""
    content = {"type": "about:blank", "title": what, "status": status, "code": code, "why": why, "try": remedy}
    return Response(status=status, content_type="application/problem+json", body=msgspec.json.encode(content))


@frozen(kw_only=True)
class HttpServer:
    """Answers on one listener. What is not in ``routes`` (by path) is not found."""

    routes: Mapping[str, Handler]
    settings: HttpSettings
    own_name: str
    """By which browsers may call it, beside localhost and IP addresses."""

    async def run(self, listener: Listener) -> None:
        """Serve until cancelled. No connection can end it."""
        slots = trio.Semaphore(self.settings.max_connections)
        async with trio.open_nursery() as nursery:
            while True:
                await slots.acquire()
                nursery.start_soon(self._guard, await listener.accept(), slots)

    async def _guard(self, connection: Connection, slots: trio.Semaphore) -> None:
        try:
            async with connection:
                await _Exchange(self, connection).run()
        except (NetworkError, trio.TooSlowError) as problem:
            _LOG.debug("HTTP from %s ended: %s", connection.remote, problem)
        except Exception:
            _LOG.exception("HTTP from %s failed", connection.remote)
        finally:
            slots.release()

    async def answer(self, request: Request) -> Response:
        """Return the answer to a request, whatever it asks for."""
        if request.method not in ("GET", "HEAD"):
            why, remedy = "nothing can be changed here", "GET, or HEAD"
            return problem(405, code="HTTP001", what=f"{request.method} is not known here", why=why, remedy=remedy)
        handler = self.routes.get(request.path)
        if handler is None:
            why, remedy = "no section that is served here has such a path", " ".join(sorted(self.routes))
            return problem(404, code="HTTP002", what=f"there is no {request.path}", why=why, remedy=remedy)
        try:
            return await handler(request)
        except Exception:
            _LOG.exception("%s failed", request.path)
            why, remedy = "a fault of ours, which does not touch mail", "see the log of the daemon"
            return problem(500, code="HTTP003", what=f"{request.path} failed", why=why, remedy=remedy)

    def is_ours(self, host: str) -> bool:
        """Tell whether a Host field names this machine. Without one it was no browser that asked."""
        return host in ("", "localhost", self.own_name.lower()) or _is_ip_address(host)


@define
class _Exchange:
    """One connection with its requests, one after the other."""

    _server: HttpServer
    _stream: Connection
    _machine: h11.Connection = field(init=False)

    def __attrs_post_init__(self) -> None:
        limit_bytes = self._server.settings.max_request_bytes
        self._machine = h11.Connection(h11.SERVER, max_incomplete_event_size=limit_bytes)

    async def run(self) -> None:
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
        with trio.fail_after(self._server.settings.read_timeout_s):
            asked = await self._next()
        if not isinstance(asked, h11.Request):
            return False
        head = asked.method == b"HEAD"
        fields = {name: value.decode("latin-1") for name, value in asked.headers}
        if fields.get(b"content-length", "0") != "0" or b"transfer-encoding" in fields:
            why, remedy = "no request here has content", "leave it out"
            refusal = problem(413, code="HTTP005", what="the request has content", why=why, remedy=remedy)
            await self._send(refusal, head=head, close=True)
            return False
        await self._next()
        request = Request(
            method=asked.method.decode("ascii"),
            path=asked.target.decode("ascii").partition("?")[0],
            host=_without_port(fields.get(b"host", "")),
            peer=self._stream.remote,
        )
        await self._send(await self._answer(request), head=head, close=False)
        return self._machine.our_state is h11.DONE and self._machine.their_state is h11.DONE

    async def _answer(self, request: Request) -> Response:
        local = self._stream.local
        if isinstance(local, TcpEndpoint) and local.is_loopback and not self._server.is_ours(request.host):
            why = "a page on the Web could have its own name lead here, and read what it should not"
            remedy = "an IP address, localhost, or the name under hostname"
            return problem(421, code="HTTP006", what=f"{request.host} is not here", why=why, remedy=remedy)
        return await self._server.answer(request)

    async def _next(self) -> object:
        """The next event of h11, which is one of its classes or values."""
        while (event := self._machine.next_event()) is h11.NEED_DATA:
            self._machine.receive_data(bytes(await self._stream.receive_some(_READ_BYTES)))
        return event

    async def _send(self, response: Response, *, head: bool, close: bool) -> None:
        fields = [
            ("Content-Type", response.content_type),
            ("Content-Length", str(len(response.body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            *([("Connection", "close")] if close else []),
        ]
        start = h11.Response(status_code=response.status, headers=fields, reason=_REASONS.get(response.status, b""))
        parts = [start, *([] if head else [h11.Data(data=response.body)]), h11.EndOfMessage()]
        octets = b"".join(self._machine.send(part) or b"" for part in parts)
        with trio.fail_after(self._server.settings.read_timeout_s):
            await self._stream.send_all(octets)
        if close:
            await self._linger()

    async def _linger(self) -> None:
        """Take a little more: a system that closes on octets nobody has read resets, and the answer may be lost."""
        await self._stream.send_eof()
        with trio.move_on_after(_LINGER_S):
            for _ in range(_LINGER_READS):
                if not await self._stream.receive_some(_READ_BYTES):
                    return


def _without_port(host: str) -> str:
    name, _, port = host.lower().rpartition(":")
    return name.strip("[]") if port.isdigit() and name else host.lower().strip("[]")


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
