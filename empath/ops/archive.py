"""The files of the audit log: one for each day, older ones compressed, the oldest removed.

``audit.jsonl`` in the configuration becomes ``audit-2026-11-22.jsonl``, and the day after it gets ``.gz`` behind that.
Days are those of UTC, and of the events, so that one that was written late stands where one would look for it. A file
that does not have such a name is never touched.
"""

from __future__ import annotations

import re
import zlib
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import PurePath
from typing import Final

from attrs import frozen

from empath.world.ports import Disk, Offload

_BLOCK_BYTES: Final = 256 * 1024
_GZIP: Final = 31
"""The windowBits of zlib for a gzip header."""


def day_of(moment: float) -> date:
    """Return the day of a moment."""
    return datetime.fromtimestamp(moment, UTC).date()


@frozen(kw_only=True)
class Archive:
    """Where records lie."""

    disk: Disk
    offload: Offload
    path: PurePath
    daily: bool
    retain_days: int

    def file_of(self, day: date) -> PurePath:
        """Return the file for the records of a day."""
        return self.path.with_name(f"{self.path.stem}-{day}{self.path.suffix}") if self.daily else self.path

    async def tidy(self, today: date) -> None:
        """Compress what is of past days and remove what is too old. Raises DiskError."""
        if not self.daily:
            return
        name = re.compile(rf"{re.escape(self.path.stem)}-(\d{{4}}-\d\d-\d\d){re.escape(self.path.suffix)}(\.gz)?")
        for found in map(name.fullmatch, await self.disk.list(self.path.parent)):
            if found is None:
                continue
            day, file = _day(found[1]), self.path.with_name(found[0])
            if day is not None and day < today - timedelta(days=self.retain_days):
                await self.disk.unlink(file)
            elif day is not None and day < today and not found[2]:
                await self._compress(file)

    async def _compress(self, file: PurePath) -> None:
        packer = zlib.compressobj(wbits=_GZIP)
        target = file.with_name(f"{file.name}.gz")
        async with await self.disk.open(file) as plain, await self.disk.create(target) as packed:
            while block := await plain.read(_BLOCK_BYTES):
                await packed.write(await self.offload.run(partial(packer.compress, block)))
            await packed.write(packer.flush())
            await packed.commit()
        await self.disk.unlink(file)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
