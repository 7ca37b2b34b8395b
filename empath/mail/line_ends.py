"""The line ends of a message from a file or a pipe, made those of mail, block by block.

SMTP knows CRLF and nothing else (RFC 5321 2.3.8): an LF alone becomes one. A CR alone, or a NUL, is no line end that
anybody agrees about, and cannot be carried.
"""

from __future__ import annotations

from attrs import define, field


@define(eq=False)
class LineEnds:
    """Content goes in block by block, and comes out with CRLF."""

    is_ascii: bool = field(init=False, default=True)
    """Whether nothing but ASCII has come so far."""
    longest: int = field(init=False, default=0)
    """The octets of the longest line so far, without its end."""
    _held: bytes = field(init=False, default=b"")
    """A CR whose LF may come with the next block."""
    _line: int = field(init=False, default=0)
    """The octets of the line that has not ended yet."""

    def feed(self, block: bytes) -> bytes:
        """Return the block with CRLF. A ValueError: it cannot be carried."""
        block = self._held + block
        self._held = b"\r" if block.endswith(b"\r") else b""
        block = block.removesuffix(b"\r")
        if b"\0" in block:
            raise ValueError("it holds a NUL octet")
        self.is_ascii = self.is_ascii and block.isascii()
        lines = block.replace(b"\r\n", b"\n").split(b"\n")
        if any(b"\r" in line for line in lines):
            raise ValueError("it holds a CR without LF")
        self._measure(lines)
        return b"\r\n".join(lines)

    def end(self) -> bytes:
        """There is no more; what was held back. The last line gets an end if it has none."""
        if self._held:
            raise ValueError("it ends with a CR without LF")
        return b"\r\n" if self._line else b""

    def _measure(self, lines: list[bytes]) -> None:
        first, *others = map(len, lines)
        self._line += first
        self.longest = max(self.longest, self._line, *others)
        if others:
            self._line = others[-1]
