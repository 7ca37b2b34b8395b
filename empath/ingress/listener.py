"""A listener: accepts connections, and gives each a session and a guard."""

from __future__ import annotations

import logging

import trio
from attrs import define, field

from empath.ingress.admission import Admission
from empath.ingress.client import Client
from empath.ingress.reception import Reception
from empath.ingress.replies import DRAINING
from empath.ingress.session import Session
from empath.world.errors import NetworkError
from empath.world.ports import Connection, Listener

_LOG = logging.getLogger(__name__)
_REFUSAL_S = 5.0
"""How long a client that is not let in may take to hear so."""


@define(eq=False)
class Intake:
    """The sessions of one listener."""

    _reception: Reception
    _admission: Admission
    _sessions: set[Session] = field(init=False, factory=set)
    _draining: bool = field(init=False, default=False)

    async def run(self, listener: Listener, work: trio.Nursery) -> None:
        """Accept until cancelled. Sessions run in ``work``, and go on."""
        async with listener:
            while True:
                work.start_soon(self._serve, await listener.accept())

    def drain(self) -> None:
        """The daemon is stopping: sessions end as soon as they can, those too that have only just come."""
        self._draining = True
        for session in list(self._sessions):
            session.drain()

    async def _serve(self, connection: Connection) -> None:
        """One connection. Whatever goes wrong here ends this session and no other."""
        client = Client.at(connection.remote)
        try:
            refusal = DRAINING if self._draining else self._admission.refusal(client.ip)
            if refusal is not None:
                with trio.move_on_after(_REFUSAL_S):
                    await connection.send_all(refusal.encode())
                return
            session = Session(self._reception, connection, client)
            self._sessions.add(session)
            try:
                with self._admission.admit(client.ip):
                    await session.run()
            finally:
                self._sessions.discard(session)
        except NetworkError:
            return
        except Exception:
            _LOG.exception("a session with %s failed by a fault of ours", client.ip)
        finally:
            connection.close()
