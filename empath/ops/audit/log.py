"""The writing of the audit log, beside the mail.

Facts wait in memory until a task writes them, all that came in a moment with one write. Mail never waits for that: if
the disk is slower than the mail, or cannot be written, as many records as ``audit.max_pending`` are kept, and further
ones are dropped and counted. With ``audit.on_full = "defer"`` no new mail is taken any more before it comes to that.
Records are not synced: a loss of power may take those of the last seconds.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from datetime import date
from itertools import islice, takewhile
from typing import Final, cast

import msgspec
import trio
from attrs import define, field

from empath.mail.facts import DeliveryAttempted, Fact
from empath.ops.audit.archive import Archive, day_of
from empath.ops.audit.attempts import Attempts
from empath.ops.audit.chain import linked
from empath.ops.audit.records import Auditable, Mark, Recorder, is_auditable
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

Numbered = tuple[int, Auditable | Attempts]


@define(eq=False, kw_only=True)
class AuditLog:
    """An observer, and the tasks that write what it saw."""

    archive: Archive
    recorder: Recorder
    clock: Clock
    max_pending: int
    chain_key: bytes | None = field(default=None, repr=False)
    """None: records are not chained."""
    dropped: int = field(init=False, default=0)
    writable: bool = field(init=False, default=True)
    _pending: deque[Numbered] = field(init=False, factory=deque)
    _news: trio.Event = field(init=False, factory=trio.Event)
    _done: trio.Event = field(init=False, factory=trio.Event)
    """Set when something was written."""
    _seq: int = field(init=False, default=0)
    _in_hand: int = field(init=False, default=0)
    """The newest record that is being written, or was."""
    _written: date | None = field(init=False, default=None)
    """The day of the file that was written last."""
    _written_seq: int = field(init=False, default=0)
    _link: str = field(init=False, default="")
    """Of the newest record that was written."""
    _is_torn: bool = field(init=False, default=False)
    """Whether the run before has left half a line."""
    _turned: trio.Event = field(init=False, factory=trio.Event)
    """Set when another day has begun."""

    async def open(self, mark: Mark | None = None) -> None:
        """Write the first record of a run. Raises DiskError if that cannot be done."""
        mark = mark or Mark(self.clock.now(), "start")
        await self.archive.disk.make_directory(self.archive.path.parent)
        if self.chain_key is not None:
            self._link = await self.archive.newest_link()
            mark = Mark(mark.at, mark.event, {**mark.more, "previous": self._link})
        self._is_torn = await self.archive.is_torn(day_of(mark.at))
        await self._append([self._numbered(mark)])

    @property
    def is_half_full(self) -> bool:
        """Whether so many records wait that what is under way should find the room that is left."""
        return 2 * len(self._pending) >= self.max_pending

    def observe(self, fact: Fact) -> None:
        """Take note of a fact, if there is a record for it. One that is dropped leaves a gap in the numbers."""
        if not is_auditable(fact):
            return
        if type(fact) is DeliveryAttempted:
            if self._belongs_to_the_last(fact):
                return
            entry: Auditable | Attempts = Attempts([fact])
        else:
            entry = cast("Auditable", fact)
        numbered = self._numbered(entry)
        if len(self._pending) >= self.max_pending:
            self.dropped += 1
            return
        self._pending.append(numbered)
        self._news.set()

    def _belongs_to_the_last(self, fact: DeliveryAttempted) -> bool:
        """Whether it was an attempt for one more recipient, which is told in the same record."""
        if not self._pending:
            return False
        seq, last = self._pending[-1]
        if seq <= self._in_hand or type(last) is not Attempts or not last.takes(fact):
            return False
        last.facts.append(fact)
        return True

    def _numbered(self, fact: Auditable | Attempts) -> Numbered:
        self._seq += 1
        return self._seq, fact

    async def settle(self) -> None:
        """Return when all that was observed so far is written. Whoever does not want to wait for a disk cancels it."""
        wanted = self._seq
        while self._pending and self._pending[0][0] <= wanted:
            await self._done.wait()

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
                done, self._done = self._done, trio.Event()
                done.set()
        except DiskError as problem:
            if self.writable:
                _LOG.error("the audit log cannot be written, and its records wait: %s", problem)
            self.writable = False
            self._news.set()
            return False
        if not self.writable:
            _LOG.warning("the audit log is written again; %d records were dropped in all", self.dropped)
        self.writable = True
        return True

    def _next_batch(self) -> list[Numbered]:
        """The oldest records that wait, as far as they go into one file."""
        day = self._file_day(self._pending[0])
        return list(takewhile(lambda numbered: self._file_day(numbered) == day, islice(self._pending, _BATCH)))

    def _file_day(self, numbered: Numbered) -> date:
        """The day whose file a record goes to: never one before the file that was written last.

        That one may be being compressed. So a clock that was set back stays in the file of the later day.
        """
        day = day_of(numbered[1].at)
        return day if self._written is None else max(day, self._written)

    async def _append(self, batch: list[Numbered]) -> None:
        day, self._in_hand = self._file_day(batch[0]), batch[-1][0]
        writing = _Writing(self.recorder, self._written_seq, self._link, self.chain_key)
        await self.archive.disk.append(self.archive.file_of(day), self._lines(writing, batch))
        self._written_seq, self._link, self._is_torn = writing.seq, writing.link, False
        if self._written not in (None, day):
            self._turned.set()
        self._written = day

    def _lines(self, writing: _Writing, batch: list[Numbered]) -> Iterator[bytes]:
        """The lines of records. Called in a thread of the disk."""
        if self._is_torn or not self.writable:
            yield b"\n"  # the last attempt may have left half a line
        for seq, fact in batch:
            yield writing.line(seq, fact)


@define(eq=False)
class _Writing:
    """One write: how far it came counts only if it went well."""

    _recorder: Recorder
    seq: int
    link: str
    _key: bytes | None

    def line(self, seq: int, fact: Auditable | Attempts) -> bytes:
        """The next line. After a gap it says how many were dropped."""
        record = self._recorder.record(seq, fact)
        if seq > self.seq + 1:
            record["dropped"] = seq - self.seq - 1
        self.seq = seq
        text = msgspec.json.encode(record)
        if self._key is not None:
            text, self.link = linked(text, before=self.link, key=self._key)
        return text + b"\n"
