"""What the files of a queue say when it is opened.

All names are read, all messages, and all entries that have content. It can be done again, and cut off, any number of
times: until everything was read nothing is removed, but what an intent asks for.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field, frozen

from empath.spool.contract import Damage, SpoolError
from empath.spool.files import naming
from empath.spool.files.framing import NotWhole, from_json, unframe
from empath.spool.files.index import FORMAT, SETTINGS, Index
from empath.spool.files.naming import MESSAGES, SEEN, STATUSES, EntryName, SeenName, message_of, message_path, moment_of
from empath.spool.files.tree import Tree


@frozen
class Entry:
    """An entry as it lies on the disk."""

    name: EntryName
    record: dict[str, Any] | None
    """Its content, if it has any."""

    @property
    def rank(self) -> tuple[int, bool, str]:
        """Of two for the same deliveries the higher one counts: the other was to be removed."""
        serial = 0 if self.record is None else int(self.record["serial"])
        return serial, self.name.status == naming.IN_PROGRESS, self.name.moment


@define(eq=False)
class Opening:
    """Fills an index from a tree."""

    _tree: Tree
    _index: Index
    damaged: dict[str, Damage] = field(init=False, factory=dict)
    """What nobody can send, by the names of messages."""
    _seen: set[SeenName] = field(init=False, factory=set)
    """Fingerprints of messages that are here."""
    _superfluous: list[str] = field(init=False, factory=list)
    _missing: list[str] = field(init=False, factory=list)

    def read(self) -> None:
        """Read all of it, and keep others out from now on.

        Raises `OSError`, a `BlockingIOError` if somebody else has it, and SpoolError: it is of another version, or not
        to be used.
        """
        self._read_settings()
        self._tree.lock()
        self._tree.make_directories()
        for path, reason in self._tree.recover():
            self.damaged[path] = Damage(mid=path, reason=f"{path}: {reason}")
        entries = self._entries()
        for name in self._tree.names(MESSAGES):
            mid = message_of(name)
            if mid is not None:
                self._add(mid, entries.pop(mid, []))
        for names in entries.values():
            self._superfluous += map(str, names)
        self._read_seen()
        self._tree.sweep()
        self._clean()

    def read_again(self, mid: str) -> int | None:
        """Look whether a message is sound now that was damaged; its number if it is."""
        self.damaged.pop(mid, None)
        number = self._add(mid, self._entries().get(mid, []))
        self._clean()
        return number

    def _read_settings(self) -> None:
        try:
            record = unframe(self._tree.read(SETTINGS))
        except FileNotFoundError:
            return
        except NotWhole as problem:
            raise SpoolError(
                f"{self._tree.at(SETTINGS)} is damaged: {problem}; it has the token of the queue and the rules of its "
                "operators: put it back from a backup, or move it away to go on without rules"
            ) from None
        if record["format"] != FORMAT:
            raise SpoolError(
                f"the queue {self._tree.path} has format {record['format']}, and this program knows {FORMAT}; "
                "install the version that wrote it, or a later one"
            )
        self._index.add_settings(record)

    def _add(self, mid: str, names: list[EntryName]) -> int | None:
        """Add a message with what became of it; its number. None: it is damaged, and was taken down as that."""
        path = message_path(mid)
        try:
            record = self._whole(path)
            entries = [self._entry(name) for name in names]
        except NotWhole as problem:
            self.damaged[mid] = Damage(mid=mid, reason=str(problem))
            return None
        number = self._index.add_message(record)
        self._seen |= {SeenName(moment_of(one["moment"]), mid, from_json(one["digest"])) for one in record["seen"]}
        for place, domain in self._index.domains(number).items():
            some = sorted((one for one in entries if one.name.place == place), key=lambda one: one.rank)
            self._superfluous += [str(one.name) for one in some[:-1]]
            if some:
                self._index.add_entry(number, domain, some[-1].name, some[-1].record)
            else:
                self._missing.append(self._index.add_missing(number, domain, mid))
        if not self._index.count(number):
            self._superfluous += [path, *self._index.forget(number)]
        return number

    def _read_seen(self) -> None:
        names = {name for name in map(SeenName.parse, self._tree.names(SEEN)) if name is not None}
        self._missing += [str(name) for name in self._seen - names]
        for name in sorted(names | self._seen, key=str):  # the latest comes last
            self._superfluous += self._index.add_seen(name)

    def _entry(self, name: EntryName) -> Entry:
        if name.status in naming.MAY_BE_EMPTY and not self._tree.size_bytes(str(name)):
            return Entry(name, None)
        return Entry(name, self._whole(str(name)))

    def _whole(self, path: str) -> dict[str, Any]:
        try:
            return unframe(self._tree.read(path))
        except NotWhole as problem:
            raise NotWhole(f"{self._tree.at(path)}: {problem}") from None

    def _entries(self) -> dict[str, list[EntryName]]:
        """All entries, by the names of their messages."""
        found: dict[str, list[EntryName]] = {}
        for status in STATUSES:
            for text in self._tree.names(status):
                name = EntryName.parse(status, text)
                if name is not None:
                    found.setdefault(name.mid, []).append(name)
        return found

    def _clean(self) -> None:
        self._tree.remove(self._superfluous)
        self._tree.mark(self._missing)
        self._superfluous, self._missing = [], []
