"""A search through the files of the audit log: the newest first, each from its beginning, a block at a time.

Reading and unpacking is done in a thread, block by block, with a pause after each that is as long as the block took: so
a search takes half a core at most, and mail is not held up by it. What is found is bounded by who searches.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from functools import partial
from pathlib import PurePath

import trio
from attrs import frozen

from empath.ops.audit.archive import Archive, Volume, day_of
from empath.ops.audit.blocks import line_blocks, unpacked_blocks
from empath.ops.audit.packing import IndexDamaged, entries_of
from empath.ops.audit.seeking import Hit, Sought
from empath.world.errors import FileMissing
from empath.world.ports import ReadableFile


@frozen(kw_only=True)
class Search:
    """See the module."""

    archive: Archive
    gives_way: bool
    """Whether to pause after each block."""

    # Generators that are left in the middle must be closed at once: every caller has them in `aclosing`.
    async def hits(  # noqa: ASYNC900
        self, sought: Sought, volumes: list[Volume] | None = None
    ) -> AsyncGenerator[list[Hit], None]:
        """What is found in these volumes, or in all there are, some at a time. Raises DiskError, and Unreadable."""
        for volume in await self.archive.volumes() if volumes is None else volumes:
            if _is_apart(volume, sought):
                continue
            with suppress(FileMissing):  # it was too old, and is gone since the list was made
                async with aclosing(self._of(volume, sought)) as found:
                    async for some in found:
                        yield some  # noqa: ASYNC119

    async def _of(self, volume: Volume, sought: Sought) -> AsyncGenerator[list[Hit], None]:  # noqa: ASYNC900
        began = trio.current_time()
        async with aclosing(self.blocks(volume, sought)) as blocks:
            async for lines in blocks:
                found = await self.archive.offload.run(partial(sought.hits, lines))
                if found:
                    yield found  # noqa: ASYNC119
                if self.gives_way:
                    await trio.sleep(trio.current_time() - began)
                    began = trio.current_time()

    async def blocks(self, volume: Volume, sought: Sought) -> AsyncGenerator[bytes, None]:  # noqa: ASYNC900
        """The lines of a volume among which there may be some of them. Raises DiskError, and Unreadable."""
        file, is_packed = await self._open(volume)
        async with file:
            if not is_packed:
                async with aclosing(line_blocks(file)) as blocks:
                    async for lines in blocks:
                        yield lines  # noqa: ASYNC119
                return
            async with aclosing(self._ranges(volume.index, file.size_bytes, sought)) as ranges:
                async for offset, size_bytes in ranges:
                    file.seek(offset)
                    async with aclosing(unpacked_blocks(file, self.archive.offload, size_bytes)) as blocks:
                        async for lines in blocks:
                            yield lines  # noqa: ASYNC119

    async def _open(self, volume: Volume) -> tuple[ReadableFile, bool]:
        """The file of a volume, and whether it is packed, which may have come to pass a moment ago."""
        if volume.plain is not None:
            try:
                return await self.archive.disk.open(volume.plain), False
            except FileMissing:
                if volume.day is None:
                    raise
        plain = volume.plain or self.archive.path
        return await self.archive.disk.open(volume.packed or plain.with_name(f"{plain.name}.gz")), True

    async def _ranges(  # noqa: ASYNC900
        self, index: PurePath | None, size_bytes: int, sought: Sought
    ) -> AsyncGenerator[tuple[int, int], None]:
        """The parts of a packed file that are to be looked at: those that the index says, and what it does not know."""
        end = 0
        try:
            if index is not None:
                async with aclosing(entries_of(self.archive.disk, index)) as entries:
                    async for entry in entries:
                        end = entry.offset + entry.size_bytes
                        if sought.may_be_in(entry):
                            yield entry.offset, entry.size_bytes  # noqa: ASYNC119
        except (FileMissing, IndexDamaged):
            pass
        if end < size_bytes:
            yield end, size_bytes - end  # noqa: ASYNC119


def _is_apart(volume: Volume, sought: Sought) -> bool:
    """Whether it is of another time. A record may stand in the file of the day after its own, never before."""
    if volume.day is None:
        return False
    if sought.since is not None and volume.day < day_of(sought.since):
        return True
    return sought.until is not None and (volume.day - day_of(sought.until)).days > 1
