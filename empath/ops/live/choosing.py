"""Which rows, or which records, a viewer wants to see. Everything here is pure.

Two viewers that want the same have equal choices, and so are served from one table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import field, frozen

from empath.ops.live.tables import Row, Rows

Wanted = tuple[tuple[str, tuple[str, ...]], ...]
"""Of each field that matters, the texts of which one must fit."""


@frozen
class Filter:
    """Lets through what has, in each field that is named, a value that fits."""

    wanted: Wanted = ()

    @classmethod
    def of(cls, said: Mapping[str, object]) -> Filter:
        """Read what a viewer has said: for each field a value, or a list of values."""
        named = {name: values if isinstance(values, list) else [values] for name, values in said.items()}
        return cls(tuple(sorted((name, tuple(map(_text, values))) for name, values in named.items())))

    def lets_through(self, row: Row) -> bool:
        """Whether it does. A field with several values fits if one of them does."""
        return all(_fits(row.get(name), texts) for name, texts in self.wanted)


@frozen(kw_only=True)
class Choice:
    """What one subscription to a table shows."""

    filter: Filter = field(factory=Filter)
    sort: str = ""
    """By which field, the largest first; with a dash before it: the smallest. Empty: it does not matter."""
    limit: int | None = None
    """How many rows at most, after sorting."""

    def of(self, rows: Rows) -> Rows:
        """Return the rows that are wanted."""
        found = {key: row for key, row in rows.items() if self.filter.lets_through(row)} if self.filter.wanted else rows
        if self.limit is None or len(found) <= self.limit:
            return found
        name, is_rising = self.sort.removeprefix("-"), self.sort.startswith("-")
        having = [key for key, row in found.items() if name in row]
        without = [key for key, row in found.items() if name not in row]
        having.sort(key=lambda key: _rank(found[key][name]), reverse=not is_rising)
        return {key: found[key] for key in (*having, *without)[: self.limit]}


def _rank(value: object) -> tuple[float, str]:
    """Numbers among each other, and all else as text."""
    return (float(value), "") if isinstance(value, int | float) else (0.0, str(value))


def _fits(value: object, texts: Iterable[str]) -> bool:
    values = value if isinstance(value, list | tuple) else [value]
    return any(_is_like(_text(one), text) for one in values for text in texts)


def _text(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _is_like(value: str, wanted: str) -> bool:
    """Whether a value fits a text in which a star stands for anything. It looks at each character once."""
    value, wanted = value.lower(), wanted.lower()
    first, *parts = wanted.split("*")
    if not parts:
        return value == wanted
    *middle, last = parts
    if len(value) < len(first) + len(last) or not (value.startswith(first) and value.endswith(last)):
        return False
    place, end = len(first), len(value) - len(last)
    for part in middle:
        found = value.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True
