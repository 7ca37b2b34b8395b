"""The store over files: that of the default backend on an index in memory. Its transactions end in changing files."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Final

import outcome
from attrs import define, evolve, field
from typing_extensions import override

from empath.mail.ids import MessageId
from empath.spool import statements as sql
from empath.spool.committer import Operation
from empath.spool.contract import Acceptance, Damage, SpoolError, SpoolForbidden, SpoolFull, SpoolHeld, Statistics
from empath.spool.copying import Copying
from empath.spool.database import Database, connect
from empath.spool.ending import Ending
from empath.spool.files.change import Change
from empath.spool.files.copying import TreeCopy
from empath.spool.files.index import SETTINGS, Index
from empath.spool.files.opening import Opening
from empath.spool.files.reading import FileReader
from empath.spool.files.tree import Tree
from empath.spool.schema import SCHEMA
from empath.spool.sqlite import SqliteStore
from empath.spool.store import Store
from empath.spool.waiting import WaitingRows
from empath.world.files import FileCalls
from empath.world.reserve import Reserve

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


def open_files(path: str, calls: FileCalls, *, reserve: Reserve | None = None) -> FilesStore:
    """Open the queue in a directory, or make it. A SpoolError: it cannot be used.

    What was claimed when the last daemon ended waits again, until the moment that the claim had set.
    """
    tree = Tree(calls, path)
    database = Database(connect(":memory:", vfs=None, mode_of=None), reserve)
    store = FilesStore(database, tree=tree)
    try:
        store.read()
    except OSError as problem:
        store.close()
        raise _explained(problem, tree) from problem
    except BaseException:
        store.close()
        raise
    return store


@define(eq=False)
class FilesStore(SqliteStore):
    """See ``store.Store``."""

    _tree: Tree = field(kw_only=True)
    _index: Index = field(init=False)
    _opening: Opening = field(init=False)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        connection = self._connection
        self._reader = FileReader(connection, self._tree)
        self._ending = Ending(connection, self._reader, self._writes)
        self._rows = WaitingRows(connection, self._reader, self._ending, self._tally)
        self._index = Index(connection)
        self._opening = Opening(self._tree, self._index)

    def read(self) -> None:
        """Fill the index, and take back what was claimed. Raises `OSError` and SpoolError."""
        self._connection.execute(SCHEMA)
        self._index.prepare()
        with self._database.transaction(durable=True):
            self._opening.read()
            self._index.watch()
            self._connection.execute(sql.UNCLAIM)
            self._tree.make(self._index.change(), durable=True, is_one=False)
        self._number = self._row(sql.LATEST)[0]
        self._listing.open()
        self._ending.open()
        self._count()
        self._database.keeps_reserve()

    @override
    def commit(self, operations: Sequence[Operation[Store]], *, durable: bool) -> list[outcome.Outcome[object]]:
        """See ``committer.Transactions``. If one operation fails, each is done again in a transaction of its own."""
        try:
            results = self._together(operations, durable=durable)
        except Exception:
            results = [self._alone(operation, durable=durable) for operation in operations]
        self._copies.step()
        return results

    @override
    def _together(self, operations: Sequence[Operation[Store]], *, durable: bool) -> list[outcome.Outcome[object]]:
        """Do the operations in the index, and then to the files what all of them come to."""
        changes: list[Change] = []

        def noted(operation: Operation[Store]) -> Operation[Store]:
            def do(store: Store) -> object:
                result = operation(store)
                self._settle()
                changes.append(self._index.change())
                return result

            return do

        def write(_: Store) -> None:
            self._write(changes, durable=durable)
            self._index.drop_bodies()

        damaged = self._opening.damaged.copy()
        try:
            return super()._together([*map(noted, operations), write], durable=durable)[:-1]
        except BaseException:
            self._opening.damaged = damaged
            self._index.keep_bodies()
            raise

    def _write(self, changes: Sequence[Change], *, durable: bool) -> None:
        """Let the files say what the index says. A SpoolError: they say what they said before."""
        change, is_one = Change(), False
        for each in changes:
            change.add(each)
            is_one = is_one or not each.is_one_rename
        if not change and (self._tree.is_synced or not durable):
            return
        try:
            try:
                self._tree.make(change, durable=durable, is_one=is_one)
            except OSError as problem:
                if problem.errno not in _FULL or not self._make_room():
                    raise
                self._tree.make(change, durable=durable, is_one=is_one)
        except OSError as problem:
            raise _explained(problem, self._tree) from problem

    def _make_room(self) -> bool:
        return self._database.reserve is not None and self._database.reserve.give_up()

    @override
    def accept(self, acceptance: Acceptance, claimed_until: float | None = None) -> int | MessageId:
        """See ``store.Store``."""
        if str(acceptance.mid) in self._opening.damaged:
            raise SpoolError(f"message {acceptance.mid} is here already")
        return super().accept(acceptance, claimed_until)

    @override
    def begin_copy(self, directory: str) -> Copying:
        """See ``store.Store``. The copy is the queue as it is before this transaction."""
        copy = TreeCopy(self._tree, directory)
        try:
            copy.begin(SETTINGS)
        except OSError as problem:
            raise SpoolError(f"the copy cannot be made: {problem}") from problem
        self._copies.begin(copy)
        return copy

    @override
    def touch(self) -> None:
        """See ``store.Store``. A durable transaction syncs what was changed before it, whatever is in it."""

    @override
    def statistics(self) -> Statistics:
        """See ``contract.Spool``. Messages whose files are damaged have at least one delivery each."""
        counted, more = super().statistics(), len(self._opening.damaged)
        return evolve(counted, messages=counted.messages + more, quarantined=counted.quarantined + more)

    @override
    def quarantine(self) -> list[Damage]:
        """See ``contract.Spool``."""
        return [*self._opening.damaged.values(), *super().quarantine()]

    @override
    def release(self, mid: str) -> int:
        """See ``contract.Spool``. A file that was damaged, and was put back, is read again."""
        if mid not in self._opening.damaged:
            return super().release(mid)
        try:
            number = self._opening.read_again(mid)
        except OSError as problem:
            raise _explained(problem, self._tree) from problem
        self._index.disregard()
        if number is None:
            return 0
        self._index.take_back(number)
        states = self._index.states(number)
        for claimed, mark, count in states:
            self._tally.add(claimed, mark, count)
        self._tally.add_messages(1)
        self._number = max(self._number, number)
        return sum(count for _, _, count in states)

    @override
    def close(self) -> None:
        """See ``store.Store``. What an error has left undone is done at the next start."""
        self._tree.unlock()
        self._database.close()


def _explained(problem: OSError, tree: Tree) -> SpoolError:
    """What an error of the files means, and what to try."""
    where = f"the queue {tree.path}"
    if isinstance(problem, BlockingIOError):
        return SpoolHeld(f"{where} is in use by another process; end it, or use another directory")
    if problem.errno in _FULL:
        return SpoolFull(f"the disk of {where} is full ({problem}); make room")
    if isinstance(problem, PermissionError) or problem.errno == errno.EROFS:
        return SpoolForbidden(f"{where} cannot be written ({problem}); see to the permissions of it and its directory")
    return SpoolError(f"{where} has failed ({problem}); see to the disk")
