"""The HTTP servers of a worker: one for each address, since sections of the configuration may share one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from attrs import field, frozen

from empath.app.http_tls import HttpTls
from empath.config.schema import Config
from empath.ops.http import Handler, HttpServer
from empath.ops.http.index import index
from empath.world.endpoint import Endpoint, TcpEndpoint
from empath.world.ports import Listener

Open = Callable[[TcpEndpoint], Awaitable[Listener]]


@frozen
class OpenServer:
    """One that may begin to answer."""

    http: HttpServer
    listener: Listener


@frozen(kw_only=True)
class HttpServers:
    """Those that are open."""

    sections: Mapping[str, Endpoint] = field(factory=dict)
    """Where each section is served: ``metrics``, ``health``, ``api``."""
    https: frozenset[str] = frozenset()
    """The sections that are served over TLS."""
    servers: list[OpenServer] = field(factory=list)

    @classmethod
    async def open(
        cls,
        config: Config,
        open_listener: Open,
        *,
        pages: Mapping[str, Mapping[str, Handler]],
        trees: Mapping[str, Handler],
        tls: HttpTls | None,
    ) -> HttpServers:
        """Listen. ``pages``: by section, and then by path. ``trees``: what is answered where ``api`` is.

        TLS is spoken where ``api`` is served. Raises ListenFailed.
        """
        addresses = {
            "metrics": config.metrics.listen_addr,
            "health": config.health.listen_addr,
            "api": config.api.listen_addr,
        }
        sections: dict[str, Endpoint] = {}
        https: frozenset[str] = frozenset()
        servers: list[OpenServer] = []
        for address in dict.fromkeys(addresses[section] for section in pages):
            here = [section for section in pages if addresses[section] == address]
            served = {path: handler for section in here for path, handler in pages[section].items()}
            if "api" in here and "/" not in served:
                served["/"] = index([*served, "/"], str(config.hostname))
            secured = tls if "api" in here else None
            listener = await open_listener(address)
            http = HttpServer(
                routes=served,
                trees=trees if "api" in here else {},
                settings=config.http,
                secure=None if secured is None else secured.secure,
                own_name=config.hostname.ascii,
            )
            servers.append(OpenServer(http, listener))
            sections |= dict.fromkeys(here, listener.endpoint)
            https |= frozenset(here if secured is not None else ())
        return cls(sections=sections, https=https, servers=servers)
