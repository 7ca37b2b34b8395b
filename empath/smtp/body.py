"""Bodies: the DATA codec (RFC 5321 4.5.2), chunk counting (RFC 3030 2), and the line rules that both obey.

A line ends at CRLF and nowhere else, and only CRLF "." CRLF ends a body (RFC 5321 2.3.8, 4.1.1.4). A CR or LF that
stands alone, a NUL, or a line over the limit *poisons* the body: it is read to its true end and then refused. Guessing
at what the sender meant instead is how one message becomes two (SMTP smuggling). A NUL belongs to no text (RFC 2045 2.7
and 2.8), and where the next host drops it, CRLF "." NUL CRLF becomes an end of data.

Everything here works on whole blocks, never on single octets or lines, and needs no more than the last two octets of
what it has seen, so the work is linear and the memory constant however a body is cut into segments.
"""

from __future__ import annotations

from io import IncrementalNewlineDecoder

from empath.smtp.buffer import ReceiveBuffer
from empath.smtp.errors import LocalProtocolError
from empath.smtp.events import BodyFault


class LineRules:
    """Checks content, block by block: CR and LF only as CRLF, no NUL, bounded lines, bounded size."""

    __slots__ = ("_ends", "_held", "_line", "_max_line", "_max_size", "fault", "size_octets")

    def __init__(self, max_line: int, max_size: int | None) -> None:
        """``max_line``: octets of a line with its CRLF; ``max_size``: octets of the body, None for no limit."""
        self._max_line = max_line
        self._max_size = max_size
        self._held = b""
        self._line = 0
        # It tells in one pass which kinds of line ends it has seen, in a quarter of the time that counting CR, LF and
        # CRLF would take; the octets go in as Latin-1, which has a character for each.
        self._ends = IncrementalNewlineDecoder(None, translate=False)
        self.fault = BodyFault.NONE
        self.size_octets = 0

    def check(self, block: bytes) -> None:
        """Take the next ``block`` into account; ``fault`` says what has been found so far."""
        self.size_octets += len(block)
        if self._max_size is not None and self.size_octets > self._max_size:
            self.fault |= BodyFault.TOO_BIG
        if self._held:
            block = self._held + block
            self._held = b""
        if block.endswith(b"\r"):
            self._held = b"\r"  # whether this one is alone, the next block tells
            block = block[:-1]
        self._ends.decode(block.decode("latin-1"), final=True)
        seen = self._ends.newlines
        if seen is not None and seen != "\r\n":
            if "\r" in seen:
                self.fault |= BodyFault.LONE_CR
            if "\n" in seen:
                self.fault |= BodyFault.LONE_LF
        if b"\0" in block:
            self.fault |= BodyFault.NUL
        self._measure(block)

    def finish(self) -> None:
        """There are no further blocks."""
        if self._held:
            self.fault |= BodyFault.LONE_CR

    def _measure(self, block: bytes) -> None:
        """Find a line over the limit by leaps: the last line end within the limit proves all before it short."""
        start, room = 0, self._max_line - self._line
        while len(block) - start >= room:
            end = block.rfind(b"\r\n", start, start + room)
            if end < 0:
                self.fault |= BodyFault.LONG_LINE
                end = block.find(b"\r\n", start)
                if end < 0:
                    self._line = self._max_line  # still inside the long line; what follows adds nothing to the fault
                    return
            start, room = end + 2, self._max_line
        end = block.rfind(b"\r\n", start)
        self._line = len(block) - end - 2 if end >= 0 else self._max_line - room + len(block) - start
        if self._line > self._max_line - 2:
            self.fault |= BodyFault.LONG_LINE


