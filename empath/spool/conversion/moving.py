"""The order in which a spool is moved, and the marks that keep daemons away meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from heapq import merge
from itertools import groupby, islice
from pathlib import PurePath
from typing import Final, TypeVar

from attrs import define, field, frozen

from empath.spool.belonging import BODIES, CONVERTING, MARK
from empath.spool.contract import BodyFile, Damage, DeliveryKey, Row, Selector, SpoolError, StoredRule
from empath.spool.conversion.bodies import copy_body
from empath.spool.conversion.moved import Moved
from empath.spool.store import Look, Store
from empath.spool.stored import StoredMessage
from empath.world.draft import Draft
from empath.world.files import FileCalls
from empath.world.ports import TEMPORARY_SUFFIX

T = TypeVar("T")

BATCH: Final = 100
"""Messages that move in one transaction of each side."""
_PAGE: Final = 500


@frozen(kw_only=True)
class Side:
    """One of the two spools, open and locked."""

    name: str
    store: Store
    calls: FileCalls
    """Where its large bodies are. Two sides with the same object have the same directory."""
    path: PurePath

    def do(self, operation: Callable[[Store], T]) -> T:
        """Do something in a durable transaction of its own. A SpoolError: it cannot be done."""
        (result,) = self.store.commit([operation], durable=True)
        done: T = result.unwrap()  # type: ignore[assignment]  # what the operation has returned
        return done


@define(eq=False, kw_only=True)
class Conversion:
    """Moves all that is in the source. ``run`` it as often as it takes."""

    source: Side
    target: Side
    now: float
    tell: Callable[[int], None]
    """Called from time to time with how many messages have moved."""
    moved: int = field(init=False, default=0)
    """Messages that were written into the target."""
    deliveries: int = field(init=False, default=0)
    """Theirs."""
    was_there: int = field(init=False, default=0)
    """Messages that an earlier run has written, and that this one has only removed from the source."""
    left: list[Damage] = field(init=False, factory=list)
    """Messages that are damaged and stay in the source."""

    def run(self, token: str) -> None:
        """Move. ``token``: what queue and bodies of the target will have in common, if they have nothing yet.

        Raises SpoolError, `OSError` and `DiskError`; what has moved until then has moved.
        """
        self._mark()
        for rule in self.source.do(lambda store: store.rules()):
            self.target.do(partial(_put_rule, rule))
        self._unite(token)
        messages = self._messages()
        while batch := list(islice(messages, BATCH)):
            self._move(batch)
            self.tell(self.moved + self.was_there)
        for rule in self.source.do(lambda store: store.rules()):
            self.source.do(partial(_remove_rule, rule))
        self._unmark()

    @property
    def _shares_bodies(self) -> bool:
        return self.source.calls is self.target.calls

    def _mark(self) -> None:
        """Keep daemons away. A SpoolError: another conversion is under way."""
        text = f"{self.source.name} to {self.target.name}\n".encode()
        for side in (self.source, self.target):
            path = side.path / CONVERTING
            known = _content(side.calls, path)
            if known not in (None, text):
                raise SpoolError(
                    f"{path} says that a conversion is under way, from {known.decode(errors='replace').strip()}; "
                    "end that one first, by the same command once more"
                )
            if known is None:
                _write(side.calls, path, text)

    def _unmark(self) -> None:
        for side in (self.target, self.source):
            with suppress(FileNotFoundError):
                side.calls.unlink(str(side.path / CONVERTING))
                side.calls.sync_directory(str(side.path))

    def _unite(self, token: str) -> None:
        """Give the queue of the target the token of its bodies, or both a new one."""
        path = self.target.path / MARK
        known = _content(self.target.calls, path)
        if known is None:
            known = f"{self.target.do(lambda store: store.identity()) or token}\n".encode()
            _write(self.target.calls, path, known)
        if self.target.do(lambda store: store.identity()) is None:
            text = known.decode(errors="replace").strip()
            self.target.do(lambda store: store.identify(text))

    def _messages(self) -> Iterator[tuple[int, tuple[Row, ...]]]:
        """All messages of the source with their deliveries, the oldest first."""
        rows = merge(self._rows(Selector()), self._rows(Selector(in_trash=True)), key=_place)
        for number, some in groupby(rows, key=lambda row: row.key.message):
            yield number, tuple(some)

    def _rows(self, selector: Selector) -> Iterator[Row]:
        after: DeliveryKey | None = None
        while True:
            look = self.source.do(partial(_look, selector, self.now, after))
            yield from look.rows
            after = look.after
            if after is None:
                return

    def _move(self, batch: list[tuple[int, tuple[Row, ...]]]) -> None:
        sound = [moved for number, rows in batch if (moved := self._read(number, rows)) is not None]
        there = [self.target.do(moved.is_in) for moved in sound]
        new = [moved for moved, is_there in zip(sound, there, strict=True) if not is_there]
        for result in self.target.store.commit([moved.put for moved in new], durable=True):
            result.unwrap()
        self.moved += len(new)
        self.deliveries += sum(len(moved.rows) for moved in new)
        self.was_there += sum(there)
        for dropped in self.source.store.commit([moved.drop for moved in sound], durable=True):
            dropped.unwrap()
        if not self._shares_bodies:
            for moved in sound:
                self._remove_body(moved.message)

    def _read(self, number: int, rows: tuple[Row, ...]) -> Moved | None:
        """A message with its body where the target will have it; None: it is damaged, and that was noted."""
        message = self.source.do(lambda store: store.message(number))
        reason = message.reason if isinstance(message, Damage) else self._bring_body(message)
        if isinstance(message, Damage) or reason is not None:
            self.left.append(Damage(mid=str(rows[0].mid), reason=reason or ""))
            return None
        return Moved(message, rows, self.now)

    def _bring_body(self, message: StoredMessage) -> str | None:
        body = message.body
        if self._shares_bodies or not isinstance(body, BodyFile):
            return None
        source, target = self.source, self.target
        return copy_body(body, (source.calls, source.path / BODIES), (target.calls, target.path / BODIES))

    def _remove_body(self, message: StoredMessage) -> None:
        if message.body_file is not None:
            with suppress(FileNotFoundError):
                self.source.calls.unlink(str(self.source.path / BODIES / message.body_file))


def _put_rule(rule: StoredRule, store: Store) -> None:
    store.put_rule(rule)


def _remove_rule(rule: StoredRule, store: Store) -> bool:
    return store.remove_rule(rule.id)


def _look(selector: Selector, now: float, after: DeliveryKey | None, store: Store) -> Look:
    return store.find(selector, now=now, after=after, limit=_PAGE)


def _place(row: Row) -> tuple[int, int]:
    return row.key.message, row.key.ordinal


def _content(calls: FileCalls, path: PurePath) -> bytes | None:
    try:
        handle = calls.open(str(path))
    except FileNotFoundError:
        return None
    try:
        return calls.read_at(handle, 1024, 0)
    finally:
        calls.close(handle)


def _write(calls: FileCalls, path: PurePath, text: bytes) -> None:
    temporary = path.with_name(f"{path.name}.convert{TEMPORARY_SUFFIX}")
    with suppress(FileNotFoundError):
        calls.unlink(str(temporary))
    draft = Draft(calls, path, temporary)
    draft.begin()
    draft.append(text)
    draft.finish()
