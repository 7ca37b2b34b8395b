"""Content for a host that takes ASCII only: what a message holds beyond it, and the message with that encoded.

A host without 8BITMIME (RFC 6152 3) gets a message in which every part beyond ASCII is encoded anew: text as quoted-
printable, anything else as base64 (RFC 2045 6.7, 6.8). That changes a message in transit, so it is done only where
no reader can tell the difference, and never

- in a header section, whose octets beyond ASCII nobody can encode without knowing what they mean (RFC 6531);
- inside ``multipart/signed`` and ``multipart/encrypted``, which stand for their octets (RFC 1847 2.1);
- inside ``message/...``, whose content is somebody else's message, and may not be encoded (RFC 2046 5.2.1);
- in a part that is encoded already, and still has such octets: it is broken, and nobody knows how.

A DKIM signature does not survive it (RFC 6376 5.3 asks signers to send ASCII for that reason), which is less bad than
no delivery.

Content is read twice, block by block: `Survey` finds out what there is and whether it can be encoded, before anything
is sent; `Encoder` then writes the message anew. Neither holds more than one header section and one line.
"""

from __future__ import annotations

import binascii
from typing import Final

from attrs import define, field, frozen

from empath.mail.headers import fields, without
from empath.mail.mime import Line, MimeLines, Place

_ENCODING: Final = b"content-transfer-encoding"
_QUOTED: Final = b"Content-Transfer-Encoding: quoted-printable\r\n"
_BASE64: Final = b"Content-Transfer-Encoding: base64\r\n"
_SEVEN_BIT: Final = b"Content-Transfer-Encoding: 7bit\r\n"
_VERSION: Final = b"MIME-Version: 1.0\r\n"
_UNKNOWN: Final = b"Content-Type: text/plain; charset=unknown-8bit\r\n"
"""RFC 1428 3: what to call octets of which nobody has said anything."""
_LINE_OCTETS: Final = 57
"""What fits into a line of base64 (RFC 2045 6.8)."""


@frozen(kw_only=True)
class Findings:
    """What a message holds beyond ASCII."""

    in_headers: bool
    """In a header section, be it that of a part."""
    parts: frozenset[int]
    """The parts that hold such octets and can be encoded, by their place among all header sections of the message."""
    obstacle: str
    """Why the message cannot be made ASCII; empty: it can."""


@define(eq=False)
class Survey:
    """Reads content, block by block."""

    _lines: MimeLines = field(init=False, factory=MimeLines)
    _in_headers: bool = field(init=False, default=False)
    _parts: set[int] = field(init=False, factory=set)
    _obstacle: str = field(init=False, default="")

    def feed(self, block: bytes) -> None:
        """Take the next block."""
        for line in self._lines.feed(block):
            self._look(line)

    def end(self) -> Findings:
        """There is no more content."""
        for line in self._lines.end():
            self._look(line)
        return Findings(
            in_headers=self._in_headers, parts=frozenset(self._parts), obstacle=self._obstacle or self._lines.fault
        )

    def _look(self, line: Line) -> None:
        if line.octets.isascii():
            return
        if line.place is Place.HEADER:
            self._in_headers = True
            self._obstacle = self._obstacle or "a header field is not ASCII"
        elif line.part.opaque:
            self._obstacle = self._obstacle or f"what is not ASCII stands inside {line.part.opaque}"
        elif line.place is not Place.CONTENT:
            self._obstacle = self._obstacle or "what is not ASCII stands between the parts"
        elif line.part.encoded:
            self._obstacle = self._obstacle or f"a part is {line.part.encoding} and not ASCII"
        else:
            self._parts.add(line.part.number)


@define(eq=False)
class Encoder:
    """Writes content anew, block by block. ``findings`` are of the same content, and have no obstacle."""

    _findings: Findings
    _lines: MimeLines = field(init=False, factory=MimeLines)
    _held: bytearray = field(init=False, factory=bytearray)
    """What waits for its line of base64 to be full."""
    _line_end: bytes = field(init=False, default=b"")
    """The last line end of a part that becomes base64: it belongs to the boundary behind it, if there is one."""

    def feed(self, block: bytes) -> bytes:
        """What is to be sent now in place of this block."""
        return b"".join([self._write(line) for line in self._lines.feed(block)])

    def end(self) -> bytes:
        """There is no more content; what is still to be sent."""
        written = b"".join([self._write(line) for line in self._lines.end()])
        self._held += self._line_end
        return written + self._flush()

    def _write(self, line: Line) -> bytes:
        part = line.part
        if line.place is Place.HEADER:
            return self._flush() + _header(line, encoded=part.number in self._findings.parts)
        if line.place is not Place.CONTENT or part.number not in self._findings.parts:
            return self._flush() + line.octets
        if part.is_text:
            return binascii.b2a_qp(line.octets, istext=True)
        octets, line_end = (line.octets[:-2], b"\r\n") if line.octets.endswith(b"\r\n") else (line.octets, b"")
        self._held += self._line_end + octets
        self._line_end = line_end
        full = len(self._held) - len(self._held) % _LINE_OCTETS
        written = _base64(self._held[:full])
        del self._held[:full]
        return written

    def _flush(self) -> bytes:
        """The end of a part that became base64."""
        if not (self._held or self._line_end):
            return b""
        written = _base64(self._held)
        self._held.clear()
        self._line_end = b""
        return written


def _header(line: Line, *, encoded: bool) -> bytes:
    """A header section that says what has become of its part."""
    part = line.part
    if not encoded and not (part.is_multipart and part.encoding in ("8bit", "binary") and not part.opaque):
        return line.octets
    end = b"\r\n" if line.octets.endswith(b"\r\n\r\n") or line.octets == b"\r\n" else b""
    section = line.octets[: len(line.octets) - len(end)]
    there = {one.name for one in fields(section)}
    written = [without(section, _ENCODING)]
    if not part.number and b"mime-version" not in there:
        written.append(_VERSION)
    if b"content-type" not in there:
        written.append(_UNKNOWN)
    written.append(_SEVEN_BIT if not encoded else _QUOTED if part.is_text else _BASE64)
    return b"".join([*written, end or b"\r\n"])


def _base64(octets: bytes | bytearray) -> bytes:
    """Octets as whole lines."""
    pieces = (octets[start : start + _LINE_OCTETS] for start in range(0, len(octets), _LINE_OCTETS))
    return b"".join([binascii.b2a_base64(piece, newline=False) + b"\r\n" for piece in pieces])
