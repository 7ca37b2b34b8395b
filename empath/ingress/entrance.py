"""How the clients of a listener come to TLS."""

from __future__ import annotations

from collections.abc import Callable

import trio
from attrs import frozen

from empath.world.encrypted import TlsStream
from empath.world.errors import TlsFailed
from empath.world.handshake import accept_tls
from empath.world.ports import Offload
from empath.world.tls import TlsContext


@frozen(kw_only=True)
class TlsEntrance:
    """Does handshakes: each with what certificates there are at that moment, in time, and a few at once."""

    context: Callable[[], TlsContext]
    offload: Offload
    """Where they are computed. Its threads are the limit for all listeners that share it; others wait for their turn.
    Who makes us wait for an answer holds none of them."""
    timeout_s: float

    async def accept(self, stream: trio.abc.Stream) -> TlsStream:
        """Do the server's side of a handshake. Raises `TlsFailed` and `ConnectionLost`, as `accept_tls`."""
        with trio.move_on_after(self.timeout_s):
            return await accept_tls(stream, self.context(), offload=self.offload)
        raise TlsFailed(f"it took longer than {self.timeout_s:g} seconds")
