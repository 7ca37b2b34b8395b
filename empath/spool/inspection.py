"""Looking at a spool that is in use, both ways: what messages need must be there, and what is there must be needed.

Mail comes and goes meanwhile. So a body that is missing counts only if its message still is here afterwards, and a file
that no message needs only if it still lies there a while later: its message may just have been about to be accepted, or
to be gone. Where to go on stands in the cursor, and nothing is kept between two looks.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import PurePath
from typing import Final

import trio
from attrs import frozen

from empath.spool.checking import PORTION, Checked
from empath.spool.committer import Committer
from empath.spool.contract import BodyFile, Fault, Finding, SpoolError, Verified
from empath.spool.store import Store
from empath.spool.stored import checksum
from empath.world.errors import DiskError, FileMissing
from empath.world.ports import TEMPORARY_SUFFIX, Disk

SETTLE_S: Final = 3.0
"""How long a file may be there without its message, or a message without its file."""
_NAMES: Final = 1000
_BLOCK_BYTES: Final = 256 * 1024
_MESSAGES: Final = "m"
_FILES: Final = "f"


@frozen
class Inspection:
    """See the module."""

    _committer: Committer[Store]
    _disk: Disk
    _bodies: PurePath

    async def verify(self, cursor: str | None) -> Verified:
        """See ``contract.Spool``."""
        kind, _, place = (cursor or f"{_MESSAGES}.").partition(".")
        if kind == _FILES:
            return await self._look_at_files(place)
        if kind != _MESSAGES or (place and not (place.isascii() and place.isdigit() and len(place) < 19)):
            raise ValueError(f"{(cursor or '')[:40]!r} is not a cursor that this spool has given")
        return await self._look_at_messages(int(place) if place else None)

    async def _look_at_messages(self, after: int | None) -> Verified:
        checked = await self._committer.do(partial(_check, after=after, limit=PORTION), durable=False, patient=True)
        known = await self._committer.do(lambda store: store.quarantine(), durable=False)
        quarantine = {one.mid: one.reason for one in known}
        findings: list[Finding] = []
        if after is None:
            findings = [Finding(Fault.QUARANTINED, mid, reason) for mid, reason in quarantine.items()]
        damaged = [(one.mid, one.reason) for one in checked.damaged]
        for number, mid, body in checked.files:
            reason = await self._look_at(number, body)
            if reason is not None:
                damaged.append((mid, reason))
        findings += [Finding(Fault.DAMAGED, mid, reason) for mid, reason in damaged if mid not in quarantine]
        return Verified(
            messages=checked.messages,
            deliveries=checked.deliveries,
            files=len(checked.files),
            size_bytes=checked.size_bytes,
            findings=tuple(findings),
            cursor=f"{_FILES}." if checked.after is None else f"{_MESSAGES}.{checked.after}",
        )

    async def _look_at(self, number: int, body: BodyFile) -> str | None:
        """What is wrong with a body file whose message is here, still; None: nothing."""
        reason = await self._objection(body)
        if reason is None:
            return None
        await trio.sleep(SETTLE_S)
        again = await self._committer.do(partial(_check, after=number - 1, limit=1), durable=False)
        return reason if any(found == number for found, _, _ in again.files) else None

    async def _objection(self, body: BodyFile) -> str | None:
        path, found = self._bodies / body.name, 0
        try:
            async with await self._disk.open(path) as file:
                if file.size_bytes != body.size_bytes:
                    return f"its body {path} has {file.size_bytes} octets; {body.size_bytes} were accepted"
                while block := await file.read(_BLOCK_BYTES):
                    found = checksum(block, found)
        except FileMissing:
            return f"its body {path} is missing"
        except DiskError as problem:
            return f"its body {path} cannot be read: {problem}"
        return None if body.checksum in (None, found) else f"its body {path} is not what was accepted (checksum)"

    async def _look_at_files(self, after: str) -> Verified:
        names = [name for name in await self._names() if name > after]
        some = names[:_NAMES]
        unneeded = await self._unneeded(name for name in some if not name.endswith(TEMPORARY_SUFFIX))
        if unneeded:
            await trio.sleep(SETTLE_S)
            unneeded = await self._unneeded(sorted({*unneeded}.intersection(await self._names())))
        what = "no message needs it; the next start removes it"
        findings = [Finding(Fault.LEFTOVER, str(self._bodies / name), what) for name in unneeded]
        return Verified(findings=tuple(findings), cursor=f"{_FILES}.{some[-1]}" if len(names) > len(some) else None)

    async def _names(self) -> tuple[str, ...]:
        try:
            return await self._disk.list(self._bodies)
        except DiskError as problem:
            raise SpoolError(f"{self._bodies} cannot be read: {problem}") from problem

    async def _unneeded(self, names: Iterable[str]) -> list[str]:
        asked = list(names)
        needed = await self._committer.do(lambda store: store.needed(asked), durable=False, patient=True)
        return [name for name in asked if name not in needed]


def _check(store: Store, *, after: int | None, limit: int) -> Checked:
    return store.check(after=after, limit=limit)
