"""Reports that are made and not sent, each in a file of its own, so that one that was sent is never made again."""

from __future__ import annotations

import hashlib
import logging
from contextlib import suppress
from pathlib import PurePath
from typing import Final

import msgspec
from attrs import field, frozen

from empath.world.errors import DiskError, FileMissing
from empath.world.ports import Disk

_LOG = logging.getLogger(__name__)

_SUFFIX: Final = ".json"


@frozen(kw_only=True)
class DueReport:
    """A report, and where it goes."""

    uri: str
    about: str
    """The domain, as A-labels."""
    identifier: str
    begins: int
    ends: int
    """The first and the last second of what it is about."""
    not_before: float
    """When it may be sent; wall clock, like ``ends``."""
    packed: bytes = field(repr=False)
    """The report itself, compressed."""
    in_hand: bool = False
    """Whether it is going into the spool just now."""

    @property
    def name(self) -> str:
        """The file of this report."""
        return hashlib.sha256(f"{self.identifier} {self.uri}".encode()).hexdigest() + _SUFFIX


@frozen
class Outbox:
    """See the module."""

    _disk: Disk
    _directory: PurePath
    """Made when there is something to send."""

    async def put(self, report: DueReport) -> None:
        """Keep a report, in place of what was known of it. Raises DiskError."""
        await self._disk.make_directory(self._directory)
        await self._disk.write(self._directory / report.name, [msgspec.json.encode(report)])

    async def names(self) -> tuple[str, ...]:
        """What there is, for `get`. Raises DiskError."""
        try:
            return tuple(name for name in await self._disk.list(self._directory) if name.endswith(_SUFFIX))
        except FileMissing:
            return ()

    async def get(self, name: str) -> DueReport | None:
        """One of them; None, and it is removed: it is damaged. Raises DiskError."""
        path = self._directory / name
        async with await self._disk.open(path) as file:
            content = await file.read(file.size_bytes)
        try:
            return msgspec.json.decode(content, type=DueReport)
        except msgspec.MsgspecError as problem:
            _LOG.warning("the report on TLS in %s cannot be used: %s", path, problem)
            await self._remove(name)
            return None

    async def remove(self, report: DueReport) -> None:
        """Forget one."""
        await self._remove(report.name)

    async def _remove(self, name: str) -> None:
        try:
            with suppress(FileMissing):
                await self._disk.unlink(self._directory / name)
        except DiskError as problem:
            _LOG.warning("a report on TLS cannot be removed: %s", problem)
