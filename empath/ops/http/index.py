"""A page that says which paths there are, where nothing better is served."""

from __future__ import annotations

from collections.abc import Iterable

import trio

import empath
from empath.ops.http.values import Handler, Request, Response


def index(paths: Iterable[str], hostname: str) -> Handler:
    """Answer with these paths, as plain text."""
    body = f"Empath {empath.__version__} on {hostname}\n\n" + "".join(f"{path}\n" for path in sorted(paths))

    async def answer(_: Request) -> Response:
        await trio.lowlevel.checkpoint()
        return Response(content_type="text/plain; charset=utf-8", body=body.encode())

    return answer
