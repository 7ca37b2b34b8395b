"""A connection that begins with octets which somebody has read already."""

from __future__ import annotations

import trio
from attrs import define, field
from typing_extensions import override

from empath.world.errors import NetworkError
from empath.world.ports import Connection


@define(eq=False)
class Replayed(trio.abc.Stream):
    """For another protocol that goes on where HTTP has ended (RFC 9110 7.8). Closing it leaves the connection open, for
    the HTTP server to close in its way.
    """

    _octets: bytes
    _connection: Connection
    _is_closed: bool = field(init=False, default=False)

    @override
    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return those octets, then what comes. Raises BrokenResourceError."""
        self._look()
        if self._octets:
            await trio.lowlevel.checkpoint()
            most = max_bytes or len(self._octets)
            part, self._octets = self._octets[:most], self._octets[most:]
            return part
        try:
            return bytes(await self._connection.receive_some(max_bytes))
        except NetworkError as problem:
            raise trio.BrokenResourceError(str(problem)) from problem

    @override
    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send. Raises BrokenResourceError."""
        self._look()
        try:
            await self._connection.send_all(data)
        except NetworkError as problem:
            raise trio.BrokenResourceError(str(problem)) from problem

    @override
    async def wait_send_all_might_not_block(self) -> None:
        """See Trio."""
        self._look()
        await self._connection.wait_send_all_might_not_block()

    @override
    async def aclose(self) -> None:
        """See the class."""
        self._is_closed = True
        await trio.lowlevel.checkpoint()

    def _look(self) -> None:
        if self._is_closed:
            raise trio.ClosedResourceError
