"""How the file of a past day is compressed, and what its index says.

A packed file is gzip of many members, each of about a megabyte of whole lines; every gzip program reads it as one. The
index has an entry for each member: where it lies, of what time its records are, and four octets for each name and
address in it, which are a part of a hash. So a search reads the index, which is about a hundredth of the log, and
unpacks the members that may have what it looks for. The index can be lost: then all members are looked at.

Compressing takes a thread that waits after each member, so that mail hardly notices it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from functools import partial
from hashlib import blake2b
from pathlib import PurePath
from typing import Final

import msgspec
import trio
from attrs import frozen

from empath.ops.audit.blocks import Unreadable, line_blocks, unpacked_blocks
from empath.world.errors import FileMissing
from empath.world.ports import Disk, DurableFile, Offload, ReadableFile

MEMBER_BYTES: Final = 1024 * 1024
_COPY_BYTES: Final = 256 * 1024
_PAUSE_S: Final = 0.05
_GZIP: Final = 31
"""The windowBits of zlib for a gzip header."""
_MAGIC: Final = b"empath.audit-index/1\n"
_HEAD: Final = struct.Struct("<QIIII")
_SIGNATURE_BYTES: Final = 4
_MOST_SIGNATURES: Final = 16 * 1024 * 1024
_LATEST: Final = 2**32 - 1


class _Named(msgspec.Struct, frozen=True):
    """What of a record goes into the index."""

    timestamp: int = 0
    mid: str = ""
    report: str = ""
    sender: str = ""
    recipients: tuple[str, ...] = ()
    deliveries: tuple[str, ...] = ()
    selector: str = ""
    login: str = ""


_DECODER: Final = msgspec.json.Decoder(_Named)


class IndexDamaged(Exception):
    """The index is not one, or was cut off."""


@frozen(kw_only=True)
class Entry:
    """What the index says of one member."""

    offset: int
    """Where it begins in the packed file."""
    size_bytes: int
    """Packed."""
    first: int
    last: int
    """Of what time its records are, seconds since 1970."""
    signatures: bytes

    def may_have(self, signature: bytes) -> bool:
        """Whether a name with this signature may be in it. Of one without any nothing is known."""
        if not self.signatures:
            return True
        at = self.signatures.find(signature)
        while at >= 0 and at % _SIGNATURE_BYTES:
            at = self.signatures.find(signature, at + 1)
        return at >= 0

    def encoded(self) -> bytes:
        """Return it as it stands in the file."""
        number = len(self.signatures) // _SIGNATURE_BYTES
        return _HEAD.pack(self.offset, self.size_bytes, self.first, self.last, number) + self.signatures


def signature_of(name: str) -> bytes:
    """Return what the index keeps of a name or address, in whatever capitals."""
    return blake2b(name.lower().encode(), digest_size=_SIGNATURE_BYTES).digest()


async def pack(disk: Disk, offload: Offload, plain: PurePath) -> None:
    """Compress a file, write its index, and remove it. Raises DiskError: then it is still there.

    What was packed under its name before stays, and this comes behind it.
    """
    packed, index = plain.with_name(f"{plain.name}.gz"), plain.with_name(f"{plain.name}.idx")
    if not await _is_packed(disk, offload, plain, packed):
        async with (
            await disk.open(plain) as source,
            await disk.create(packed) as target,
            await disk.create(index) as table,
        ):
            offset = await _begin(disk, packed, index, target, table)
            await _pack(offload, source, target, table, offset)
            await target.commit()
            await table.commit()
    await disk.unlink(plain)


async def _pack(offload: Offload, source: ReadableFile, target: DurableFile, table: DurableFile, offset: int) -> None:
    async with aclosing(line_blocks(source, MEMBER_BYTES)) as blocks:
        async for lines in blocks:
            content, entry = await offload.run(partial(_packed, lines, offset))
            await target.write(content)
            await table.write(entry.encoded())
            offset += len(content)
            await trio.sleep(_PAUSE_S)


async def _begin(disk: Disk, packed: PurePath, index: PurePath, target: DurableFile, table: DurableFile) -> int:
    """Write what there was before; how much it was in the packed file. Without a good index all of it is one entry."""
    await table.write(_MAGIC)
    try:
        before = await disk.open(packed)
    except FileMissing:
        return 0
    async with before:
        while data := await before.read(_COPY_BYTES):
            await target.write(data)
    try:
        entries = [entry async for entry in entries_of(disk, index)]
    except (FileMissing, IndexDamaged):
        entries = []
    end = entries[-1].offset + entries[-1].size_bytes if entries else 0
    if end != before.size_bytes:
        entries = [Entry(offset=0, size_bytes=before.size_bytes, first=0, last=_LATEST, signatures=b"")]
    for entry in entries:
        await table.write(entry.encoded())
    return before.size_bytes


async def _is_packed(disk: Disk, offload: Offload, plain: PurePath, packed: PurePath) -> bool:
    """Whether this was done before, but for the removal: the first of the lines is in the packed file."""
    try:
        file = await disk.open(packed)
    except FileMissing:
        return False
    async with file, await disk.open(plain) as source:
        first = (await source.read(_COPY_BYTES)).partition(b"\n")[0]
        try:
            async with aclosing(unpacked_blocks(file, offload, file.size_bytes)) as blocks:
                async for lines in blocks:
                    if first in lines:
                        return True
        except Unreadable:
            return False
    return False


# To be closed by who does not read to the end.
async def entries_of(disk: Disk, index: PurePath) -> AsyncGenerator[Entry, None]:  # noqa: ASYNC900
    """What an index says, in the order of the file. Raises DiskError and IndexDamaged."""
    async with await disk.open(index) as file:
        if await _exactly(file, len(_MAGIC)) != _MAGIC:
            raise IndexDamaged(f"{index} is no index")
        while head := await file.read(_HEAD.size):
            offset, size_bytes, first, last, number = _HEAD.unpack(head + await _exactly(file, _HEAD.size - len(head)))
            if number > _MOST_SIGNATURES:
                raise IndexDamaged(f"{index} is damaged")
            signatures = await _exactly(file, number * _SIGNATURE_BYTES)
            yield Entry(offset=offset, size_bytes=size_bytes, first=first, last=last, signatures=signatures)  # noqa: ASYNC119


async def _exactly(file: ReadableFile, size_bytes: int) -> bytes:
    found = b""
    while len(found) < size_bytes:
        data = await file.read(size_bytes - len(found))
        if not data:
            raise IndexDamaged("an index is cut off")
        found += data
    return found


def _packed(lines: bytes, offset: int) -> tuple[bytes, Entry]:
    """One member, and what the index says of it. Called in a thread."""
    packer = zlib.compressobj(wbits=_GZIP)
    content = packer.compress(lines) + packer.flush()
    signatures, first, last = set[bytes](), _LATEST, 0
    for line in lines.splitlines():
        try:
            record = _DECODER.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        at = min(max(record.timestamp, 0), _LATEST)
        first, last = min(first, at), max(last, at)
        signatures.update(map(signature_of, _names(record)))
    entry = Entry(
        offset=offset, size_bytes=len(content), first=first, last=last, signatures=b"".join(sorted(signatures))
    )
    return content, entry


def _names(record: _Named) -> Iterator[str]:
    yield from filter(None, (record.mid, record.report, record.sender, record.selector, record.login))
    yield from record.recipients
    yield from {delivery.partition(".")[0] for delivery in record.deliveries}
