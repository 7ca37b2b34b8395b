"""The directory of an archive as its readers see it. Nothing here changes it."""

import re
from pathlib import PurePath
from typing import Final

from attrs import field, frozen

from empath.capture.record import Captured, decode
from empath.world import Disk, FileMissing

DIRECTORY: Final = "captured"
"""How the directory of an archive is called, in the spool directory of the sandbox."""

NAME: Final = re.compile(r"(?P<number>[0-9]{6,18})\.(?P<kind>eml|json)(?P<draft>\.[0-9a-f]+\.tmp)?", re.ASCII)
"""The names that belong to an archive. Other files in its directory are not ours to read or remove."""

READ_BYTES: Final = 256 * 1024


@frozen
class CapturedMessage:
    """A record with the message it belongs to."""

    record: Captured
    content: bytes = field(repr=False)
    """As it came over the wire, without dot-stuffing."""


def content_path(directory: PurePath, number: int) -> PurePath:
    """Return where the message with this number lies."""
    return directory / f"{number:06}.eml"


def record_path(directory: PurePath, number: int) -> PurePath:
    """Return where the record with this number lies."""
    return directory / f"{number:06}.json"


async def listing(disk: Disk, directory: PurePath) -> tuple[Captured, ...]:
    """Return all records, oldest first; none where there is no archive yet. Raises `DiskError`.

    A message that is removed meanwhile is left out.
    """
    try:
        names = await disk.list(directory)
    except FileMissing:
        return ()
    found = filter(None, map(NAME.fullmatch, names))
    numbers = sorted(int(name["number"]) for name in found if name["kind"] == "json" and not name["draft"])
    records = [await _record(disk, directory, number) for number in numbers]
    return tuple(record for record in records if record is not None)


async def load(disk: Disk, directory: PurePath, number: int) -> CapturedMessage | None:
    """Return one message whole, in memory; None if there is none with this number. Raises `DiskError`."""
    record = await _record(disk, directory, number)
    if record is None:
        return None
    try:
        return CapturedMessage(record, await _content(disk, content_path(directory, number)))
    except FileMissing:
        return None


async def find(disk: Disk, directory: PurePath, name: str) -> tuple[Captured, ...]:
    """Return the records that a person may mean by ``name``: the number of one, or the id of a message (mid).

    By the latter there can be several: a message goes out once to each site that it has recipients at.
    """
    if name.isascii() and name.isdigit() and len(name) <= 18:
        record = await _record(disk, directory, int(name))
        return () if record is None else (record,)
    return tuple(record for record in await listing(disk, directory) if record.mid == name)


async def _record(disk: Disk, directory: PurePath, number: int) -> Captured | None:
    try:
        return decode(await _content(disk, record_path(directory, number)))
    except (FileMissing, ValueError):  # gone meanwhile, or not written by us
        return None


async def _content(disk: Disk, path: PurePath) -> bytes:
    pieces = []
    async with await disk.open(path) as file:
        while piece := await file.read(READ_BYTES):
            pieces.append(piece)
    return b"".join(pieces)
