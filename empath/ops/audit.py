"""The audit log: what happened to each message, one JSON object a line.

Facts wait in memory until a task writes them, all that came in a moment with one write. Mail never waits for that: if
the disk is slower than the mail, or cannot be written, as many facts as ``audit.max_pending`` are kept, and further
ones are dropped and counted. Records are not synced: a loss of power may take those of the last seconds.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from datetime import date
from itertools import islice, takewhile
from typing import Final, cast

import trio
from attrs import define, field

from empath.mail.facts import Fact
from empath.ops.archive import Archive, day_of
from empath.ops.records import Auditable, Mark, Recorder, is_auditable
from empath.world.errors import DiskError
from empath.world.ports import Clock

GATHER_S: Final = 0.5
"""How long records may wait for others."""
AGAIN_S: Final = 5.0
"""After so long writing is tried again."""
LAST_S: Final = 5.0
"""How long the end of the daemon waits for the last records."""
_BATCH: Final = 1000
_LOG: Final = logging.getLogger(__name__)

Numbered = tuple[int, Auditable]


@define(eq=False, kw_only=True)
class AuditLog:
    """An observer, and the tasks that write what it saw."""

    archive: Archive
    recorder: Recorder
    clock: Clock
    max_pending: int
    dropped: int = field(init=False, default=0)
    writable: bool = field(init=False, default=True)
    _pending: deque[Numbered] = field(init=False, factory=deque)
    _news: trio.Event = field(init=False, factory=trio.Event)
    _seq: int = field(init=False, default=0)
    _written: date | None = field(init=False, default=None)
    """The day of the newest record that was written."""
    _turned: trio.Event = field(init=False, factory=trio.Event)
    """Set when another day has begun."""

    async def open(self) -> None:
        """Write the first record. Raises DiskError if that cannot be done."""
        await self.archive.disk.make_directory(self.archive.path.parent)
        await self._append([self._numbered(Mark(self.clock.now(), "start"))])

    def observe(self, fact: Fact) -> None:
        """Take note of a fact, if there is a record for it. One that is dropped leaves a gap in the numbers."""
        if not is_auditable(fact):
            return
        numbered = self._numbered(cast("Auditable", fact))
        if len(self._pending) >= self.max_pending:
            self.dropped += 1
            return
        self._pending.append(numbered)
        self._news.set()

    def _numbered(self, fact: Auditable) -> Numbered:
        self._seq += 1
        return self._seq, fact

    async def run(self) -> None:
        """Write until cancelled, and then what is left."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep_written)
            nursery.start_soon(self._keep_tidy)

    async def _keep_written(self) -> None:
        try:
            while True:
                await self._news.wait()
                await trio.sleep(GATHER_S)
                if not await self._write():
                    await trio.sleep(AGAIN_S)
        except trio.Cancelled:
            with trio.move_on_after(LAST_S, shield=True):
                self._pending.append(self._numbered(Mark(self.clock.now(), "stop")))
                await self._write()
            raise

    async def _keep_tidy(self) -> None:
        """Look after old files once a day, beside the writing, since it may take a while."""
        while True:
            self._turned = trio.Event()
            try:
                await self.archive.tidy(day_of(self.clock.now()))
            except DiskError as problem:
                _LOG.error("old audit logs could not be looked after: %s", problem)
            await self._turned.wait()

    async def _write(self) -> bool:
        """Write what waits; whether that went well. What could not be written waits on."""
        self._news = trio.Event()
        try:
            while self._pending:
                await self._append(batch := self._next_batch())
                for _ in batch:
                    self._pending.popleft()
        except DiskError as problem:
            if self.writable:
                _LOG.error("the audit log cannot be written, mail goes on without it: %s", problem)
            self.writable = False
            self._news.set()
            return False
        if not self.writable:
            _LOG.warning("the audit log is written again; %d records were dropped in all", self.dropped)
        self.writable = True
        return True

    def _next_batch(self) -> list[Numbered]:
        """The oldest records that wait, as far as they are of one day."""
        day = day_of(self._pending[0][1].at)
        return list(takewhile(lambda numbered: day_of(numbered[1].at) == day, islice(self._pending, _BATCH)))

    async def _append(self, batch: list[Numbered]) -> None:
        day = day_of(batch[0][1].at)
        await self.archive.disk.append(self.archive.file_of(day), self._lines(batch))
        if self._written not in (None, day):
            self._turned.set()
        self._written = day

    def _lines(self, batch: list[Numbered]) -> Iterator[bytes]:
        """The lines of records. Called in a thread of the disk."""
        if not self.writable:
            yield b"\n"  # the last attempt may have left half a line
        for seq, fact in batch:
            yield self.recorder.line(seq, fact)
