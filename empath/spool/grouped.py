"""A ``Spool`` made of a store and a committer: the same for every backend.

Small bodies travel inside the transaction; large ones are files, durable before the transaction that names them, and
removed after the transaction that forgets them. A file that no row names is therefore rubbish, whenever the process
may have died: ``sweep`` removes it at the next start.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import PurePath
from typing import Final

import trio
from attrs import define, field

from empath.mail.ids import MessageId
from empath.spool.committer import Committer
from empath.spool.contract import (
    ANYTHING,
    Acceptance,
    BodyFile,
    Claimed,
    Damage,
    Demand,
    Fate,
    SpoolDamaged,
    SpoolError,
    SpoolFull,
    Statistics,
    Waiting,
)
from empath.spool.store import Store
from empath.spool.stored import checksum
from empath.world.errors import DiskError, DiskFull, FileMissing
from empath.world.ports import DISCARD_S, Disk, DurableFile

BLOCK_BYTES: Final = 64 * 1024
"""How much of a large body is in memory at a time."""


@define(eq=False)
class GroupedSpool:
    """See ``contract.Spool``."""

    _committer: Committer[Store]
    _disk: Disk
    _bodies: PurePath
    _news: trio.Event = field(init=False, factory=trio.Event)
    _serials: Iterator[int] = field(init=False, factory=count)
    """They tell apart the files of messages that have drawn the same name, the second of which will be refused."""

    async def accept(self, acceptance: Acceptance) -> None:
        """See ``contract.Spool``."""
        try:
            await self._committer.do(lambda store: store.accept(acceptance), durable=True)
        except SpoolFull:
            # For certain there is no row, and the room is wanted. After another error a row may turn up yet.
            if isinstance(acceptance.body, BodyFile):
                with trio.CancelScope(shield=True):
                    await self._remove(acceptance.body.name)
            raise
        self._news.set()

    async def claim(self, *, now: float, until: float, latest: float, room: int, demand: Demand = ANYTHING) -> Claimed:
        """See ``contract.Spool``."""
        operation = partial(_claim, now=now, until=until, latest=latest, room=room, demand=demand)
        return await self._committer.do(operation, durable=False)

    async def sites_aside(self) -> frozenset[str]:
        """See ``contract.Spool``."""
        return await self._committer.do(lambda store: store.sites_aside(), durable=False)

    async def record(self, fates: Sequence[Fate], reports: Sequence[Acceptance] = ()) -> None:
        """See ``contract.Spool``. A report makes the transaction durable: it is all that is left of its deliveries."""
        unneeded = await self._committer.do(partial(_record, fates=fates, reports=reports), durable=bool(reports))
        if reports or any(isinstance(fate, Waiting) for fate in fates):
            self._news.set()
        if unneeded:
            with trio.CancelScope(shield=True):
                await self._forget(unneeded, durable=bool(reports))

    async def wait_news(self) -> None:
        """See ``contract.Spool``."""
        await self._news.wait()
        self._news = trio.Event()

    async def draft_body(self, mid: MessageId) -> FileDraft:
        """See ``contract.Spool``."""
        name = f"{mid}.{next(self._serials)}"
        try:
            return FileDraft(name, await self._disk.create(self._bodies / name))
        except DiskError as problem:
            raise _translate(problem) from problem

    # A generator that is left in the middle must be closed at once: every caller has it in `aclosing`.
    async def read_body(self, body: BodyFile) -> AsyncGenerator[bytes, None]:  # noqa: ASYNC900
        """See ``contract.Spool``."""
        path, known, found = self._bodies / body.name, body.checksum, 0
        try:
            async with await self._disk.open(path) as file:
                if file.size_bytes != body.size_bytes:
                    raise SpoolDamaged(f"its body {path} has {file.size_bytes} octets; {body.size_bytes} were accepted")
                while block := await file.read(BLOCK_BYTES):
                    found = checksum(block, found)
                    yield block  # noqa: ASYNC119
        except FileMissing as problem:
            raise SpoolDamaged(f"its body {path} is missing") from problem
        except DiskError as problem:
            raise _translate(problem) from problem
        if known not in (None, found):
            raise SpoolDamaged(f"its body {path} is not what was accepted (checksum)")

    async def discard_body(self, body: BodyFile) -> None:
        """See ``contract.Spool``."""
        with trio.move_on_after(DISCARD_S, shield=True):
            await self._remove(body.name)

    async def statistics(self) -> Statistics:
        """See ``contract.Spool``."""
        return await self._committer.do(lambda store: store.statistics(), durable=False)

    async def quarantine(self) -> list[Damage]:
        """See ``contract.Spool``."""
        return await self._committer.do(lambda store: store.quarantine(), durable=False)

    async def release(self, mid: str) -> int:
        """See ``contract.Spool``."""
        released = await self._committer.do(lambda store: store.release(mid), durable=True)
        self._news.set()
        return released

    async def sweep(self) -> int:
        """Remove body files that no message needs; how many there were. For the start, before anything is accepted."""
        needed = await self._committer.do(lambda store: store.body_files(), durable=False)
        try:
            rubbish = [name for name in await self._disk.list(self._bodies) if name not in needed]
        except DiskError as problem:
            raise _translate(problem) from problem
        for name in rubbish:
            await self._remove(name)
        return len(rubbish)

    async def _forget(self, names: Sequence[str], *, durable: bool) -> None:
        """Remove the files of messages that are gone: durably gone. A row that came back would be without its body."""
        with suppress(SpoolError):
            if not durable:
                await self._committer.do(lambda store: store.touch(), durable=True)
            for name in names:
                await self._remove(name)

    async def _remove(self, name: str) -> None:
        """Remove a file that nothing names. If that fails it does no harm, and the next sweep finds it."""
        with suppress(DiskError):
            await self._disk.unlink(self._bodies / name)


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
            raise _translate(problem) from problem

    async def commit(self) -> BodyFile:
        """See ``contract.BodyDraft``."""
        try:
            size_bytes = await self._file.commit()
        except DiskError as problem:
            raise _translate(problem) from problem
        return BodyFile(name=self._name, size_bytes=size_bytes, checksum=self._checksum)

    async def discard(self) -> None:
        """See ``contract.BodyDraft``."""
        with trio.move_on_after(DISCARD_S, shield=True):
            await self._file.discard()


def _claim(store: Store, *, now: float, until: float, latest: float, room: int, demand: Demand) -> Claimed:
    return store.claim(now=now, until=until, latest=latest, room=room, demand=demand)


def _record(store: Store, *, fates: Sequence[Fate], reports: Sequence[Acceptance]) -> list[str]:
    unneeded = store.record(fates)
    for report in reports:
        store.accept(report)
    return unneeded


def _translate(problem: DiskError) -> SpoolError:
    return SpoolFull(str(problem)) if isinstance(problem, DiskFull) else SpoolError(str(problem))
