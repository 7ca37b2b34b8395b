"""Backups of a spool that is in use.

The store is copied first, a portion after each transaction. No body file goes meanwhile, so all that the copy needs are
there when it is complete, and are copied then. The mark ``backup.json`` comes last: a directory without it is no
backup. Nothing is changed in the spool, so there is nothing to be mended wherever a backup is cut off.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Final

import msgspec
import trio
from attrs import define, field

from empath.spool.belonging import BODIES, MARK
from empath.spool.committer import Committer
from empath.spool.contract import Backup, BodyFile, SpoolError
from empath.spool.copying import Copying
from empath.spool.removal import Removal
from empath.spool.store import Store
from empath.spool.stored import checksum
from empath.world.errors import DiskError, FileMissing
from empath.world.ports import DISCARD_S, Disk, Offload

QUEUE: Final = "queue"
"""The directory of the store in a backup, beside that of the bodies."""
MANIFEST: Final = "backup.json"
"""The file that is there once a backup is complete."""
_PAUSE_S: Final = 0.005
"""Between two portions: mail needs the thread of the store, too."""
_BLOCK_BYTES: Final = 256 * 1024


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in ``backup.json``."""

    schema: str = "empath.backup-manifest/1"
    backend: str
    at: float
    messages: int
    files: int
    missing: tuple[str, ...] = ()


@define(eq=False)
class Snapshots:
    """See the module."""

    _committer: Committer[Store]
    _disk: Disk
    _bodies: PurePath
    _offload: Offload
    _removal: Removal
    _is_busy: bool = field(init=False, default=False)

    async def make(self, directory: PurePath, *, now: float) -> Backup:
        """See ``contract.Spool``."""
        if self._is_busy:
            raise SpoolError("another backup is being made; wait for its end")
        self._is_busy = True
        try:
            await self._make_directories(directory)
            return await self._make(directory, now)
        except DiskError as problem:
            raise SpoolError(f"the backup cannot be made: {problem}") from problem
        except OSError as problem:
            raise SpoolError(f"the backup cannot be made: {problem}") from problem
        finally:
            self._is_busy = False

    async def _make_directories(self, directory: PurePath) -> None:
        try:
            if await self._disk.list(directory):
                raise SpoolError(f"{directory} is not empty; name a directory that is, or a new one")
        except FileMissing:
            pass
        for path in (directory / QUEUE, directory / BODIES):
            await self._disk.make_directory(path)

    async def _make(self, directory: PurePath, now: float) -> Backup:
        self._removal.hold()
        try:
            queue = str(directory / QUEUE)
            copying = await self._committer.do(lambda store: store.begin_copy(queue), durable=True)
            try:
                has_more = True
                while has_more:
                    await trio.sleep(_PAUSE_S)
                    has_more = await self._committer.do(lambda store: store.copies_on(), durable=False, patient=True)
                copied = await self._offload.run(copying.finish)
            finally:
                with trio.CancelScope(shield=True):
                    await self._committer.do(lambda store: store.end_copy(), durable=False)
            missing = [body.name for body in copied.bodies if not await self._copy(body, directory)]
        finally:
            with trio.move_on_after(DISCARD_S, shield=True):
                await self._removal.let_go()
        backup = Backup(at=now, messages=copied.messages, files=len(copied.bodies), missing=tuple(missing))
        await self._mark(directory, copying, backup)
        return backup

    async def _copy(self, body: BodyFile, directory: PurePath) -> bool:
        """Copy a body file; whether it is what was accepted."""
        found = size_bytes = 0
        try:
            async with (
                await self._disk.open(self._bodies / body.name) as source,
                await self._disk.create(directory / BODIES / body.name) as target,
            ):
                while block := await source.read(_BLOCK_BYTES):
                    found, size_bytes = checksum(block, found), size_bytes + len(block)
                    await target.write(block)
                if size_bytes != body.size_bytes or body.checksum not in (None, found):
                    return False
                await target.commit()
        except FileMissing:
            return False
        return True

    async def _mark(self, directory: PurePath, copying: Copying, backup: Backup) -> None:
        token = await self._committer.do(lambda store: store.identity(), durable=False)
        await self._disk.write(directory / MARK, [f"{token}\n".encode()])
        manifest = Manifest(
            backend=copying.backend,
            at=backup.at,
            messages=backup.messages,
            files=backup.files,
            missing=backup.missing,
        )
        await self._disk.write(directory / MANIFEST, [msgspec.json.encode(manifest) + b"\n"])
