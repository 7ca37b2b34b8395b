"""One table as one or more viewers see it: built once, encoded once, and sent to each as far as he has come.

A viewer remembers the table that he was sent last, and not what has changed since. When he can be sent something again
he gets the difference between that table and the one there is now. So one who reads slowly gets fewer frames, never
older ones, and nothing is kept for him but that one table.
"""

from __future__ import annotations

from typing import Final

import msgspec
from attrs import define, field, frozen

from empath.ops.live.choosing import Choice
from empath.ops.live.tables import Rows, difference, kept_alike

_JSON: Final = msgspec.json.Encoder()


@frozen(eq=False)
class Table:
    """One state of a table. Two with equal rows are still two states."""

    version: int
    rows: Rows


NO_TABLE: Final = Table(0, {})


@define(eq=False)
class Feed:
    """What all viewers get who have made the same choice of one topic."""

    choice: Choice
    table: Table = field(init=False, default=NO_TABLE)
    """`NO_TABLE`: none was built yet."""
    builds: int = field(init=False, default=0)
    """How often it was looked whether there is something new."""
    _texts: dict[int, str] = field(init=False, factory=dict)
    """What was encoded already, by the version that it starts from."""

    def take(self, rows: Rows) -> None:
        """Here is all there is now of the topic."""
        self.builds += 1
        chosen = kept_alike(self.table.rows, self.choice.of(rows))
        if self.table is NO_TABLE or difference(self.table.rows, chosen):
            self.table = Table(self.table.version + 1, chosen)
            self._texts.clear()

    def since(self, seen: Table) -> str:
        """Return the inside of a frame, for a viewer who has seen that table; after `NO_TABLE`, of a snapshot."""
        text = self._texts.get(seen.version)
        if text is None:
            text = self._texts[seen.version] = self._encoded(seen)
        return text

    def _encoded(self, seen: Table) -> str:
        if seen is NO_TABLE:
            return f'"data":{_JSON.encode({"rows": self.table.rows}).decode()}'
        found = difference(seen.rows, self.table.rows)
        parts = [f'"set":{_JSON.encode(found.changed).decode()}'] if found.changed else []
        parts += [f'"del":{_JSON.encode(found.gone).decode()}'] if found.gone else []
        return ",".join(parts)
