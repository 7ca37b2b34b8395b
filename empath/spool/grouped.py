"""A ``Spool`` made of a store and a committer: the same for every backend.

Small bodies travel inside the transaction; large ones are files, durable before the transaction that names them, and
removed after the transaction that forgets them. A file that no row names is therefore rubbish, whenever the process
may have died: ``sweep`` removes it at the next start.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import PurePath
from typing import Final

import trio
from attrs import define, field

from empath.mail.ids import MessageId
from empath.spool.committer import Committer
from empath.spool.contract import Acceptance, BodyFile, Claimed, Fate, SpoolError, SpoolFull, Statistics
from empath.spool.store import Store
from empath.world.errors import DiskError, DiskFull
from empath.world.ports import Disk, DurableFile

BLOCK_BYTES: Final = 64 * 1024
"""How much of a large body is in memory at a time."""


@define(eq=False)
class GroupedSpool:
    """See ``contract.Spool``."""

    _committer: Committer[Store]
    _disk: Disk
    _bodies: PurePath
    _news: trio.Event = field(init=False, factory=trio.Event)

    async def accept(self, acceptance: Acceptance) -> None:
        """See ``contract.Spool``."""
        await self._committer.do(lambda store: store.accept(acceptance), durable=True)
        self._news.set()

    async def claim(self, *, now: float, until: float, room: int) -> Claimed:
        """See ``contract.Spool``."""
        return await self._committer.do(lambda store: store.claim(now=now, until=until, room=room), durable=False)

    async def record(self, fates: Sequence[Fate], reports: Sequence[Acceptance] = ()) -> None:
        """See ``contract.Spool``. A report makes the transaction durable: it is all that is left of its deliveries."""
        unneeded = await self._committer.do(partial(_record, fates=fates, reports=reports), durable=bool(reports))
        for name in unneeded:
            await self._remove(name)
        if reports:
            self._news.set()

    async def wait_news(self) -> None:
        """See ``contract.Spool``."""
        await self._news.wait()
        self._news = trio.Event()

    async def draft_body(self, mid: MessageId) -> FileDraft:
        """See ``contract.Spool``."""
        try:
            return FileDraft(str(mid), await self._disk.create(self._bodies / str(mid)))
        except DiskError as problem:
            raise _translate(problem) from problem

    async def read_body(self, body: BodyFile) -> AsyncIterator[bytes]:
        """See ``contract.Spool``."""
        try:
            async with await self._disk.open(self._bodies / body.name) as file:
                while block := await file.read(BLOCK_BYTES):
                    yield block
        except DiskError as problem:
            raise _translate(problem) from problem

    async def statistics(self) -> Statistics:
        """See ``contract.Spool``."""
        return await self._committer.do(lambda store: store.statistics(), durable=False)

    async def sweep(self) -> int:
        """Remove body files that no message needs; how many there were. For the start, before anything is accepted."""
        needed = await self._committer.do(lambda store: store.body_files(), durable=False)
        rubbish = [name for name in await self._disk.list(self._bodies) if name not in needed]
        for name in rubbish:
            await self._remove(name)
        return len(rubbish)

    async def _remove(self, name: str) -> None:
        """Remove a file that nothing names. If that fails it does no harm, and the next sweep finds it."""
        try:
            await self._disk.unlink(self._bodies / name)
        except DiskError:
            return


@define(eq=False)
class FileDraft:
    """See ``contract.BodyDraft``."""

    _name: str
    _file: DurableFile

    async def write(self, block: bytes) -> None:
        """See ``contract.BodyDraft``."""
        try:
            await self._file.write(block)
        except DiskError as problem:
            raise _translate(problem) from problem

    async def commit(self) -> BodyFile:
        """See ``contract.BodyDraft``."""
        try:
            return BodyFile(name=self._name, size_bytes=await self._file.commit())
        except DiskError as problem:
            raise _translate(problem) from problem

    async def discard(self) -> None:
        """See ``contract.BodyDraft``."""
        await self._file.discard()


def _record(store: Store, *, fates: Sequence[Fate], reports: Sequence[Acceptance]) -> list[str]:
    unneeded = store.record(fates)
    for report in reports:
        store.accept(report)
    return unneeded


def _translate(problem: DiskError) -> SpoolError:
    return SpoolFull(str(problem)) if isinstance(problem, DiskFull) else SpoolError(str(problem))
