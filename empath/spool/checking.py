"""Looking at messages as they lie, a portion at a time: the same for every backend, whether a daemon runs or not.

A portion is read in one transaction and takes some milliseconds. Body files are read outside of it, so a disk that is
slow keeps nobody waiting but who has asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePath
from typing import Final

from attrs import field, frozen

from empath.mail.failure import DamagedRecord
from empath.mail.record import decode_envelope
from empath.spool.contract import BodyFile, Damage
from empath.spool.stored import StoredMessage, checksum
from empath.world.files import FileCalls

PORTION: Final = 50
"""Messages that are looked at in one transaction."""
_BLOCK_BYTES: Final = 256 * 1024


@frozen
class Checked:
    """What a look at some messages has found. Their body files were not looked at."""

    messages: int
    deliveries: int
    size_bytes: int
    """Of the bodies."""
    damaged: tuple[Damage, ...]
    files: tuple[tuple[int, str, BodyFile], ...]
    """Number and name of each message that is sound and has a body file."""
    after: int | None
    """The number of the last one: the next look begins behind it. None: to the end."""


@frozen(kw_only=True)
class Checker:
    """How a store is looked at. To be used within a transaction."""

    numbers: Callable[[int, int], list[int]] = field(repr=False)
    """The next so many numbers behind one, of messages and of deliveries without one, in their order."""
    read: Callable[[int], StoredMessage | Damage] = field(repr=False)
    ordinals: Callable[[int], list[int]] = field(repr=False)
    """Of the deliveries of a message."""

    def check(self, after: int | None, limit: int) -> Checked:
        """Look at up to ``limit`` messages behind ``after``."""
        numbers = self.numbers(-1 if after is None else after, limit)
        deliveries = size_bytes = 0
        damaged: list[Damage] = []
        files: list[tuple[int, str, BodyFile]] = []
        for number in numbers:
            ordinals = self.ordinals(number)
            deliveries += len(ordinals)
            row = self.read(number)
            if isinstance(row, Damage):
                damaged.append(row)
                continue
            size_bytes += row.size_bytes
            reason = objection(row, ordinals)
            if reason is not None:
                damaged.append(Damage(mid=row.mid, reason=reason))
            elif isinstance(row.body, BodyFile):
                files.append((number, row.mid, row.body))
        more = numbers[-1] if len(numbers) == limit else None
        return Checked(len(numbers), deliveries, size_bytes, tuple(damaged), tuple(files), more)


def objection(row: StoredMessage, ordinals: Sequence[int]) -> str | None:
    """What is wrong with a message whose row is as it was written; None: nothing."""
    try:
        envelope = decode_envelope(row.envelope)
    except DamagedRecord as problem:
        return f"its envelope cannot be read: {problem}"
    if not ordinals:
        return "no delivery is left of it"
    if max(ordinals) >= len(envelope.recipients):
        return f"it has a delivery to recipient {max(ordinals) + 1} of {len(envelope.recipients)}"
    return None


def file_objection(calls: FileCalls, directory: PurePath, body: BodyFile) -> str | None:
    """What is wrong with a body file; None: nothing. Raises `OSError`."""
    path = str(directory / body.name)
    try:
        size_bytes, found = calls.size_bytes(path), file_checksum(calls, path)
    except FileNotFoundError:
        return f"its body {path} is missing"
    if size_bytes != body.size_bytes:
        return f"its body {path} has {size_bytes} octets; {body.size_bytes} were accepted"
    if body.checksum not in (None, found):
        return f"its body {path} is not what was accepted (checksum)"
    return None


def file_checksum(calls: FileCalls, path: str) -> int:
    """The checksum of all of a file. Raises `OSError`."""
    found = 0
    for block in _blocks(calls, path):
        found = checksum(block, found)
    return found


def _blocks(calls: FileCalls, path: str) -> Iterator[bytes]:
    handle, at = calls.open(path), 0
    try:
        while block := calls.read_at(handle, _BLOCK_BYTES, at):
            at += len(block)
            yield block
    finally:
        calls.close(handle)
