"""Large bodies on their way into files."""

from __future__ import annotations

import trio
from attrs import define, field

from empath.spool.contract import BodyFile, SpoolError, SpoolFull
from empath.spool.stored import checksum
from empath.world.errors import DiskError, DiskFull
from empath.world.ports import DISCARD_S, DurableFile


@define(eq=False)
class FileDraft:
    """See ``contract.BodyDraft``."""

    _name: str
    _file: DurableFile
    _checksum: int = field(init=False, default=0)

    async def write(self, block: bytes) -> None:
        """See ``contract.BodyDraft``."""
        try:
            await self._file.write(block)
            self._checksum = checksum(block, self._checksum)
        except DiskError as problem:
            raise translated(problem) from problem

    async def commit(self) -> BodyFile:
        """See ``contract.BodyDraft``."""
        try:
            size_bytes = await self._file.commit()
        except DiskError as problem:
            raise translated(problem) from problem
        return BodyFile(name=self._name, size_bytes=size_bytes, checksum=self._checksum)

    async def discard(self) -> None:
        """See ``contract.BodyDraft``."""
        with trio.move_on_after(DISCARD_S, shield=True):
            await self._file.discard()


def translated(problem: DiskError) -> SpoolError:
    """What a trouble with the disk means for who uses the spool."""
    return SpoolFull(str(problem)) if isinstance(problem, DiskFull) else SpoolError(str(problem))
