"""Changing several files as one: what comes first, since it can be undone, and what comes last, since it cannot.

1. New content is written under names that end in ``.tmp``, all of it, and then synced, all of it.
2. Entries get their names. Their directories are synced, if something is going to rely on them.
3. New messages get their names, **which accepts them**. Their directory is synced.
4. Messages that have ended lose theirs. From here on there is no way back. The directory is synced.
5. Entries that others stand for now, or that have no message any more, are removed.

So a file that has its name has its content: one that cannot be read was damaged, and not merely cut off. And an entry
goes only when its successor, or the end of its message, is on the disk. Entries without content are the exception in
both: they say nothing but when the next attempt is, and whether it is under way, so they are made as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from attrs import define, field

from empath.spool.files.naming import MESSAGES

Step: TypeAlias = tuple[str, ...]
"""``rename`` and two paths, ``unlink`` or ``create`` and one, or ``sync`` and a directory. Each may be done again."""

TOP: Final = "."
"""The directory of the queue itself."""


@define(kw_only=True)
class Change:
    """What is to be done. Paths are below the directory of the queue."""

    messages: dict[str, bytes] = field(factory=dict)
    """New files of messages, and their content."""
    entries: dict[str, bytes] = field(factory=dict)
    """New entries with content."""
    marks: list[str] = field(factory=list)
    """New entries without."""
    first: list[str] = field(factory=list)
    """Those of new messages: they say nothing at all, and nobody relies on them."""
    replaced: dict[str, str] = field(factory=dict)
    """For new entries, which ones with content they stand for now."""
    gone: list[str] = field(factory=list)
    """Files of messages that have ended."""
    orphaned: list[str] = field(factory=list)
    """Their entries with content."""
    unmarked: list[str] = field(factory=list)
    """Entries without content that mean nothing any more."""
    rewritten: dict[str, bytes] = field(factory=dict)
    """Files that are there, and their new content."""
    remembered: list[str] = field(factory=list)
    """Fingerprints of new messages. They come after these: one without a message would lose what is offered again."""
    forgotten: list[str] = field(factory=list)
    """Fingerprints that are too old."""

    def add(self, other: Change) -> None:
        """Do what another one says, after this."""
        self.messages |= other.messages
        self.entries |= other.entries
        self.marks += other.marks
        self.first += other.first
        self.replaced |= other.replaced
        self.gone += other.gone
        self.orphaned += other.orphaned
        self.unmarked += other.unmarked
        self.rewritten |= other.rewritten
        self.remembered += other.remembered
        self.forgotten += other.forgotten

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.prepared or self.marks or self.gone or self.forgotten)

    @property
    def is_one_rename(self) -> bool:
        """Whether it happens as a whole or not at all, whatever comes in between."""
        return len(self.prepared) + len(self.gone) <= 1

    @property
    def prepared(self) -> dict[str, bytes]:
        """What is written under another name first."""
        return self.messages | self.entries | self.rewritten

    def forth(self, temporary: Mapping[str, str], *, unsynced: Iterable[str], durable: bool) -> list[Step]:
        """Steps 2 and 3, which can be undone. ``unsynced``: the directories that earlier changes have not synced."""
        steps: list[Step] = [("rename", temporary[path], path) for path in self.entries]
        relied_on = {directory(new) for new, old in self.replaced.items() if directory(old) != directory(new)}
        if durable:
            relied_on |= {*unsynced, *map(directory, self.entries), *map(directory, self.marks)}
        if self.messages:
            relied_on.discard(MESSAGES)
        steps += [("sync", name) for name in sorted(relied_on)]
        steps += [("rename", temporary[path], path) for path in self.messages]
        if durable and self.messages:
            steps.append(("sync", MESSAGES))
        for path in self.rewritten:
            steps += [("rename", temporary[path], path), ("sync", directory(path))]
        return steps

    def back_no_more(self, *, durable: bool) -> list[Step]:
        """Steps 4 and 5."""
        steps: list[Step] = [("unlink", path) for path in self.gone]
        if self.gone and (durable or self.orphaned):
            steps.append(("sync", MESSAGES))
        steps += [("create", path) for path in self.remembered]
        old = (*self.replaced.values(), *self.orphaned, *self.unmarked, *self.forgotten)
        return [*steps, *removal(old)]

    def undoing(self, done: Iterable[Step]) -> list[Step]:
        """What undoes some of `forth`, the last of which may have failed half-way."""
        return [("unlink", step[2]) for step in done if step[0] == "rename" and step[2] not in self.rewritten]


def removal(paths: Iterable[str]) -> list[Step]:
    """The steps that remove files."""
    return [("unlink", path) for path in paths]


def directory(path: str) -> str:
    """The directory of a path, below that of the queue."""
    return path.rpartition("/")[0] or TOP
