"""A listener: accepts connections, and gives each a session and a guard."""

from __future__ import annotations

import logging

import trio
from attrs import define, field

from empath.ingress.client import Client
from empath.ingress.limits.admission import Admission
from empath.ingress.limits.parting import Partings
from empath.ingress.limits.refusals import Refusals
from empath.ingress.preface import is_proxy, read_preface
from empath.ingress.reception import Reception
from empath.ingress.replies import DRAINING
from empath.ingress.session import Session
from empath.world.errors import NetworkError
from empath.world.ports import Connection, Listener

_LOG = logging.getLogger(__name__)


@define(eq=False)
class Intake:
    """The sessions of one listener."""

    _reception: Reception
    _admission: Admission
    _sessions: set[Session] = field(init=False, factory=set)
    _draining: bool = field(init=False, default=False)
    _partings: Partings = field(init=False)
    _refusals: Refusals = field(init=False)
    _crowded: bool = field(init=False, default=False)
    """As it was when the last session began."""

    def __attrs_post_init__(self) -> None:
        """Make what sends clients away."""
        limits = self._reception.limits
        self._partings = Partings(limits.farewell_timeout_s, most=limits.max_refusals)
        self._refusals = Refusals(self._reception, self._partings)

    def renew(self, reception: Reception) -> None:
        """Let sessions that begin from now on be like this. Those that are open stay as they are."""
        limits = reception.limits
        self._reception = self._refusals.reception = reception
        self._partings.limit_s, self._partings.most = limits.farewell_timeout_s, limits.max_refusals

    async def run(self, listener: Listener, work: trio.Nursery) -> None:
        """Accept until cancelled. Sessions run in ``work``, and go on."""
        async with listener:
            while True:
                work.start_soon(self._serve, await listener.accept())

    def drain(self) -> None:
        """The daemon is stopping: sessions end as soon as they can, those too that have only just come."""
        self._partings.hasten()
        self.pause()

    def pause(self) -> None:
        """Send clients away, and let sessions end as soon as they can, until ``resume``."""
        self._draining = True
        for session in list(self._sessions):
            session.drain()

    def resume(self) -> None:
        """Take clients in again."""
        self._draining = False

    async def _serve(self, connection: Connection) -> None:
        """One connection. Whatever goes wrong here ends this session and no other."""
        client = Client.at(connection.remote)
        session = None
        try:
            if is_proxy(client, self._reception) and not self._admission.full:
                with self._admission.expect():
                    known = await read_preface(connection, client, limit_s=self._reception.limits.proxy_timeout_s)
                if not known:
                    return
            if self._draining:
                await self._send_away(connection)
                return
            if (refusal := self._admission.refusal(client.ip)) is not None:
                await self._refusals.refuse(connection, client, refusal)
                return
            session = Session(self._reception, connection, client, lambda: self._admission.crowded)
            self._sessions.add(session)
            try:
                with self._admission.admit(client.ip):
                    self._look_around()
                    await session.run()
                if session.dismissed:
                    await self._partings.part(connection)
            finally:
                self._sessions.discard(session)
        except NetworkError:
            return
        except Exception:
            name = session.name if session else "-"
            _LOG.exception("a session failed by a fault of ours session=%s client=%s", name, client.ip)
        finally:
            connection.close()

    async def _send_away(self, connection: Connection) -> None:
        """The daemon is stopping, and has no time for more than a word."""
        with trio.move_on_after(self._reception.limits.farewell_timeout_s):
            await connection.send_all(DRAINING.encode())

    def _look_around(self) -> None:
        """When it has become crowded, tell the sessions that were there before."""
        before, self._crowded = self._crowded, self._admission.crowded
        if self._crowded and not before:
            for session in self._sessions:
                session.hurry()
