"""Taking a token out of its file, for the API and for ``empath token revoke``.

Comments and the order of lines stay as they are, and so do the owner and the mode of the file. It blocks.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path

from empath.ops.acting import Deed
from empath.ops.api.routes.tokens import TokenRoutes
from empath.ops.api.tokens import MAX_FILE_BYTES, TokenFile, parse_tokens
from empath.world.ports import World
from empath.world.rewriting import locked, replace


def token_routes(
    path: Path | None, world: World, tokens: TokenFile | None, told: Callable[[Deed], None]
) -> TokenRoutes:
    """The room of the API that shows and revokes them. ``path``: of the file; None: there is none."""

    async def revoked(name: str) -> bool:
        return path is not None and await world.offload.run(partial(revoke, path, name))

    return TokenRoutes(tokens=tokens, revoke=revoked, told=told)


def revoke(path: Path, name: str) -> bool:
    """Take the line of a token out of a file; whether there was one. Raises OSError and ValueError: nothing changed."""
    path = path.resolve()  # a link to the file stays one
    with locked(path.parent):
        found = path.stat()
        with path.open("rb") as file:
            text = file.read(MAX_FILE_BYTES).decode()
        if name not in {token.name for token in parse_tokens(text)}:
            return False
        kept = [line for line in text.splitlines(keepends=True) if line.split()[:1] != [name]]
        replace(path, "".join(kept).encode(), owner=(found.st_uid, found.st_gid), mode=stat.S_IMODE(found.st_mode))
    return True
