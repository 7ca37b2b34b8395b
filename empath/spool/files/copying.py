"""The copy of a queue of files that is in use: as it is at one moment, though it is made while mail comes and goes.

What there is at the beginning is taken down, by name. No file is ever changed, so each is copied when its turn comes;
one that is to go before that is copied first. The moment of the copy is the beginning, then, however long it takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Final

from attrs import define, field

from empath.spool.contract import BodyFile
from empath.spool.copying import Copied
from empath.spool.files.framing import NotWhole, from_json, unframe
from empath.spool.files.naming import INTENTS, MESSAGES, SEEN, STATUSES, SUFFIX

if TYPE_CHECKING:
    from empath.spool.files.tree import Tree

_FILES: Final = 50
"""Copied in one portion."""
_DIRECTORIES: Final = (MESSAGES, INTENTS, SEEN, *STATUSES)


@define(eq=False)
class TreeCopy:
    """See ``copying.Copying``."""

    _tree: Tree
    _directory: str
    backend: str = "files"
    _pending: dict[str, None] = field(init=False, factory=dict)
    """What is still to be copied."""
    _copied: list[str] = field(init=False, factory=list)
    _problem: OSError | None = field(init=False, default=None)

    def begin(self, settings: str) -> None:
        """Take down what there is, and copy the one file that is written anew now and then. Raises `OSError`."""
        self._tree.finish()
        for name in _DIRECTORIES:
            with suppress(FileExistsError):
                self._tree.calls.make_directory(f"{self._directory}/{name}")
        for name in (MESSAGES, *STATUSES):
            paths = [f"{name}/{file}" for file in self._tree.names(name) if file.endswith(SUFFIX)]
            self._pending |= dict.fromkeys(paths)
        self._pending[settings] = None
        self.keep(settings)
        self._tree.copy = self

    def save(self, path: str) -> None:
        """Copy this file now, since it is about to go. Never fails: mail goes on, and the copy is given up."""
        if self._problem is None:
            try:
                self.keep(path)
            except OSError as problem:
                self._problem = problem

    def keep(self, path: str) -> None:
        """Copy this file, if that was not done. Raises `OSError`."""
        if path not in self._pending:
            return
        with suppress(FileNotFoundError):  # it was undone, so it never was
            content = memoryview(self._tree.read(path))
            handle, at = self._tree.calls.create(f"{self._directory}/{path}"), 0
            try:
                while at < len(content):
                    at += self._tree.calls.write_at(handle, content[at:], at)
            finally:
                self._tree.calls.close(handle)
            self._copied.append(path)
        del self._pending[path]

    def go_on(self) -> bool:
        """See ``copying.Copying``. Raises `OSError`."""
        if self._problem is not None:
            raise self._problem
        for path in list(islice(self._pending, _FILES)):
            self.keep(path)
        if not self._pending:
            self.end()
        return bool(self._pending)

    def finish(self) -> Copied:
        """See ``copying.Copying``. Each copy is read once more, for its checksum and the name of its body."""
        calls = self._tree.calls
        for path in self._copied:
            handle = calls.open(f"{self._directory}/{path}")
            try:
                calls.sync(handle)
            finally:
                calls.close(handle)
        for name in (*_DIRECTORIES, "."):
            calls.sync_directory(f"{self._directory}/{name}")
        messages = [path for path in self._copied if path.startswith(f"{MESSAGES}/")]
        return Copied(messages=len(messages), bodies=tuple(self._bodies(messages)))

    def _bodies(self, messages: list[str]) -> Iterator[BodyFile]:
        for path in messages:
            with suppress(NotWhole, KeyError):  # what is damaged is copied as it is
                row = unframe(self._tree.read_at(f"{self._directory}/{path}"))["message"]
                name = from_json(row["body_file"])
                if name is not None:
                    yield BodyFile(name=name, size_bytes=row["size_bytes"], checksum=row["body_crc"])

    def end(self) -> None:
        """See ``copying.Copying``."""
        self._pending.clear()
        if self._tree.copy is self:
            self._tree.copy = None
