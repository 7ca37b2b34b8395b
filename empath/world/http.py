"""One HTTP exchange by httpcore2, over connections of ours. Imported by `empath.world.fetch` when it is needed.

Time limits per call are ignored: one limit lies around the whole fetch. Our errors pass through the library unchanged;
its own are mapped here.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, TypeAlias

import httpcore2
import trio
from attrs import define
from typing_extensions import override

from empath.world.errors import ConnectionLost, FetchFailed, FetchTooLarge
from empath.world.handshake import start_tls
from empath.world.ports import FetchResponse

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Iterable

    from httpcore2 import SOCKET_OPTION

    from empath.world.fetch import Request

Dial: TypeAlias = "Callable[[str, int], Awaitable[trio.abc.Stream]]"


async def exchange(request: Request, dial: Dial, context: ssl.SSLContext) -> FetchResponse:
    """Send a request on a connection of its own. Raises `FetchFailed` and what ``dial`` raises."""
    headers: list[tuple[str | bytes, str | bytes]] = list(request.headers.items())
    try:
        async with (
            httpcore2.AsyncConnectionPool(context, network_backend=DoorBackend(dial)) as pool,
            pool.stream(request.method, request.url, headers=headers, content=request.body) as response,
        ):
            return await _read(request, response)
    except (httpcore2.ProtocolError, httpcore2.UnsupportedProtocol) as error:
        raise FetchFailed(request.url, f"this is not HTTP: {error}") from error
    except httpcore2.NetworkError as error:
        raise FetchFailed(request.url, str(error)) from error


async def _read(request: Request, response: httpcore2.Response) -> FetchResponse:
    body = bytearray()
    async with aclosing(response.aiter_stream()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > request.size_limit_bytes:
                raise FetchTooLarge(request.url, f"the answer is longer than {request.size_limit_bytes} bytes")
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
    return FetchResponse(response.status, headers, bytes(body))


@define(eq=False)
class DoorStream(httpcore2.AsyncNetworkStream):
    """One connection, with or without TLS."""

    _stream: trio.abc.Stream

    @override
    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Receive."""
        return bytes(await self._stream.receive_some(max_bytes))

    @override
    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send. What is lost here is told in the library's own words: it then still reads the answer of a server that
        has refused a request before it had seen all of it.
        """
        try:
            await self._stream.send_all(buffer)
        except ConnectionLost as error:
            raise httpcore2.WriteError(str(error)) from error

    @override
    async def aclose(self) -> None:
        """Close."""
        await self._stream.aclose()

    @override
    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> DoorStream:
        """Wrap the connection; one whose handshake fails is closed."""
        try:
            return DoorStream(await start_tls(self._stream, ssl_context, host=server_hostname or ""))
        except BaseException:
            await trio.aclose_forcefully(self._stream)
            raise


@define(eq=False)
class DoorBackend(httpcore2.AsyncNetworkBackend):
    """Opens connections through a function of ours that takes a host and a port."""

    _dial: Dial

    @override
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> DoorStream:
        """Connect."""
        return DoorStream(await self._dial(host, port))

    @override
    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await trio.sleep(seconds)
