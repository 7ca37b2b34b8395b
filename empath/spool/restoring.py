"""Bringing a backup back into a spool that is empty, without sending anything twice.

The files are copied, the queue is opened, what is known to have ended since the backup is left out, and all that would
wait is put on hold: whoever has looked at it lets it go. Until that is done the mark ``converting`` keeps daemons away,
so a restoration that is cut off is begun anew.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from contextlib import suppress
from functools import partial
from pathlib import PurePath
from typing import Final, TypeVar

import msgspec
from attrs import define, field

from empath.mail.delivery import FINAL, Status
from empath.mail.ids import DeliveryId
from empath.spool.belonging import BODIES, CONVERTING, MARK
from empath.spool.contract import DeliveryKey, Finished, Hold, Row, Selector, SpoolError
from empath.spool.copying import DATABASE
from empath.spool.files.index import SETTINGS
from empath.spool.files.naming import INTENTS, MESSAGES, SEEN, STATUSES
from empath.spool.snapshots import MANIFEST, QUEUE, Manifest
from empath.spool.store import Look, Store
from empath.world.draft import Draft
from empath.world.files import FileCalls
from empath.world.ports import TEMPORARY_SUFFIX

T = TypeVar("T")

NOTE: Final = "restored"
"""Why what was restored is on hold."""
_OF_A_QUEUE: Final = (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-journal", SETTINGS)
_DIRECTORIES: Final = (MESSAGES, INTENTS, SEEN, *STATUSES)
_BLOCK_BYTES: Final = 256 * 1024
_PAGE: Final = 500


def manifest_of(calls: FileCalls, directory: PurePath) -> Manifest:
    """What a backup says of itself. A SpoolError: it is none, or not complete."""
    try:
        handle = calls.open(str(directory / MANIFEST))
    except FileNotFoundError:
        raise SpoolError(f"{directory} has no {MANIFEST}: it is no backup, or one that was not completed") from None
    try:
        return msgspec.json.decode(calls.read_at(handle, 16 * 1024 * 1024, 0), type=Manifest)
    except msgspec.DecodeError as problem:
        raise SpoolError(f"{directory / MANIFEST} is damaged: {problem}") from problem
    finally:
        calls.close(handle)


@define(kw_only=True)
class Restoration:
    """Brings a backup back. All blocks, and raises SpoolError, `OSError` and `DiskError`."""

    calls: FileCalls
    source: PurePath
    """The backup."""
    spool: PurePath
    queue: PurePath
    left_out: int = field(init=False, default=0)
    """Deliveries that had ended since."""
    held: int = field(init=False, default=0)
    kept: int = field(init=False, default=0)
    """Deliveries that are as they were: they would not go out by themselves."""

    @property
    def _mark(self) -> bytes:
        return f"the backup {self.source}\n".encode()

    def is_begun(self) -> bool:
        """Whether this very backup was being brought back before. A SpoolError: something else is under way."""
        known = self._content(self.spool / CONVERTING)
        if known not in (None, self._mark):
            raise SpoolError(
                f"{self.spool / CONVERTING} says that another thing is under way, {(known or b'').decode().strip()}; "
                "end that first, by the same command once more"
            )
        return known is not None

    def bring(self) -> None:
        """Copy the files, in place of those of an empty queue."""
        if not self.is_begun():
            self._write(self.spool / CONVERTING, self._mark)
        for name in _OF_A_QUEUE:
            with suppress(FileNotFoundError):
                self.calls.unlink(str(self.queue / name))
        for directory in (*(self.queue / name for name in _DIRECTORIES), self.spool / BODIES):
            for name in self._names(directory):
                self.calls.unlink(str(directory / name))
        self._copy_all(self.source / QUEUE, self.queue)
        self._copy_all(self.source / BODIES, self.spool / BODIES)
        self._copy(self.source / MARK, self.spool / MARK)

    def settle(self, store: Store, ended: Container[str], now: float) -> None:
        """Leave out what is in ``ended``, the names of deliveries, and hold the rest. The store was just opened."""
        after: DeliveryKey | None = None
        while True:
            look = _do(store, partial(_look, after, now))
            _do(store, partial(self._settle_some, look.rows, ended, now))
            after = look.after
            if after is None:
                return

    def _settle_some(self, rows: list[Row], ended: Container[str], now: float, store: Store) -> None:
        gone = [row for row in rows if str(DeliveryId(row.mid, row.key.ordinal)) in ended and row.status not in FINAL]
        rest = [row for row in rows if row not in gone]
        waiting = [row for row in rest if row.status is not Status.HELD and row.status not in FINAL]
        hold = Hold(NOTE)
        meant = [row for row in waiting if hold.is_for(row)]
        store.apply(hold, meant, now=now)
        unneeded = store.record([Finished(key=row.key) for row in gone])
        for name in unneeded:  # a file that a loss of power brings back is swept at the next start
            with suppress(FileNotFoundError):
                self.calls.unlink(str(self.spool / BODIES / name))
        self.left_out += len(gone)
        self.held += len(meant)
        self.kept += len(rest) - len(meant)

    def end(self) -> None:
        """Let daemons have it."""
        self.calls.unlink(str(self.spool / CONVERTING))
        self.calls.sync_directory(str(self.spool))

    def _copy_all(self, source: PurePath, target: PurePath) -> None:
        with suppress(FileExistsError):
            self.calls.make_directory(str(target))
        for name in self._names(source):
            if self._is_directory(source / name):
                self._copy_all(source / name, target / name)
            else:
                self._copy(source / name, target / name)

    def _copy(self, source: PurePath, target: PurePath) -> None:
        handle, at = self.calls.open(str(source)), 0
        draft = Draft(self.calls, target, target.with_name(f"{target.name}.restore{TEMPORARY_SUFFIX}"))
        try:
            with suppress(FileNotFoundError):
                self.calls.unlink(str(draft.temporary))
            draft.begin()
            while block := self.calls.read_at(handle, _BLOCK_BYTES, at):
                draft.append(block)
                at += len(block)
            draft.finish()
        finally:
            draft.throw_away()
            self.calls.close(handle)

    def _write(self, path: PurePath, content: bytes) -> None:
        draft = Draft(self.calls, path, path.with_name(f"{path.name}.restore{TEMPORARY_SUFFIX}"))
        with suppress(FileNotFoundError):
            self.calls.unlink(str(draft.temporary))
        draft.begin()
        draft.append(content)
        draft.finish()

    def _names(self, directory: PurePath) -> list[str]:
        try:
            return sorted(self.calls.names(str(directory)))
        except FileNotFoundError:
            return []

    def _is_directory(self, path: PurePath) -> bool:
        try:
            self.calls.names(str(path))
        except NotADirectoryError:
            return False
        return True

    def _content(self, path: PurePath) -> bytes | None:
        try:
            handle = self.calls.open(str(path))
        except FileNotFoundError:
            return None
        try:
            return self.calls.read_at(handle, 4096, 0)
        finally:
            self.calls.close(handle)


def _look(after: DeliveryKey | None, now: float, store: Store) -> Look:
    return store.find(Selector(), now=now, after=after, limit=_PAGE)


def _do(store: Store, operation: Callable[[Store], T]) -> T:
    (result,) = store.commit([operation], durable=True)
    done: T = result.unwrap()  # type: ignore[assignment]  # what the operation has returned
    return done
