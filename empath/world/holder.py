"""Who listens on a port that we wanted.

"Address already in use" sends people to other tools; on Linux the answer stands in ``/proc``. It is a courtesy: where
``/proc`` is missing, or the other process belongs to somebody else, there is no answer and no error.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from empath.world.endpoint import UnixEndpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from empath.world.endpoint import Endpoint

PROC = Path("/proc")
LISTEN = "0A"
"""The state of a listening socket in ``/proc/net/tcp`` (``TCP_LISTEN`` in the kernel)."""


def holder_of(endpoint: Endpoint) -> str | None:
    """Return the program that listens there as ``"name (pid 12)"``, or None if that cannot be told."""
    try:
        inodes = _unix_inodes(endpoint.path) if isinstance(endpoint, UnixEndpoint) else _tcp_inodes(endpoint.port)
        return _process_with({f"socket:[{inode}]" for inode in inodes})
    except (OSError, ValueError, IndexError):
        return None


def _tcp_inodes(port: int) -> Iterator[str]:
    """Yield the inodes of all sockets that listen on the port, whatever the address: each may stand in the way."""
    for table in ("tcp", "tcp6"):
        for line in (PROC / "net" / table).read_text(encoding="ascii").splitlines()[1:]:
            columns = line.split()
            if columns[3] == LISTEN and int(columns[1].rpartition(":")[2], 16) == port:
                yield columns[9]


def _unix_inodes(path: str) -> Iterator[str]:
    for line in (PROC / "net" / "unix").read_text(encoding="utf-8", errors="surrogateescape").splitlines()[1:]:
        columns = line.split(maxsplit=7)
        if columns[7:] == [path]:
            yield columns[6]


def _process_with(links: set[str]) -> str | None:
    for process in PROC.iterdir():
        if process.name.isdigit() and links & set(_open_files(process)):
            name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
            return f"{name} (pid {process.name})"
    return None


def _open_files(process: Path) -> Iterator[str]:
    try:
        for descriptor in (process / "fd").iterdir():
            yield str(descriptor.readlink())
    except OSError:
        return
