"""Files of the audit log as blocks of whole lines, of which one is in memory at a time."""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Final

from attrs import define, field

from empath.world.ports import Offload, ReadableFile

BLOCK_BYTES: Final = 256 * 1024
MAX_LINE_BYTES: Final = 16 * 1024 * 1024
"""What has no end for so long is no line of ours; it is cut."""
_GZIP: Final = 31
"""The windowBits of zlib for a gzip header."""


class Unreadable(Exception):
    """A compressed file is damaged. The text says how."""


# Generators that are left in the middle must be closed at once: every caller has them in `aclosing`.
async def line_blocks(file: ReadableFile, block_bytes: int = BLOCK_BYTES) -> AsyncGenerator[bytes, None]:  # noqa: ASYNC900
    """Whole lines of a plain file, from where it stands, about so many octets at a time; the last may have no end."""
    rest = b""
    while data := await file.read(block_bytes):
        lines, rest = _split(rest + data)
        if lines:
            yield lines  # noqa: ASYNC119
    if rest:
        yield rest  # noqa: ASYNC119


async def unpacked_blocks(  # noqa: ASYNC900
    file: ReadableFile, offload: Offload, size_bytes: int
) -> AsyncGenerator[bytes, None]:
    """Whole lines of so many octets of a packed file, from where it stands. Raises Unreadable."""
    unpacker, rest = _Unpacker(), b""
    async with aclosing(_parts(file, size_bytes)) as parts:
        async for part in parts:
            unpacker.feed(part)
            while data := await offload.run(partial(_next, unpacker)):
                lines, rest = _split(rest + data)
                if lines:
                    yield lines  # noqa: ASYNC119
    if unpacker.is_in_the_middle:
        raise Unreadable("it is cut off")
    if rest:
        yield rest  # noqa: ASYNC119


async def _parts(file: ReadableFile, size_bytes: int) -> AsyncGenerator[bytes, None]:  # noqa: ASYNC900
    while size_bytes > 0 and (data := await file.read(min(size_bytes, BLOCK_BYTES))):
        size_bytes -= len(data)
        yield data  # noqa: ASYNC119


def _split(data: bytes) -> tuple[bytes, bytes]:
    end = data.rfind(b"\n") + 1
    return (data, b"") if not end and len(data) > MAX_LINE_BYTES else (data[:end], data[end:])


def _next(unpacker: _Unpacker) -> bytes:
    try:
        return unpacker.next()
    except zlib.error as problem:
        raise Unreadable(str(problem)) from problem


@define(eq=False)
class _Unpacker:
    """Unpacks gzip with any number of members, a bounded piece at a time, however much a little of it would become."""

    _machine: zlib._Decompress = field(init=False, factory=lambda: zlib.decompressobj(_GZIP))
    _left: bytes = field(init=False, default=b"")
    _has_more: bool = field(init=False, default=False)
    is_in_the_middle: bool = field(init=False, default=False)

    def feed(self, data: bytes) -> None:
        """Take input."""
        self._left += data

    def next(self) -> bytes:
        """Return the next piece; nothing: there is none without more input."""
        while self._left or self._has_more:
            found = self._machine.decompress(self._left, BLOCK_BYTES)
            self._left, self._has_more = self._machine.unconsumed_tail, len(found) == BLOCK_BYTES
            self.is_in_the_middle = True
            if self._machine.eof:
                self._left, self._has_more, self.is_in_the_middle = self._machine.unused_data, False, False
                self._machine = zlib.decompressobj(_GZIP)
            if found:
                return found
        return b""
