"""Rows that are written together: what the operations of one transaction add, and the deliveries that are completed.

Each statement lets go of the interpreter's lock and has to get it back, in competition with the thread that talks to
clients; to get it back costs more than the statement. So acceptances and completed deliveries are gathered, and written
with one statement for up to `MOST` rows: at the end of the transaction, or before somebody looks at the tables in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final, TypeVar

import apsw
from attrs import define, field

from empath.mail.delivery import Status
from empath.spool import statements as sql
from empath.spool.contract import Acceptance, DeliveryKey, Fate, Finished, SpoolError
from empath.spool.stored import StoredMessage

T = TypeVar("T")
MOST: Final = 50
"""Rows in one statement: few enough for every length of it to stay compiled."""

_Columns = tuple[str | float | bytes | None, ...]


@define(eq=False)
class Writes:
    """What is still to be written in the transaction at hand."""

    _connection: apsw.Connection
    _messages: list[_Columns] = field(init=False, factory=list)
    _deliveries: list[_Columns] = field(init=False, factory=list)
    _completed: dict[DeliveryKey, list[str]] = field(init=False, factory=dict)

    def add(self, acceptance: Acceptance, number: int, state: int, next_attempt: float) -> None:
        """A message and its deliveries, all of them in one state of `tally`."""
        sender, priority, recipients = acceptance.sender, acceptance.priority, acceptance.addresses
        received = acceptance.received
        self._messages.append((number, *StoredMessage.of(acceptance).columns))
        self._deliveries += [
            (number, ordinal, domain, state, next_attempt, recipients[ordinal], sender, priority, received)
            for ordinal, domain in enumerate(acceptance.domains)
        ]

    def complete(self, fates: Iterable[Fate]) -> tuple[list[str], list[Fate]]:
        """Take what is done with; where the names of files will stand that it leaves behind, and the other fates."""
        unneeded: list[str] = []
        others: list[Fate] = []
        for fate in fates:
            if isinstance(fate, Finished) and fate.status is Status.COMPLETED:
                self._completed[fate.key] = unneeded
            else:
                others.append(fate)
        return unneeded, others

    def forget(self) -> None:
        """The transaction was rolled back."""
        self._messages, self._deliveries, self._completed = [], [], {}

    def write(self) -> None:
        """Write what was added. A SpoolError: one of the messages is here already."""
        messages, self._messages = self._messages, []
        deliveries, self._deliveries = self._deliveries, []
        try:
            for rows in _portions(messages):
                self._connection.execute(_statement(sql.ADD_MESSAGES, sql.A_MESSAGE, len(rows)), _flat(rows))
        except apsw.ConstraintError as problem:
            raise SpoolError(f"message {self._repeated(messages)} is here already") from problem
        for rows in _portions(deliveries):
            self._connection.execute(_statement(sql.ADD_DELIVERIES, sql.A_DELIVERY, len(rows)), _flat(rows))

    def _repeated(self, messages: Sequence[_Columns]) -> str:
        """The name of the first of these that was here before."""
        names = [str(message[1]) for message in messages]
        for place, name in enumerate(names):
            if name in names[:place] or self._connection.execute(sql.IS_HERE, (name,)).fetchall():
                return name
        raise AssertionError("no name stood in the way")

    def take_completed(self) -> dict[DeliveryKey, list[str]]:
        """What was completed, each with the list for the name of its file. They are somebody else's now."""
        completed, self._completed = self._completed, {}
        return completed

    def remove_claimed(self, keys: Sequence[DeliveryKey]) -> set[DeliveryKey]:
        """Remove those of these deliveries that are claimed; which they were."""
        removed: set[DeliveryKey] = set()
        for portion in _portions(keys):
            statement = f"{_statement(sql.REMOVE_CLAIMED, sql.A_KEY, len(portion))}{sql.RETURNING_KEYS}"
            values = [value for key in portion for value in (key.message, key.ordinal)]
            removed.update(DeliveryKey(*row) for row in self._connection.execute(statement, values))
        return removed

    def retire(self, messages: Sequence[int]) -> dict[int, str | None]:
        """Remove those of these messages that have no delivery left; their body files, by message."""
        retired: dict[int, str | None] = {}
        for portion in _portions(messages):
            statement = f"{_statement(sql.RETIRE_SOME, '?', len(portion))}{sql.RETURNING_FILES}"
            retired.update(self._connection.execute(statement, portion))
        return retired


# All lengths of each statement.
@lru_cache(maxsize=4 * MOST)
def _statement(begin: str, row: str, count: int) -> str:
    return begin + ", ".join([row] * count)


def _portions(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    return (rows[start : start + MOST] for start in range(0, len(rows), MOST))


def _flat(rows: Sequence[_Columns]) -> list[str | float | bytes | None]:
    return [value for row in rows for value in row]
