"""The files of a queue, and changes of several that are one change.

A change that is one rename is whole or nothing by itself. One that is more, such as the end of a delivery together with
the report of it, is written down first, as an *intent*: a file with the steps, whose content is on the disk already,
under its other names. With the name of that file the change has happened, and an opening that finds it does the rest.

After an error nothing has happened: what was done is undone. What cannot be undone now, or cannot be completed where
there was no way back, is done before the next change, and as long as it fails there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from attrs import define, field

from empath.spool.files.change import TOP, Change, Step, directory, removal
from empath.spool.files.copying import TreeCopy
from empath.spool.files.framing import NotWhole, frame, unframe
from empath.spool.files.naming import INTENTS, MESSAGES, SEEN, STATUSES, SUFFIX
from empath.world.files import FileCalls
from empath.world.ports import TEMPORARY_SUFFIX

_DIGITS: Final = 12
LOCK: Final = "queue.lock"
"""The file that is locked while a queue is open."""


@define(eq=False)
class Tree:
    """Used by one thread at a time; every call may block, and raises `OSError`."""

    calls: FileCalls
    path: str
    _serial: int = field(init=False, default=0)
    _unsynced: set[str] = field(init=False, factory=set)
    """Directories with changes that a loss of power may undo."""
    _left: list[Step] = field(init=False, factory=list)
    """What has to be done before anything else."""
    copy: TreeCopy | None = field(init=False, default=None)
    """What is copied before it goes."""
    _lock: int | None = field(init=False, default=None)

    def at(self, path: str) -> str:
        """A path as the system knows it."""
        return f"{self.path}/{path}"

    def lock(self) -> None:
        """Keep others out, which may have another spool and the same queue. `BlockingIOError`: somebody has it."""
        self._lock = self.calls.lock(self.at(LOCK), "")

    def unlock(self) -> None:
        """Let others in. Never fails: the kernel does it at the latest when the process ends."""
        if self._lock is not None:
            with suppress(OSError):
                self.calls.close(self._lock)
            self._lock = None

    def make_directories(self) -> None:
        """Make those that are missing, and see that all can be written."""
        made = False
        for name in (MESSAGES, INTENTS, SEEN, *STATUSES):
            with suppress(FileExistsError):
                self.calls.make_directory(self.at(name))
                made = True
            self.calls.check_permission(self.at(name))
        if made:
            self.calls.sync_directory(self.at(TOP))

    def names(self, path: str) -> list[str]:
        """The names in a directory, sorted."""
        return sorted(self.calls.names(self.at(path)))

    def size_bytes(self, path: str) -> int:
        """The size of a file."""
        return self.calls.size_bytes(self.at(path))

    def read(self, path: str) -> bytes:
        """All of a file."""
        return self.read_at(self.at(path))

    def read_at(self, path: str) -> bytes:
        """All of a file anywhere."""
        size_bytes, at = self.calls.size_bytes(path), 0
        pieces: list[bytes] = []
        handle = self.calls.open(path)
        try:
            while piece := self.calls.read_at(handle, size_bytes - at + 1, at):
                pieces.append(piece)
                at += len(piece)
        finally:
            self.calls.close(handle)
        return b"".join(pieces)

    def make(self, change: Change, *, durable: bool, is_one: bool) -> None:
        """Make a change. ``is_one``: it is one for an observer too, whatever becomes of the process or the power."""
        self.finish()
        temporary = self._prepare(change)
        forth = change.forth(temporary, unsynced=self._unsynced, durable=durable)
        back_no_more = change.back_no_more(durable=durable)
        if is_one:
            steps = [*forth, *back_no_more]
            with self._or_undo(change, temporary, []):
                self._left = [*steps, *self._intend(steps, temporary)]
        else:
            done: list[Step] = []
            with self._or_undo(change, temporary, done):
                for step in forth:
                    done.append(step)
                    self._do(step)
            self._left = back_no_more
        with suppress(OSError):
            self.finish()

    def finish(self) -> None:
        """Do what is left to do."""
        while self._left:
            self._do(self._left[0])
            del self._left[0]

    def recover(self) -> list[tuple[str, str]]:
        """Complete what an earlier process had begun, and remove what it had not; which intents are damaged, and why.

        It may be done again, and be cut off, any number of times.
        """
        damaged = []
        for name in self.names(INTENTS):
            path = f"{INTENTS}/{name}"
            if not name.endswith(SUFFIX):
                continue
            try:
                steps = [tuple(step) for step in unframe(self.read(path))["steps"]]
            except NotWhole as problem:
                damaged.append((path, str(problem)))
                continue
            if self._can_be_done(steps):
                self._left = [*steps, *self._forgetting(path, steps)]
            else:  # it was undone, and its end was lost
                self._left = [("unlink", path), ("sync", INTENTS)]
            self.finish()
        return damaged

    def sweep(self) -> None:
        """Remove what was begun and is of no use."""
        for place in (TOP, MESSAGES, INTENTS, *STATUSES):
            for name in self.names(place):
                if name.endswith(TEMPORARY_SUFFIX):
                    self._do(("unlink", f"{place}/{name}"))

    def remove(self, paths: Iterable[str]) -> None:
        """Remove what means nothing, one after the other."""
        for step in removal(paths):
            self._do(step)

    def mark(self, paths: Iterable[str]) -> None:
        """Make entries without content that are missing."""
        for path in paths:
            self.calls.close(self.calls.create(self.at(path)))

    @property
    def is_synced(self) -> bool:
        """Whether no loss of power can undo what was done."""
        return not self._unsynced

    def _can_be_done(self, steps: Sequence[Step]) -> bool:
        return all(self._is_there(step[1]) or self._is_there(step[2]) for step in steps if step[0] == "rename")

    def _is_there(self, path: str) -> bool:
        try:
            self.calls.size_bytes(self.at(path))
        except FileNotFoundError:
            return False
        return True

    @contextmanager
    def _or_undo(self, change: Change, temporary: dict[str, str], done: list[Step]) -> Iterator[None]:
        try:
            yield
        except OSError:
            self._undo([*change.undoing(done), *removal(temporary.values()), *removal([*change.marks, *change.first])])
            raise

    def _undo(self, steps: Iterable[Step]) -> None:
        """Do these now, or before anything else."""
        self._left += steps
        with suppress(OSError):
            self.finish()

    def _prepare(self, change: Change) -> dict[str, str]:
        """Write the content of all files, then sync that of all that have to be; under which names it lies."""
        temporary: dict[str, str] = {}
        handles: list[int] = []
        try:
            with self._or_undo(change, temporary, []):
                for path, content in change.prepared.items():
                    self._serial += 1
                    temporary[path] = f"{path}.{self._serial}{TEMPORARY_SUFFIX}"
                    handles.append(self._written(temporary[path], content))
                for handle in handles:
                    self.calls.sync(handle)
                self.mark(change.marks)
                self.mark(change.first)
                self._unsynced |= {directory(path) for path in change.marks}
                while handles:
                    self.calls.close(handles.pop())
        finally:
            for handle in handles:
                with suppress(OSError):
                    self.calls.close(handle)
        return temporary

    def _written(self, path: str, content: bytes) -> int:
        """Make a file, and fill it; its handle."""
        handle = self.calls.create(self.at(path))
        try:
            rest, at = memoryview(content), 0
            while rest:
                written = self.calls.write_at(handle, rest, at)
                rest, at = rest[written:], at + written
        except OSError:
            with suppress(OSError):
                self.calls.close(handle)
            raise
        return handle

    def _intend(self, steps: Sequence[Step], temporary: dict[str, str]) -> list[Step]:
        """Write down durably what is about to happen; what makes it forgotten when it has happened."""
        for name in sorted({directory(path) for path in temporary.values()}):
            self.calls.sync_directory(self.at(name))
        self._serial += 1
        path = f"{INTENTS}/{self._serial:0{_DIGITS}d}{SUFFIX}"
        intent = Change(messages={path: frame({"steps": steps})})
        held = self._prepare(intent)
        done: list[Step] = []
        with self._or_undo(intent, held, done):
            for step in (("rename", held[path], path), ("sync", INTENTS)):
                done.append(step)
                self._do(step)
        return self._forgetting(path, steps)

    def _forgetting(self, path: str, steps: Iterable[Step]) -> list[Step]:
        """The steps behind those of an intent. It is gone for good before another change is made."""
        touched = {directory(step[-1]) for step in steps if step[0] != "sync"}
        return [*[("sync", name) for name in sorted(touched)], ("unlink", path), ("sync", INTENTS)]

    def _do(self, step: Step) -> None:
        """Do one step. What was done already is passed over."""
        kind, *paths = step
        if kind == "sync":
            self.calls.sync_directory(self.at(paths[0]))
            self._unsynced.discard(paths[0])
            return
        with suppress(FileNotFoundError, FileExistsError):
            if kind == "create":
                self.mark(paths)
                self._unsynced.add(directory(paths[0]))
            elif kind == "rename":
                self.calls.rename(self.at(paths[0]), self.at(paths[1]))
                self._unsynced.add(directory(paths[1]))
            else:
                if self.copy is not None:
                    self.copy.save(paths[0])
                self.calls.unlink(self.at(paths[0]))
                if directory(paths[0]) in (MESSAGES, INTENTS):
                    self._unsynced.add(directory(paths[0]))
