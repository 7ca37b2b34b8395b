"""How a store over files reads a message: all but the body is in the index, and that too until its file is written."""

from __future__ import annotations

from typing import Final

from attrs import define, evolve
from typing_extensions import override

from empath.spool import statements as sql
from empath.spool.contract import Damage
from empath.spool.files.framing import NotWhole, from_json, unframe
from empath.spool.files.naming import message_path
from empath.spool.files.tree import Tree
from empath.spool.reading import Reader
from empath.spool.stored import StoredMessage

_READINGS: Final = 2
"""How often a file is read that cannot be, before its message is put away: a disk may fail only once."""


@define(eq=False)
class FileReader(Reader):
    """See ``reading.Reader``. A file that is damaged is damage of its message alone."""

    _tree: Tree

    @override
    def read(self, message: int) -> StoredMessage | Damage:
        """The row of a message with the body out of its file, or what is wrong with it."""
        row = StoredMessage(*self._look(sql.READ, message)[0])
        if row.body_file is None and row.content is None:
            content = self._content(row.mid)
            if isinstance(content, str):
                return Damage(mid=row.mid, reason=content)
            row = evolve(row, content=content)
        return row.damage() or row

    def _content(self, mid: str) -> bytes | str:
        """The body of a message, or why there is none."""
        path, reason = message_path(mid), ""
        for _ in range(_READINGS):
            try:
                body = from_json(unframe(self._tree.read(path))["message"]["body"])
            except (OSError, NotWhole) as problem:
                reason = f"its file {self._tree.at(path)} cannot be used: {problem}"
            else:
                return body if isinstance(body, bytes) else f"its file {self._tree.at(path)} has no body"
        return reason
