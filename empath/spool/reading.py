"""How a SQLite store reads the row of a message. A page of it may be unreadable without harm to any other row."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import apsw
from attrs import define, field

from empath.spool import statements as sql
from empath.spool.contract import Damage
from empath.spool.stored import StoredMessage


@define(eq=False)
class Reader:
    """Reads messages, and knows those that cannot be read."""

    _connection: apsw.Connection
    unreadable: dict[int, Damage] = field(init=False, factory=dict)
    """Messages whose rows this process has failed to read."""

    def read(self, message: int) -> StoredMessage | Damage:
        """The row of a message, or what is wrong with it."""
        known = self.unreadable.get(message)
        if known is not None:
            return known
        found = self._look(sql.READ, message)
        if not found:
            return Damage(mid=_nameless(message), reason="its row is not there")
        row = StoredMessage(*found[0])
        return row.damage() or row

    def envelope(self, message: int) -> bytes | None:
        """The envelope of a message; None: it cannot be read."""
        found = [] if message in self.unreadable else self._look(sql.ENVELOPE, message)
        return found[0][0] if found else None

    def name(self, message: int) -> str:
        """The name of a message, as far as it can be known."""
        with suppress(apsw.CorruptError):
            for (mid,) in self._connection.execute(sql.NAME, (message,)):
                return str(mid)
        return _nameless(message)

    def _look(self, query: str, message: int) -> list[tuple[Any, ...]]:
        """Read columns of a message. If that fails the transaction is good for nothing, but can be made again."""
        try:
            return self._connection.execute(query, (message,)).fetchall()
        except apsw.CorruptError as problem:
            damage = Damage(mid=self.name(message), reason=f"its row cannot be read: {problem}")
            self.unreadable[message] = damage
            raise


def _nameless(message: int) -> str:
    return f"number {message}"
