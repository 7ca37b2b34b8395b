"""What a disk really holds, beside what programs see on it.

A file has its content as programs read it, the content that a loss of power would leave, and between them the writes
that nobody has synced. A directory has the same for its names. POSIX promises for the unsynced part: nothing. A crash
therefore either forgets all of it, or, given a source of chance, keeps any part that a real disk might have written:
of a file's writes any subset, since the cache writes back in any order; of a directory's changes any number from the
first on, since file systems keep them in order and a rename in one piece.
"""

from __future__ import annotations

import errno
import os
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, TypeAlias

from attrs import define, field, frozen

if TYPE_CHECKING:
    from empath.world import Entropy


@frozen
class Write:
    """Bytes at a place. Writing behind the end leaves zeros between."""

    offset: int
    data: bytes

    def apply(self, content: bytearray) -> None:
        """Do it."""
        end = self.offset + len(self.data)
        if len(content) < end:
            content.extend(bytes(end - len(content)))
        content[self.offset : end] = self.data


@frozen
class Resize:
    """A new length, shorter or filled up with zeros."""

    size_bytes: int

    def apply(self, content: bytearray) -> None:
        """Do it."""
        if self.size_bytes < len(content):
            del content[self.size_bytes :]
        else:
            content.extend(bytes(self.size_bytes - len(content)))


@define(eq=False)
class File:
    """The content of a file, whatever its name."""

    content: bytearray = field(init=False, factory=bytearray)
    _durable: bytearray = field(init=False, factory=bytearray)
    _unsynced: list[Write | Resize] = field(init=False, factory=list)

    def change(self, change: Write | Resize) -> None:
        """Change what programs see."""
        change.apply(self.content)
        self._unsynced.append(change)

    def sync(self) -> None:
        """Make what programs see durable."""
        for change in self._unsynced:
            change.apply(self._durable)
        self._unsynced.clear()

    def fail_to_sync(self) -> None:
        """Lose the unsynced writes as Linux does: marked clean, still readable, and written by no later sync."""
        self._unsynced.clear()

    def crash(self, chance: Entropy | None) -> None:
        """Forget what a loss of power would."""
        for change in self._unsynced:
            if chance is not None and chance.rng.random() < 1 / 2:
                change.apply(self._durable)
        self._unsynced.clear()
        self.content = bytearray(self._durable)


@frozen
class Link:
    """A name for a file or directory, in place of what had it."""

    name: str
    node: Node

    def apply(self, names: dict[str, Node]) -> None:
        """Do it."""
        names[self.name] = self.node


@frozen
class Unlink:
    """A name that goes away."""

    name: str

    def apply(self, names: dict[str, Node]) -> None:
        """Do it. The name may be gone already, where a crash has kept only part of what came before."""
        names.pop(self.name, None)


@frozen
class Rename:
    """One name for another, in one piece."""

    old: str
    new: str
    node: Node

    def apply(self, names: dict[str, Node]) -> None:
        """Do it."""
        names.pop(self.old, None)
        names[self.new] = self.node


@define(eq=False)
class Directory:
    """The names in a directory."""

    names: dict[str, Node] = field(init=False, factory=dict)
    _durable: dict[str, Node] = field(init=False, factory=dict)
    _unsynced: list[Link | Unlink | Rename] = field(init=False, factory=list)

    def change(self, change: Link | Unlink | Rename) -> None:
        """Change what programs see."""
        change.apply(self.names)
        self._unsynced.append(change)

    def sync(self) -> None:
        """Make what programs see durable."""
        self._keep(len(self._unsynced))

    def crash(self, chance: Entropy | None) -> None:
        """Forget what a loss of power would, here and in everything below."""
        self._keep(0 if chance is None else chance.rng.randint(0, len(self._unsynced)))
        self.names = dict(self._durable)
        for node in self.names.values():
            node.crash(chance)

    def _keep(self, count: int) -> None:
        for change in self._unsynced[:count]:
            change.apply(self._durable)
        self._unsynced.clear()


Node: TypeAlias = File | Directory


@define(eq=False)
class Tree:
    """All files and directories by their paths, from ``/``. Raises the `OSError` that the system would."""

    root: Directory = field(init=False, factory=Directory)

    def node(self, path: str | PurePosixPath) -> Node:
        """Return what is at a path."""
        node: Node = self.root
        for name in PurePosixPath(path).parts[1:]:
            if isinstance(node, File):
                raise refusal(errno.ENOTDIR, path)
            if name not in node.names:
                raise refusal(errno.ENOENT, path)
            node = node.names[name]
        return node

    def file(self, path: str | PurePosixPath) -> File:
        """Return the file at a path."""
        node = self.node(path)
        if isinstance(node, Directory):
            raise refusal(errno.EISDIR, path)
        return node

    def directory(self, path: str | PurePosixPath) -> Directory:
        """Return the directory at a path."""
        node = self.node(path)
        if isinstance(node, File):
            raise refusal(errno.ENOTDIR, path)
        return node

    def directory_of(self, path: str) -> tuple[Directory, str]:
        """Return the directory in which a path's last name stands or would stand, and that name."""
        place = PurePosixPath(path)
        return self.directory(place.parent), place.name

    def size_bytes(self) -> int:
        """Return how much content there is in all."""
        return _size(self.root)


def refusal(number: int, path: str | PurePosixPath) -> OSError:
    """Return the error that the system raises under this number."""
    return OSError(number, os.strerror(number), str(path))


def _size(node: Node) -> int:
    if isinstance(node, File):
        return len(node.content)
    return sum(_size(child) for child in node.names.values())
