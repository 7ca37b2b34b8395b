"""Tables of rows, and what differs between two of them. Everything here is pure.

A row has no field that is None: one that does not apply is left out. So null is free to say, in a difference, that a
field is gone, and who puts a difference to what he has gets the later table exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from attrs import frozen

Row = Mapping[str, object]
Rows = Mapping[str, Row]
"""By key. The order says nothing."""

_NOTHING: Final = object()


@frozen
class Difference:
    """What makes one table out of another."""

    changed: Mapping[str, Row]
    """Of each row that is new or not as it was: the fields that differ; None: the field is gone."""
    gone: tuple[str, ...]
    """The rows that are no more."""

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.changed or self.gone)


def row_of(view: msgspec.Struct) -> Row:
    """Return a view of the API as a row."""
    fields = msgspec.structs.asdict(view)
    return {name: value for name, value in fields.items() if value is not None and name != "schema"}


def difference(before: Rows, after: Rows) -> Difference:
    """Return what has to be done to ``before``."""
    changed = {}
    for key, row in after.items():
        old = before.get(key)
        if old is None:
            changed[key] = row
        elif old is not row and (fields := _fields(old, row)):
            changed[key] = fields
    return Difference(changed, tuple([key for key in before if key not in after]))


def _fields(before: Row, after: Row) -> Row:
    fields = {name: value for name, value in after.items() if before.get(name, _NOTHING) != value}
    return fields | {name: None for name in before if name not in after}


def applied(before: Rows, changed: Mapping[str, Row], gone: Iterable[str]) -> Rows:
    """Return the later table, from the earlier one and the difference."""
    rows = {key: row for key, row in before.items() if key not in set(gone)}
    for key, fields in changed.items():
        row = {**rows.get(key, {}), **fields}
        rows[key] = {name: value for name, value in row.items() if value is not None}
    return rows


def kept_alike(before: Rows, after: Rows) -> Rows:
    """Return ``after``, with the very rows of ``before`` where they are equal: later comparisons are quicker then."""
    found = {}
    for key, row in after.items():
        old = before.get(key)
        found[key] = old if old is not None and (old is row or old == row) else row
    return found
