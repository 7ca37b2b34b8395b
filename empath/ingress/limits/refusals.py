"""Clients that are not let in. Each is counted; so many at a time are told why; the log has a line a minute for all."""

from __future__ import annotations

import logging
from typing import Final

import trio
from attrs import define, field

from empath.ingress.client import Client
from empath.ingress.limits.parting import Partings
from empath.ingress.reception import Reception
from empath.mail.facts import ClientTurnedAway
from empath.policy.bucket import TokenBucket
from empath.smtp import Reply
from empath.world.ports import Connection

_LOG = logging.getLogger(__name__)
_LINES_PER_S: Final = 1 / 60


@define(eq=False)
class Refusals:
    """Those of one listener."""

    reception: Reception
    """May be replaced at any time."""
    _partings: Partings
    _under_way: int = field(init=False, default=0)
    """Clients that are being told."""
    _untold: int = field(init=False, default=0)
    """Clients that the log does not know of yet."""
    _lines: TokenBucket = field(init=False, factory=lambda: TokenBucket(_LINES_PER_S))

    async def refuse(self, connection: Connection, client: Client, reply: Reply) -> None:
        """Tell a client why it is not let in; of a flood only some, lest that becomes the greater burden."""
        limits = self.reception.limits
        self._note(client, reply)
        if self._under_way >= limits.max_refusals:
            return
        self._under_way += 1
        try:
            with trio.move_on_after(limits.farewell_timeout_s):
                await connection.send_all(reply.encode())
                await self._partings.part(connection)
        finally:
            self._under_way -= 1

    def _note(self, client: Client, reply: Reply) -> None:
        reception = self.reception
        listener = reception.listener_name
        reception.observe(
            ClientTurnedAway(at=reception.clock.now(), listener=listener, client_ip=client.ip or None, reply=reply)
        )
        self._untold += 1
        if self._lines.take(trio.current_time()):
            text = "%s: clients that were not let in: %d, the last was %s: %s"
            _LOG.warning(text, listener, self._untold, client.ip, reply)
            self._untold = 0
