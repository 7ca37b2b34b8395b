"""What a SQLite store does besides mail: it keeps rules, is looked at, and is copied."""

from __future__ import annotations

import abc
from collections.abc import Sequence

import apsw
from attrs import define, field

from empath.spool import statements as sql
from empath.spool.checking import Checked, Checker
from empath.spool.contract import StoredRule
from empath.spool.copying import DATABASE, Copies, Copying, DatabaseCopy
from empath.spool.database import Database
from empath.spool.keeping import Keeping
from empath.spool.reading import Reader


@define(eq=False)
class SqliteCare(abc.ABC):
    """See ``store.Store``."""

    _database: Database
    _connection: apsw.Connection = field(init=False)
    _reader: Reader = field(init=False)
    _keeping: Keeping = field(init=False)
    _copies: Copies = field(init=False, factory=Copies)

    @abc.abstractmethod
    def _settle(self) -> None:
        """Write what was gathered so far: somebody is about to look."""

    def rules(self) -> list[StoredRule]:
        """See ``contract.Spool``."""
        return self._keeping.rules()

    def put_rule(self, rule: StoredRule) -> None:
        """See ``contract.Spool``."""
        self._keeping.put_rule(rule)

    def remove_rule(self, rule_id: str) -> bool:
        """See ``contract.Spool``."""
        return self._keeping.remove_rule(rule_id)

    def check(self, *, after: int | None, limit: int) -> Checked:
        """See ``store.Store``."""
        self._settle()
        return Checker(numbers=self._numbers, read=self._reader.read, ordinals=self._ordinals).check(after, limit)

    def _numbers(self, after: int, limit: int) -> list[int]:
        return [number for (number,) in self._connection.execute(sql.NUMBERS, (after, limit))]

    def _ordinals(self, message: int) -> list[int]:
        return [ordinal for (ordinal,) in self._connection.execute(sql.ORDINALS, (message,))]

    def needed(self, names: Sequence[str]) -> set[str]:
        """See ``store.Store``."""
        self._settle()
        return {name for name in names if self._connection.execute(sql.NEEDS, (name,)).fetchall()}

    def begin_copy(self, directory: str) -> Copying:
        """See ``store.Store``."""
        copy = DatabaseCopy(self._connection, f"{directory}/{DATABASE}", self._connection.open_vfs)
        self._copies.begin(copy)
        return copy

    def copies_on(self) -> bool:
        """See ``store.Store``."""
        return self._copies.ask()

    def end_copy(self) -> None:
        """See ``store.Store``."""
        self._copies.end()

    def body_files(self) -> set[str]:
        """See ``store.Store``."""
        self._settle()
        return {row[0] for row in self._connection.execute(sql.FILES)}

    def identity(self) -> str | None:
        """See ``store.Store``."""
        found = self._connection.execute(sql.IDENTITY).fetchall()
        return str(found[0][0]) if found else None

    def identify(self, token: str) -> None:
        """See ``store.Store``."""
        self._connection.execute(sql.IDENTIFY, (token,))
