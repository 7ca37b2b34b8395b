"""Work measured in octets looked at, not in seconds: the same number on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, SupportsIndex

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class CountingBytes(bytearray):
    """Counts the octets that searches have looked at."""

    looked_at = 0

    def find(
        self,
        sub: ReadableBuffer | SupportsIndex,
        start: SupportsIndex | None = None,
        end: SupportsIndex | None = None,
        /,
    ) -> int:
        """As ``bytearray.find``."""
        found = super().find(sub, start, end)
        self.looked_at += (len(self) if found < 0 else found + 1) - (start or 0).__index__()
        return found
