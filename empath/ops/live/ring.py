"""The latest records of an event topic, as many as there is room for, and a place in them for each viewer."""

from __future__ import annotations

from collections import deque

from attrs import define, field


@define(eq=False, kw_only=True)
class Ring:
    """Every record has a position, also one that is not kept. The oldest ones are dropped when there is no room."""

    max_records: int
    max_bytes: int
    end: int = field(init=False, default=0)
    """The position of the next record."""
    _kept: deque[tuple[int, str]] = field(init=False, factory=deque)
    _size: int = field(init=False, default=0)

    def add(self, text: str) -> None:
        """Keep a record."""
        self._kept.append((self.end, text))
        self._size += len(text)
        self.end += 1
        while len(self._kept) > self.max_records or self._size > self.max_bytes:
            self._size -= len(self._kept.popleft()[1])

    def skip(self, count: int = 1) -> None:
        """There were so many more, and they are not kept."""
        self.end += count

    def since(self, position: int) -> tuple[int, list[str]]:
        """Return how many records of those from a position on are not here, and those that are, the oldest first."""
        texts: list[str] = []
        for place, text in reversed(self._kept):
            if place < position:
                break
            texts.append(text)
        texts.reverse()
        return self.end - position - len(texts), texts
