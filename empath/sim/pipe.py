"""One direction of a simulated connection, and the way that both directions share.

Bytes travel in segments. Each knows when it arrives: after the latency, and after all before it have passed at the
bandwidth. What is under way and what has arrived unread fill the same bounded buffer, so a writer whose peer does not
read has to wait, as TCP makes it wait.

`trio.testing.memory_stream_pair` has no bound and knows no time, so nothing in it ever pushes back or comes late. Here
one task at most waits at each end, and is woken directly.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

import trio
from attrs import define, field

from empath.world import ConnectionLost

if TYPE_CHECKING:
    from collections.abc import Callable


@define(eq=False, slots=True)
class Waiter:
    """A place for one task to wait."""

    _task: trio.lowlevel.Task | None = field(init=False, default=None)

    async def wait(self, until: float) -> None:
        """Wait to be woken, at most until this time on Trio's clock. Raises `trio.BusyResourceError` if one waits."""
        if self._task is not None:
            raise trio.BusyResourceError("another task is waiting at this end of the connection")
        self._task = trio.lowlevel.current_task()
        if until == math.inf:
            await trio.lowlevel.wait_task_rescheduled(self._leave)
        else:
            with trio.move_on_at(until):
                await trio.lowlevel.wait_task_rescheduled(self._leave)

    def wake(self) -> None:
        """Wake the task, if there is one. It must look again at what it waited for."""
        if (task := self._task) is not None:
            self._task = None
            trio.lowlevel.reschedule(task)

    def _leave(self, _: Callable[[], None]) -> trio.lowlevel.Abort:
        self._task = None
        return trio.lowlevel.Abort.SUCCEEDED


@define(eq=False, slots=True)
class Way:
    """What both directions of a connection have in common: how far it is, and what has happened to it."""

    latency_s: float
    bytes_per_s: float
    held: bool = field(init=False, default=False)
    """Nothing arrives, and neither end is told."""
    broken_at: float = field(init=False, default=math.inf)
    reason: str = field(init=False, default="")

    def check(self, now: float) -> None:
        """Raise `ConnectionLost` if the connection is broken and the news has arrived."""
        if self.broken_at <= now:
            raise ConnectionLost(self.reason)


@define(eq=False, slots=True)
class Pipe:
    """One direction: from one writer to one reader, first in, first out."""

    way: Way
    capacity_bytes: int
    _segments: deque[tuple[float, bytes]] = field(init=False, factory=deque)
    """Arrival and content. Empty content is the end of the stream; it comes last and stays."""
    _size_bytes: int = field(init=False, default=0)
    _clear_at: float = field(init=False, default=0.0)
    """When the last segment has left the sender, at this bandwidth."""
    _ended: bool = field(init=False, default=False)
    _abandoned_at: float = field(init=False, default=math.inf)
    _reader_closed: bool = field(init=False, default=False)
    _writer_closed: bool = field(init=False, default=False)
    reader: Waiter = field(init=False, factory=Waiter)
    writer: Waiter = field(init=False, factory=Waiter)

    @property
    def has_unread(self) -> bool:
        """Tell whether content is under way or has arrived, the end aside."""
        return self._size_bytes > 0

    @property
    def has_arrived(self) -> bool:
        """Tell whether a reader would not have to wait: for content, the end, or the news that it is broken."""
        now = trio.current_time()
        return self.way.broken_at <= now or bool(self._segments and not self.way.held and self._segments[0][0] <= now)

    @property
    def has_room(self) -> bool:
        """Tell whether a writer need not wait."""
        return self._size_bytes < self.capacity_bytes

    async def take(self, max_bytes: int) -> bytes:
        """Return what has arrived, at least one byte, or nothing at the end."""
        while True:
            if self._reader_closed:
                raise trio.ClosedResourceError("this connection was closed")
            now = trio.current_time()
            self.way.check(now)
            until = self.way.broken_at
            if self._segments and not self.way.held:
                arrival = self._segments[0][0]
                if arrival <= now:
                    return self._pop(max_bytes, now)
                until = min(until, arrival)
            await self.reader.wait(until)

    async def put(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of it, waiting while the buffer is full."""
        self.check_writable()
        while data:
            await self.wait_for_room()
            self.check_writable()
            if self.has_room:
                room = self.capacity_bytes - self._size_bytes
                self._append(bytes(data[:room]))
                data = data[room:]

    async def wait_for_room(self) -> None:
        """Wait until the buffer has room or something else has happened."""
        if not self.has_room:
            await self.writer.wait(min(self.way.broken_at, self._abandoned_at))

    def check_writable(self) -> None:
        """Raise what stands in the way of writing: our own end, the reader's end, or a broken way."""
        if self._writer_closed or self._ended:
            raise trio.ClosedResourceError("this connection was closed, or its end has been sent")
        now = trio.current_time()
        self.way.check(now)
        if self._abandoned_at <= now:
            raise ConnectionLost("Broken pipe")

    def end(self) -> None:
        """Let the reader know, after all content, that this was it."""
        if not self._ended:
            self._ended = True
            self._append(b"")

    def close_writer(self) -> None:
        """Close the sending end; a task that waits there is told."""
        self.end()
        self._writer_closed = True
        self.writer.wake()

    def close_reader(self) -> None:
        """Close the receiving end. The writer learns it one latency later, from what its next bytes meet."""
        self._reader_closed = True
        self._abandoned_at = trio.current_time() + self.way.latency_s
        self._segments.clear()
        self.wake()

    def wake(self) -> None:
        """Make both ends look again."""
        self.reader.wake()
        self.writer.wake()

    def _append(self, content: bytes) -> None:
        now = trio.current_time()
        self._clear_at = max(now, self._clear_at) + len(content) / self.way.bytes_per_s
        # What is sent to a reader that has gone fills the buffer all the same, until the writer hears of it. Else a
        # writer that only writes would never wait, and virtual time would never pass.
        self._size_bytes += len(content)
        if not self._reader_closed:
            self._segments.append((self._clear_at + self.way.latency_s, content))
            self.reader.wake()

    def _pop(self, max_bytes: int, now: float) -> bytes:
        """Take what has arrived by now, of several segments if they fit."""
        content = self._segments[0][1]
        if not content:
            return b""
        taken = bytearray()
        while self._segments and len(taken) < max_bytes:
            arrival, content = self._segments[0]
            if arrival > now or not content:
                break
            self._segments.popleft()
            room = max_bytes - len(taken)
            taken += content[:room]
            if len(content) > room:
                self._segments.appendleft((arrival, content[room:]))
        self._size_bytes -= len(taken)
        self.writer.wake()
        return bytes(taken)
