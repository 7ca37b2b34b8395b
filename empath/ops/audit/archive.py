"""The files of the audit log: one for each day, older ones compressed, the oldest removed.

``audit.jsonl`` in the configuration becomes ``audit-2026-11-22.jsonl``; the day after it gets ``.gz`` behind that, and
beside it comes an index, ``.idx``, by which a search finds the parts that it needs (`empath.ops.audit.packing`). Days
are those of UTC. A file that does not have such a name is never touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import PurePath
from typing import Final

from attrs import field, frozen

from empath.ops.audit.chain import taken_apart
from empath.ops.audit.packing import pack
from empath.world.errors import FileMissing
from empath.world.ports import Disk, Offload

_LAST_LINES_BYTES: Final = 256 * 1024
"""Where the newest record is looked for."""


def day_of(moment: float) -> date:
    """Return the day of a moment."""
    return datetime.fromtimestamp(moment, UTC).date()


@frozen(kw_only=True)
class Volume:
    """The file of one day, in whatever form it is there."""

    day: date | None
    """None: the only file, of all days."""
    plain: PurePath | None
    """As it is written; None: it is compressed."""
    packed: PurePath | None = None
    index: PurePath | None = None


@frozen(kw_only=True)
class Archive:
    """Where records lie."""

    disk: Disk
    offload: Offload
    path: PurePath
    daily: bool
    retain_days: int
    _name: re.Pattern[str] = field(init=False)

    @_name.default
    def _names_of_days(self) -> re.Pattern[str]:
        stem, suffix = re.escape(self.path.stem), re.escape(self.path.suffix)
        return re.compile(rf"{stem}-(\d{{4}}-\d\d-\d\d){suffix}(\.gz|\.idx)?")

    def file_of(self, day: date) -> PurePath:
        """Return the file for the records of a day."""
        return self.path.with_name(f"{self.path.stem}-{day}{self.path.suffix}") if self.daily else self.path

    async def volumes(self) -> list[Volume]:
        """Return what there is, the newest first. Raises DiskError."""
        names = frozenset(await self.disk.list(self.path.parent))
        found = [self._volume(day, names) for day in sorted({day for day, _ in self._of_days(names)}, reverse=True)]
        if self.path.name in names:
            found.append(Volume(day=None, plain=self.path))
        return found

    async def newest_link(self) -> str:
        """Return the link of the newest record; empty: there is none. Raises DiskError."""
        for volume in await self.volumes():
            if volume.plain is None:
                continue
            async with await self.disk.open(volume.plain) as file:
                file.seek(max(0, file.size_bytes - _LAST_LINES_BYTES))
                tail = await file.read(_LAST_LINES_BYTES)
            links = [parts[1] for line in tail.splitlines() if (parts := taken_apart(line))]
            if links:
                return links[-1]
        return ""

    async def is_torn(self, day: date) -> bool:
        """Whether the last line of a file has no end, as after a loss of power. Raises DiskError."""
        try:
            async with await self.disk.open(self.file_of(day)) as file:
                file.seek(max(0, file.size_bytes - 1))
                return (await file.read(1)) not in (b"", b"\n")
        except FileMissing:
            return False

    async def tidy(self, today: date) -> None:
        """Compress what is of past days and remove what is too old. Raises DiskError."""
        if not self.daily:
            return
        names = frozenset(await self.disk.list(self.path.parent))
        for day, name in sorted(self._of_days(names)):
            if day < today - timedelta(days=self.retain_days):
                await self.disk.unlink(self.path.with_name(name))
        for day in sorted({day for day, _ in self._of_days(names)}):
            volume = self._volume(day, names)
            if today - timedelta(days=self.retain_days) <= day < today and volume.plain is not None:
                await pack(self.disk, self.offload, volume.plain)

    def _of_days(self, names: frozenset[str]) -> Iterator[tuple[date, str]]:
        """The names that are ours, each with its day."""
        for name in names:
            found = self._name.fullmatch(name)
            day = None if found is None else _day(found[1])
            if day is not None:
                yield day, name

    def _volume(self, day: date, names: frozenset[str]) -> Volume:
        plain = self.path.with_name(f"{self.path.stem}-{day}{self.path.suffix}")
        packed, index = plain.with_name(f"{plain.name}.gz"), plain.with_name(f"{plain.name}.idx")
        return Volume(
            day=day,
            plain=plain if plain.name in names else None,
            packed=packed if packed.name in names else None,
            index=index if index.name in names else None,
        )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
