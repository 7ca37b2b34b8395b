"""The archive: keeps messages as files, whole or not at all, and lets the oldest go when its caps are reached.

The caps hold whenever a message has been kept. What is still on its way in comes on top: a file for each session that
is sending one, never larger than the cap.
"""

import logging
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Final

import trio
from attrs import define, field, frozen

from empath.capture.directory import NAME, content_path, record_path
from empath.capture.record import HEAD_BYTES, Captured, Head, encode
from empath.smtp import Address
from empath.world import Clock, Disk, DiskError, DurableFile, FileMissing

_log: Final = logging.getLogger(__name__)


@frozen(kw_only=True)
class Caps:
    """How much is kept."""

    messages: int = 500
    size_bytes: int = 100 * 1024 * 1024
    """Of messages and records together."""


class TooLarge(Exception):
    """A message is larger than the whole archive may be."""


@define(eq=False)
class Archive:
    """The one writer of a directory. Made by `Archive.open`."""

    _disk: Disk
    _clock: Clock
    directory: PurePath
    caps: Caps
    _sizes: dict[int, int] = field(init=False, factory=dict)
    """The octets of each message with its record, oldest first."""
    _last: int = field(init=False, default=0)

    @classmethod
    async def open(cls, disk: Disk, clock: Clock, directory: PurePath, *, caps: Caps | None = None) -> "Archive":
        """Open an archive; the directory is made if need be, and what a crash left behind is removed.

        Raises `DiskError`.
        """
        archive = cls(disk, clock, directory, caps or Caps())
        await disk.make_directory(directory)
        await archive._take_stock()
        await archive._prune()
        return archive

    async def begin(self) -> "Incoming":
        """Begin a message. Whoever gets it must `keep` or `discard` it. Raises `DiskError`."""
        self._last += 1
        number = self._last
        return Incoming(self, number, await self._disk.create(content_path(self.directory, number)))

    async def enter(self, incoming: "Incoming", record: Captured) -> None:
        """Make a message part of the archive. `Incoming.keep` calls this."""
        text = encode(record)
        size_bytes = record.size_bytes + len(text)
        if size_bytes > self.caps.size_bytes:
            raise TooLarge(f"{size_bytes} octets with its record; the archive holds {self.caps.size_bytes}")
        with trio.CancelScope(shield=True):
            await incoming.file.commit()
            # From here on it takes room. If its record cannot be written nobody sees it, and it goes in its turn.
            self._sizes[record.number] = size_bytes
            await self._disk.write(record_path(self.directory, record.number), [text])
            await self._prune()

    def now(self) -> datetime:
        """Return the time for a record."""
        return datetime.fromtimestamp(self._clock.now(), UTC)

    async def _take_stock(self) -> None:
        """Learn what there is, and remove what belongs to no message."""
        contents: set[int] = set()
        records: set[int] = set()
        for name in await self._disk.list(self.directory):
            if (ours := NAME.fullmatch(name)) is None:
                continue
            number = int(ours["number"])
            self._last = max(self._last, number)
            if ours["draft"]:
                await self._disk.unlink(self.directory / name)
            else:
                (contents if ours["kind"] == "eml" else records).add(number)
        for number in sorted(contents | records):
            if number in contents and number in records:
                paths = (content_path(self.directory, number), record_path(self.directory, number))
                self._sizes[number] = sum([await self._disk.size_bytes(path) for path in paths])
            else:
                await self._remove(number)

    async def _prune(self) -> None:
        while len(self._sizes) > self.caps.messages or sum(self._sizes.values()) > self.caps.size_bytes:
            oldest = next(iter(self._sizes))
            del self._sizes[oldest]
            try:
                await self._remove(oldest)
            except DiskError as error:
                # The next opening finds it again. Until then there is a file more than the caps allow.
                _log.warning("cannot remove captured message %d: %s", oldest, error)

    async def _remove(self, number: int) -> None:
        for path in (record_path(self.directory, number), content_path(self.directory, number)):
            with suppress(FileMissing):
                await self._disk.unlink(path)


@define(eq=False)
class Incoming:
    """A message on its way into the archive. Made by `Archive.begin`."""

    _archive: Archive
    number: int
    file: DurableFile
    _start: bytearray = field(init=False, factory=bytearray)
    _size_bytes: int = field(init=False, default=0)

    async def write(self, block: bytes) -> None:
        """Append to the content. Raises `DiskError`."""
        if (room := HEAD_BYTES - len(self._start)) > 0:
            self._start += block[:room]
        self._size_bytes += len(block)
        await self.file.write(block)

    async def keep(self, *, hello: str, sender: Address | None, recipients: tuple[Address, ...]) -> Captured:
        """Make the message and its record durable, and let older ones go for it. Cancellation waits for the end.

        Raises `TooLarge` and `DiskError`; the message is not captured then.
        """
        head = Head.read(bytes(self._start))
        record = Captured(
            number=self.number,
            time=self._archive.now(),
            hello=hello,
            sender=None if sender is None else str(sender),
            recipients=tuple(map(str, recipients)),
            size_bytes=self._size_bytes,
            subject=head.subject,
            mid=head.mid,
        )
        await self._archive.enter(self, record)
        return record

    async def discard(self) -> None:
        """Throw away what was written, unless it is kept. Never fails."""
        await self.file.discard()
