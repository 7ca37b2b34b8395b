"""The files of the dashboard, from memory."""

from __future__ import annotations

import gzip
import hashlib
import pkgutil
from collections.abc import Mapping
from typing import Final

import trio
from attrs import frozen

from empath.ops.http import Handler, Request, Response, problem

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
PLACES: Final = ("/lane/", "/m/", "/captured/", "/runbook/")
"""Below these the page itself finds out what to show, so that such an address can be sent to a colleague."""
RUNBOOKS: Final = "operations.rst"
"""A page of the documentation, as it is written: what to do when an alert comes."""
FILES: Final = (
    *("index.html", "icon.svg", "style.css", "app.js", "actions.js", "api.js", "captured.js", "charts.js", "dom.js"),
    *("events.js", "keys.js", "lane.js", "lanes.js", "live.js", "message.js", "overview.js", "runbook.js"),
    *("session.js", "units.js", RUNBOOKS),
    *("uplot/uPlot.iife.min.js", "uplot/uPlot.min.css", "uplot/LICENSE"),
)
_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


def pages() -> tuple[Mapping[str, Handler], Mapping[str, Handler]]:
    """Return the pages by path, and who answers below a path. Reads all files."""
    files = {name: _File.read(name) for name in FILES}
    page = files.pop("index.html")
    found = {"/": page, "/captured": page, **{f"/dashboard/{name}": file for name, file in files.items()}}
    return found, dict.fromkeys(PLACES, page)


@frozen
class _File:
    """One file. It answers for itself."""

    content: bytes
    packed: bytes
    """The same by gzip: a third, for those who come over a slow line."""
    content_type: str
    name: str
    """By which the entity-tags of both begin."""

    @classmethod
    def read(cls, name: str) -> _File:
        content = pkgutil.get_data("empath.ops.dashboard", f"files/{name}")
        if content is None:
            raise FileNotFoundError(f"the file {name} of the dashboard is not in this installation")
        content_type = _TYPES.get(name.rpartition(".")[2], "text/plain; charset=utf-8")
        return cls(content, gzip.compress(content, mtime=0), content_type, hashlib.sha256(content).hexdigest()[:24])

    async def __call__(self, request: Request) -> Response:
        await trio.lowlevel.checkpoint()
        if request.method not in ("GET", "HEAD"):
            what, why = f"{request.method} is not known here", "a page can only be looked at"
            return problem(405, code="HTTP001", what=what, why=why, remedy="GET", fields={"Allow": "GET, HEAD"})
        is_packed = "gzip" in request.fields.get("accept-encoding", "")
        etag = f'"{self.name}{"-gzip" if is_packed else ""}"'
        fields = {
            "ETag": etag,
            "Vary": "Accept-Encoding",
            **({"Content-Encoding": "gzip"} if is_packed else {}),
            "Cache-Control": "no-cache",
            "Content-Security-Policy": POLICY,
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "X-Frame-Options": "DENY",
        }
        known = {one.strip().removeprefix("W/") for one in request.fields.get("if-none-match", "").split(",")}
        status = 304 if known & {etag, "*"} else 200  # RFC 9110 13.1.2
        body = self.packed if is_packed else self.content
        return Response(status=status, content_type=self.content_type, body=body, fields=fields)
