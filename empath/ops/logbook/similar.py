"""Lines that say the same: a few of them are written, the others are counted.

A host that is full says so to each of ten thousand messages. Of those that have lane and reply in common so many are
written in a minute; when the minute is over, it is said how many there were besides.
"""

from __future__ import annotations

from typing import Final

from attrs import define, field

_SPAN_S: Final = 60.0

Kind = tuple[str, ...]


@define
class _Count:
    since: float
    written: int = 0
    left_out: int = 0


@define(eq=False)
class Similar:
    """Counts lines by what they have in common. Times are of the wall clock: when it is set back, a minute is over."""

    most: int
    """How many of a kind are written in a minute."""
    max_kinds: int
    """How many kinds are remembered. The one that began longest ago gives way, and is then written again."""
    _counts: dict[Kind, _Count] = field(init=False, factory=dict)
    left_out: int = field(init=False, default=0)
    """How many were counted that nobody has been told of yet."""

    def lets_through(self, kind: Kind, now: float) -> bool:
        """Whether another one of this kind is written; it is counted either way."""
        count = self._counts.get(kind)
        if count is None or (not count.left_out and _is_over(count, now)):
            count = self._begin(kind, now)
        if count.written < self.most and not count.left_out:
            count.written += 1
            return True
        count.left_out += 1
        self.left_out += 1
        return False

    def over(self, now: float, *, all_of_them: bool = False) -> list[tuple[Kind, int]]:
        """The kinds whose minute is over, and how many of each were left out. They begin anew."""
        ended = [
            (kind, count.left_out)
            for kind, count in self._counts.items()
            if count.left_out and (all_of_them or _is_over(count, now))
        ]
        for kind, left_out in ended:
            del self._counts[kind]
            self.left_out -= left_out
        return ended

    def _begin(self, kind: Kind, now: float) -> _Count:
        self._counts.pop(kind, None)
        if len(self._counts) >= self.max_kinds:
            oldest = next(iter(self._counts))
            self.left_out -= self._counts.pop(oldest).left_out
        count = self._counts[kind] = _Count(now)
        return count


def _is_over(count: _Count, now: float) -> bool:
    return not 0 <= now - count.since < _SPAN_S
