"""Whether the queue and the directory of its body files belong together.

They may lie on two disks, so one can be exchanged without the other: by a new ``delivery.queue_path``, by a restored
backup, by a disk that was not mounted. The sweep would then take all bodies of the queue that is not there for rubbish.
So both have the same token, and a daemon starts only on two that do; one that has none yet is given that of the other,
if nothing can be lost by that.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

from attrs import frozen

from empath.spool.committer import Committer
from empath.spool.contract import SpoolError
from empath.spool.store import Store
from empath.world.errors import DiskError, FileMissing
from empath.world.ports import TEMPORARY_SUFFIX, Disk, World

BODIES: Final = "bodies"
"""The name of the directory of the body files, in that of a spool."""
MARK: Final = "queue.id"
"""The name of the file in the directory of a spool."""
CONVERTING: Final = "converting"
"""The name of the file that is there while the spool is moved to another backend, or from one: see ``conversion``."""
TOKEN_BYTES: Final = 16


@frozen(kw_only=True)
class Halves:
    """What is known of the two."""

    path: PurePath
    """The directory of the spool."""
    queue_token: str | None
    """None: the queue is new, or of a version that knew no tokens."""
    bodies_token: str | None
    bodies: frozenset[str]
    """The files that are there."""
    needed: frozenset[str]
    """The files that the queue asks for."""

    def token(self) -> str | None:
        """The token that both shall have; None: a new one. A SpoolError: they do not belong together."""
        if self.queue_token is not None and self.bodies_token is not None:
            if self.queue_token != self.bodies_token:
                raise self._refusal("they were made for different spools")
        elif self.bodies_token is not None and self.bodies:
            raise self._refusal(f"the queue is new, and {len(self.bodies)} bodies of another one are here")
        elif self.queue_token is not None and (self.needed or self.bodies):
            raise self._refusal(f"the queue needs {len(self.needed)} bodies, and this is not their directory")
        elif self.bodies and not self.needed & self.bodies:
            raise self._refusal(f"{len(self.bodies)} bodies are here, and none of them is of this queue")
        return self.queue_token or self.bodies_token

    def _refusal(self, why: str) -> SpoolError:
        return SpoolError(
            f"the queue and the bodies in {self.path / BODIES} do not belong together: {why}; nothing was touched; "
            "set spool.path and delivery.queue_path to two that do, see that their disks are mounted, or move what you "
            f"have given up ({self.path / MARK} with the bodies, or the queue) to another place"
        )


async def unite(committer: Committer[Store], world: World, path: PurePath) -> None:
    """See to it that both halves of a spool have one token. A SpoolError: they do not belong together."""
    try:
        await _unite(committer, world, path)
    except DiskError as problem:
        raise SpoolError(f"the spool cannot be opened: {problem}") from problem


async def _unite(committer: Committer[Store], world: World, path: PurePath) -> None:
    converting = await _read(world.disk, path / CONVERTING)
    if converting is not None:
        raise SpoolError(
            f"the spool at {path} is being moved, from {converting}, and this is only a part of it; end that first: "
            "`empath spool convert` goes on where it was cut off, `empath restore` begins anew"
        )
    queue_token = await committer.do(lambda store: store.identity(), durable=False)
    bodies_token = await _read(world.disk, path / MARK)
    halves = Halves(
        path=path,
        queue_token=queue_token,
        bodies_token=bodies_token,
        bodies=_committed(await world.disk.list(path / BODIES)),
        needed=frozenset(await committer.do(lambda store: store.body_files(), durable=False)),
    )
    token = halves.token() or world.entropy.token(TOKEN_BYTES).hex()
    if bodies_token is None:
        await world.disk.write(path / MARK, [f"{token}\n".encode()])
    if queue_token is None:
        await committer.do(lambda store: store.identify(token), durable=True)


async def _read(disk: Disk, path: PurePath) -> str | None:
    try:
        async with await disk.open(path) as file:
            return (await file.read(1024)).decode(errors="replace").strip()
    except FileMissing:
        return None


def _committed(names: tuple[str, ...]) -> frozenset[str]:
    """Of the names in the directory of the bodies, those of files that were finished."""
    return frozenset(name for name in names if not name.endswith(TEMPORARY_SUFFIX))
