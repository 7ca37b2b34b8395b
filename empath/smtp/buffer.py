"""The receive buffer: bounded, linear in the octets received, and blind to how they were cut into segments.

Octets are only ever removed from the front, and a search for a line end never looks at an octet twice: a peer that
sends one octet at a time costs no more work than one that sends them all at once.
"""

from __future__ import annotations

from typing import Final

HEAD_OCTETS: Final = 8
"""What is kept of the beginning of a line over its limit."""


class ReceiveBuffer:
    """Octets that have come and have not been understood yet.

    ``data`` may be searched by those who know what they read, and is changed only by ``feed``, ``take`` and ``line``.
    """

    __slots__ = ("_scanned", "data", "truncated")

    def __init__(self) -> None:
        """An empty buffer."""
        self.data = bytearray()
        self.truncated = False
        """Set by ``line`` when a line is over its limit; the reader sets it back once it has dealt with that line."""
        self._scanned = 0

    def __len__(self) -> int:
        """The number of octets that wait."""
        return len(self.data)

    def feed(self, octets: bytes) -> None:
        """Append what the peer sent."""
        self.data += octets

    def take(self, count: int) -> bytes:
        """Remove and return the first ``count`` octets, or all if there are fewer."""
        self._scanned = 0
        with memoryview(self.data) as view:
            octets = bytes(view[:count])
        del self.data[:count]
        return octets

    def clear(self) -> None:
        """Forget all that waits."""
        self.data.clear()
        self._scanned = 0
        self.truncated = False

    def line(self, limit: int) -> bytes | None:
        """Remove and return the octets up to and with the next LF; None when there is no LF yet.

        A line of more than ``limit`` octets sets ``truncated`` as soon as that is known, and its octets are dropped as
        they come, so that no more than ``limit`` of them and one segment are ever held. When its LF comes, its first
        eight octets and its last two are returned: enough to tell its verb, and CRLF from a bare LF.
        """
        data = self.data
        end = data.find(b"\n", self._scanned) + 1
        if not end:
            if self.truncated or len(data) > limit:
                self.truncated = True
                del data[HEAD_OCTETS:-1]
            self._scanned = len(data)
            return None
        if end > limit:
            self.truncated = True
        line = bytes(data[:HEAD_OCTETS] + data[max(HEAD_OCTETS, end - 2) : end] if self.truncated else data[:end])
        del data[:end]
        self._scanned = 0
        return line
