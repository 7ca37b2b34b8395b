"""A server on one listener: it takes connections, and finds who answers."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import trio
from attrs import field, frozen

from empath.config.schema import HttpSettings
from empath.ops.http.exchange import Exchange
from empath.ops.http.hosts import is_own
from empath.ops.http.values import ContentBroken, ContentTooLarge, Handler, Request, Response, problem
from empath.world.errors import NetworkError
from empath.world.ports import Connection, Listener

_LOG: Final = logging.getLogger(__name__)


@frozen(kw_only=True)
class HttpServer:
    """Answers on one listener. What is neither a page nor in a tree is not found."""

    routes: Mapping[str, Handler]
    """The pages, by path."""
    trees: Mapping[str, Handler] = field(factory=dict)
    """By prefix, each ending with a slash."""
    settings: HttpSettings
    secure: Callable[[Connection], Awaitable[Connection]] | None = None
    """Does the handshake of TLS, in time, and raises NetworkError; None: it is spoken in clear."""
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
                spoken = connection if self.secure is None else await self.secure(connection)
                async with spoken:
                    await Exchange(self.answer, self.settings, spoken, own_name=self.own_name).run()
        except (NetworkError, trio.TooSlowError) as problem:
            _LOG.debug("HTTP from %s ended: %s", connection.remote, problem)
        except Exception:
            _LOG.exception("HTTP from %s failed", connection.remote)
        finally:
            slots.release()

    async def answer(self, request: Request) -> Response:
        """Return the answer to a request, whatever it asks for."""
        handler = next((tree for prefix, tree in self.trees.items() if request.path.startswith(prefix)), None)
        if handler is None:
            if request.method not in ("GET", "HEAD"):
                why, remedy = "nothing can be changed here", "GET, or HEAD"
                what = f"{request.method} is not known here"
                return problem(405, code="HTTP001", what=what, why=why, remedy=remedy, fields={"Allow": "GET, HEAD"})
            handler = self.routes.get(request.path)
        if handler is None:
            why, remedy = "no section that is served here has such a path", " ".join(sorted(self.routes))
            return problem(404, code="HTTP002", what=f"there is no {request.path}", why=why, remedy=remedy)
        try:
            if request.path in self.routes:
                await request.content.read(0)
            return await handler(request)
        except ContentTooLarge:
            why, remedy = "more is not held here", "send less; a page like this one takes no content at all"
            return problem(413, code="HTTP005", what="the request has too much content", why=why, remedy=remedy)
        except ContentBroken as broken:
            why, remedy = "where it ends cannot be told", "Content-Length, or chunks as RFC 9112 7.1 writes them"
            return problem(400, code="HTTP004", what=f"the content cannot be read: {broken}", why=why, remedy=remedy)
        except (NetworkError, trio.TooSlowError):
            raise  # it is the client's connection that ended
        except Exception:
            _LOG.exception("%s failed", request.path)
            why, remedy = "a fault of ours, which does not touch mail", "see the log of the daemon"
            return problem(500, code="HTTP003", what=f"{request.path} failed", why=why, remedy=remedy)

    def is_ours(self, host: str) -> bool:
        """Tell whether a Host field names this machine."""
        return is_own(host, self.own_name)
