"""The disk: every operation is one hop to a thread, and content is gathered so that a megabyte costs a handful of them.

What is synced before what stands in `empath.world.draft`, and the system calls in `empath.world.files`. Both worlds run
this module; the simulated one has other calls below it and no threads beside it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import trio
from attrs import define, field, frozen
from typing_extensions import override

from empath.world.draft import Draft, explaining
from empath.world.errors import LockHeld
from empath.world.ports import TEMPORARY_SUFFIX, DurableFile, ReadableFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import PurePath

    from empath.world.files import FileCalls
    from empath.world.ports import Entropy, Offload

T = TypeVar("T")

GATHER_BYTES = 256 * 1024
"""How much content is gathered before it is written, and so the most that a file in the making holds in memory."""


@frozen
class DurableDisk:
    """The `Disk` port over any set of file calls."""

    calls: FileCalls
    offload: Offload
    entropy: Entropy

    async def create(self, path: PurePath) -> GatheredFile:
        """Begin a file."""
        draft = self._draft(path)
        await self.offload.run(draft.begin)
        return GatheredFile(draft, self.offload)

    async def write(self, path: PurePath, chunks: Iterable[bytes]) -> int:
        """Write a whole file."""
        draft = self._draft(path)

        def write_all() -> int:
            draft.begin()
            try:
                for chunk in chunks:
                    draft.append(chunk)
                return draft.finish()
            finally:
                draft.throw_away()

        return await self.offload.run(write_all)

    async def append(self, path: PurePath, chunks: Iterable[bytes]) -> None:
        """Write to the end of a file."""

        def append_all() -> None:
            data = memoryview(b"".join(chunks))
            handle = self.calls.extend(str(path))
            try:
                end = self.calls.size_bytes(str(path))
                while data:
                    written = self.calls.write_at(handle, data, end)
                    data, end = data[written:], end + written
            finally:
                self.calls.close(handle)

        await self.run(append_all, "append to", path)

    async def open(self, path: PurePath) -> OpenFile:
        """Open a file for reading."""

        def open_and_measure() -> tuple[int, int]:
            handle = self.calls.open(str(path))
            try:
                return handle, self.calls.size_bytes(str(path))
            except OSError:
                self.calls.close(handle)
                raise

        handle, size_bytes = await self.run(open_and_measure, "open", path)
        return OpenFile(self, path, handle, size_bytes=size_bytes)

    async def size_bytes(self, path: PurePath) -> int:
        """Return the size of a file."""
        return await self.run(lambda: self.calls.size_bytes(str(path)), "look at", path)

    async def unlink(self, path: PurePath) -> None:
        """Remove a file."""
        await self.run(lambda: self.calls.unlink(str(path)), "remove", path)

    async def list(self, directory: PurePath) -> tuple[str, ...]:
        """Return the names in a directory."""
        return tuple(sorted(await self.run(lambda: self.calls.names(str(directory)), "list", directory)))

    async def make_directory(self, path: PurePath) -> None:
        """Make a directory and those above it."""

        def make_missing() -> None:
            for directory in (*reversed(path.parents), path):
                with suppress(FileExistsError):
                    self.calls.make_directory(str(directory))
                    self.calls.sync_directory(str(directory.parent))

        await self.run(make_missing, "make the directory", path)

    async def free_bytes(self, path: PurePath) -> int:
        """Return the room that is left."""
        return await self.run(lambda: self.calls.free_bytes(str(path)), "look for room in", path)

    async def check_permission(self, directory: PurePath) -> None:
        """See whether files may be added and removed."""
        await self.run(lambda: self.calls.check_permission(str(directory)), "write to", directory)

    async def lock(self, path: PurePath, *, holder: str) -> HeldLock:
        """Take an exclusive lock."""

        def take_or_tell() -> int | str:
            try:
                return self.calls.lock(str(path), holder)
            except BlockingIOError:
                return self.calls.holder(str(path))

        taken = await self.run(take_or_tell, "lock", path)
        if isinstance(taken, str):
            raise LockHeld(str(path), "lock", f"it is held by {taken or 'another process'}", taken)
        return HeldLock(self, path, taken)

    async def run(self, call: Callable[[], T], doing: str, path: PurePath) -> T:
        """Make file calls in a thread, and turn their error into the `DiskError` that it means."""

        def explained() -> T:
            with explaining(doing, path):
                return call()

        return await self.offload.run(explained)

    def _draft(self, path: PurePath) -> Draft:
        token = self.entropy.token(8).hex()
        return Draft(self.calls, path, path.with_name(f"{path.name}.{token}{TEMPORARY_SUFFIX}"))


@define(eq=False)
class GatheredFile(DurableFile):
    """A draft whose pieces are gathered before a thread writes them."""

    _draft: Draft
    _offload: Offload
    _pieces: list[bytes] = field(init=False, factory=list)
    _gathered_bytes: int = field(init=False, default=0)

    @override
    async def write(self, data: bytes) -> None:
        """Append."""
        self._pieces.append(data)
        self._gathered_bytes += len(data)
        if self._gathered_bytes >= GATHER_BYTES:
            content = self._take()
            await self._offload.run(lambda: self._draft.append(content))

    @override
    async def commit(self) -> int:
        """Write the rest and make all of it durable."""
        content = self._take()

        def append_and_finish() -> int:
            self._draft.append(content)
            return self._draft.finish()

        return await self._offload.run(append_and_finish)

    @override
    async def discard(self) -> None:
        """Throw the draft away if it is still one."""
        self._take()
        if self._draft.pending:
            await self._offload.run(self._draft.throw_away)

    def _take(self) -> bytes:
        content = b"".join(self._pieces)
        self._pieces.clear()
        self._gathered_bytes = 0
        return content


@define(eq=False)
class OpenFile(ReadableFile):
    """A file that is read from its start."""

    _disk: DurableDisk
    _path: PurePath
    _handle: int | None
    size_bytes: int = field(kw_only=True)
    _offset: int = field(init=False, default=0)

    @override
    async def read(self, size_bytes: int) -> bytes:
        """Return the next bytes."""
        handle, calls = self._handle, self._disk.calls
        if handle is None:
            raise trio.ClosedResourceError(f"{self._path} was closed")
        with explaining("read", self._path):
            data = calls.read_at_once(handle, size_bytes, self._offset)
        if data is None:
            data = await self._disk.run(lambda: calls.read_at(handle, size_bytes, self._offset), "read", self._path)
        else:
            await trio.lowlevel.checkpoint()
        self._offset += len(data)
        return data

    @override
    def seek(self, offset: int) -> None:
        """Go on elsewhere."""
        self._offset = offset

    @override
    async def aclose(self) -> None:
        """Close the file. Nothing can get lost by an error here."""
        if (handle := self._handle) is not None:
            self._handle = None
            with suppress(OSError):
                self._disk.calls.close(handle)
        await trio.lowlevel.checkpoint()


@define(eq=False)
class HeldLock:
    """A lock that is held until the handle of its file is closed."""

    _disk: DurableDisk
    _path: PurePath
    _handle: int | None

    async def release(self) -> None:
        """Let go."""
        if (handle := self._handle) is not None:
            self._handle = None
            await self._disk.run(lambda: self._disk.calls.close(handle), "unlock", self._path)
