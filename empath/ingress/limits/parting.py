"""Parting from a client that did not expect it, so that it hears why.

Whoever closes a TCP connection with input unread makes the system send a reset (RFC 2525 2.17), and a reset makes the
other system throw away what its program has not read yet: our last words. A client that was sent away in the middle of
a pipelined group would know nothing but that the connection broke, and come back at once. So our direction is closed
first, and what the client still sends is read and thrown away until it closes its own.

Neither a client that goes on sending nor one that never closes can hold us up: both the octets and the time are
bounded, and so is the number of clients that this is done for at once. They are no sessions any more, and take no place
of one.
"""

from __future__ import annotations

from typing import Final

import trio
from attrs import define, field

from empath.world.errors import NetworkError
from empath.world.ports import Connection

MOST_BYTES: Final = 1024 * 1024
"""How much is read and thrown away: more than a client can have sent before our words could reach it."""


@define(eq=False)
class Partings:
    """Those of one listener."""

    limit_s: float
    """May be changed at any time, as ``most``."""
    most: int = field(kw_only=True)
    _under_way: set[trio.CancelScope] = field(init=False, factory=set)
    _hasty: bool = field(init=False, default=False)

    async def part(self, connection: Connection) -> None:
        """Wait until the client has read what it was told, as far as one can know. Closing is left to the caller."""
        if self._hasty or len(self._under_way) >= self.most:
            return
        with trio.move_on_after(self.limit_s) as scope:
            self._under_way.add(scope)
            try:
                await _listen_to_the_end(connection)
            finally:
                self._under_way.discard(scope)

    def hasten(self) -> None:
        """The daemon is stopping: wait for nobody any more."""
        self._hasty = True
        for scope in self._under_way:
            scope.cancel()


async def _listen_to_the_end(connection: Connection) -> None:
    try:
        await connection.send_eof()
        left = MOST_BYTES
        while left > 0 and (octets := await connection.receive_some()):
            left -= len(octets)
    except NetworkError:
        return  # it did not want to know