class DataDecoder:
    """Reads the body of one DATA from a buffer: finds its end, removes the dot-stuffing, checks the line rules."""

    __slots__ = ("_at_start", "_rules", "ended")

    def __init__(self, max_line: int, max_size: int | None) -> None:
        """Bounds as in ``LineRules``."""
        self._rules = LineRules(max_line, max_size)
        self._at_start = True
        """Whether the next octet begins a line: the CRLF of the DATA command was the first line end."""
        self.ended = False

    @property
    def fault(self) -> BodyFault:
        """What has been found wrong so far."""
        return self._rules.fault

    @property
    def size_octets(self) -> int:
        """Octets decoded so far."""
        return self._rules.size_octets

    def read(self, buffer: ReceiveBuffer) -> bytes:
        """All that can be decoded now; empty when more octets are needed, or when the body has ``ended``."""
        data = buffer.data
        if self._at_start and data.startswith(b".\r\n"):
            buffer.take(3)
            self.ended = True
            return b""
        # A single octet is found at the speed of memory: much content, Base64 for one, has no dot at all.
        dotted = data.find(b"\r\n.") if b"." in data else -1
        end = data.find(b"\r\n.\r\n", dotted) if dotted >= 0 else -1
        if end >= 0:
            block = buffer.take(end + 2)
            buffer.take(3)
            self.ended = True
        else:
            block = buffer.take(len(data) - self._undecided(data))
        if self._at_start and block.startswith(b"."):
            block = block[1:]
        if block:
            self._at_start = block.endswith(b"\r\n")
            if 0 <= dotted != end:
                block = b"\r\n".join(block.split(b"\r\n."))  # one search, where replace() needs two
            self._rules.check(block)  # no finish(): the end stands behind a CRLF, so no CR is in suspense
        return block

    def _undecided(self, data: bytearray) -> int:
        """How many octets at the end of ``data`` mean one thing or another depending on what follows."""
        if data.endswith(b"\r\n."):
            return 1
        if data.endswith(b"\r\n.\r"):
            return 2
        if self._at_start and b".\r\n".startswith(data):
            return len(data)
        return 1 if data.endswith(b"\r") else 0


class ChunkReader:
    """Counts the octets of BDAT chunks and checks the line rules across all chunks of one message."""

    __slots__ = ("_left", "_rules", "discarding")

    def __init__(self, max_line: int, max_size: int | None) -> None:
        """Bounds as in ``LineRules``."""
        self._rules = LineRules(max_line, max_size)
        self._left = 0
        self.discarding = False
        """Whether the chunk at hand was refused before it came: it is still read, to the octet (RFC 3030 2)."""

    @property
    def ended(self) -> bool:
        """Whether all octets of the chunk at hand have come."""
        return not self._left

    def begin(self, size_octets: int, *, discarding: bool = False) -> None:
        """A chunk of ``size_octets`` follows."""
        self._left = size_octets
        self.discarding = discarding

    def finish(self, *, last: bool) -> BodyFault:
        """The chunk at hand has ended; what is wrong with the message so far."""
        if last:
            self._rules.finish()
        return self._rules.fault

    def read(self, buffer: ReceiveBuffer) -> bytes:
        """All octets of the chunk that have come; empty when none have, or when the chunk has ended or is discarded."""
        block = buffer.take(self._left)
        self._left -= len(block)
        if self.discarding:
            return b""
        self._rules.check(block)
        return block if not self._rules.fault else b""


class DataEncoder:
    """Writes a body for DATA: dot-stuffing, and the end. The content may be cut anywhere, between CR and LF too."""

    __slots__ = ("_at_start", "_held")

    def __init__(self) -> None:
        """Nothing has been written yet."""
        self._at_start = True
        self._held = b""

    def encode(self, content: bytes) -> bytes:
        """``content`` as it goes over the wire. Without a dot at the start of a line it is returned as it is."""
        if self._held:
            content = self._held + content
            self._held = b""
        if content.endswith(b"\r"):
            self._held = b"\r"
            content = content[:-1]
        if not content:
            return content
        stuffed = b"\r\n..".join(content.split(b"\r\n.")) if b"." in content else content
        if self._at_start and content.startswith(b"."):
            stuffed = b"." + stuffed
        self._at_start = content.endswith(b"\r\n")
        return stuffed

    def finish(self) -> bytes:
        """The end of the body; a last line without CRLF gets one, since the dot must stand on a line of its own.

        A CR that nothing follows is a LocalProtocolError: it must not be sent, and dropping it changes the content.
        """
        if self._held:
            raise LocalProtocolError("the body ends in a lone CR")
        return b".\r\n" if self._at_start else b"\r\n.\r\n"
