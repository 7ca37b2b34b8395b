"""The API: from a request to its route, and to the answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

import trio
from attrs import field, frozen

import empath
from empath.config.schema import HttpSettings
from empath.ops.api.access import Access
from empath.ops.api.openapi import document
from empath.ops.api.problems import Code, Problem
from empath.ops.api.reading import Nothing
from empath.ops.api.route import Call, Route, get
from empath.ops.http import Request, Response
from empath.spool.contract import SpoolError

PREFIX: Final = "/api/v1"
_LOG: Final = logging.getLogger(__name__)


@frozen(kw_only=True)
class Api:
    """Answers everything below `PREFIX`."""

    access: Access
    settings: HttpSettings
    _given: tuple[Route, ...]
    routes: tuple[Route, ...] = field(init=False)
    """All there are, in the order in which they are tried."""

    @routes.default
    def _with_document(self) -> tuple[Route, ...]:
        return (*self._given, get("/openapi.json", self._openapi, None))

    async def __call__(self, request: Request) -> Response:
        """Answer, whoever asks for whatever."""
        try:
            route, names = self._find(request)
            who = await self.access.principal(request, route.scope)
            return await route.respond(request, who, names, self.settings.max_content_bytes)
        except Problem as problem:
            return problem.response()
        except SpoolError as problem:
            _LOG.error("%s %s: %s", request.method, request.path, problem)
            why, remedy = "the disk of the spool may be full or failing", "see /health/detailed and the log"
            return Problem(503, Code.SPOOL, f"the spool: {problem}", why=why, remedy=remedy).response()

    def _find(self, request: Request) -> tuple[Route, Mapping[str, str]]:
        """The route of a request, and what stands in its path for the names. Raises Problem."""
        method = "GET" if request.method == "HEAD" else request.method
        allowed: set[str] = set()
        path = request.path.removeprefix(PREFIX)
        for route in self.routes:
            names = route.match(path)
            if names is not None and route.method == method:
                return route, names
            if names is not None:
                allowed.add(route.method)
        if allowed:
            shown = ", ".join(sorted(allowed))
            what, why = f"{request.method} is not known here", f"this path knows {shown}"
            remedy = f"see {PREFIX}/openapi.json"
            raise Problem(405, Code.METHOD, what, why=why, remedy=remedy, fields={"Allow": shown})
        why, remedy = "the API of this version has no such path", f"{PREFIX}/openapi.json lists all there are"
        raise Problem(404, Code.NO_PATH, f"there is no {request.path[:200]}", why=why, remedy=remedy)

    async def _openapi(self, call: Call[Nothing, Nothing]) -> Response:
        """Describe this API, in OpenAPI 3.1."""
        await trio.lowlevel.checkpoint()
        return Response(body=document(self.routes, prefix=PREFIX, version=empath.__version__))
