"""The parts of a message, found line by line without reading the message into objects (RFC 2045, 2046).

Content goes in block by block and comes out as lines, whole header sections apart, each with the part that it belongs
to: put together again they are the content, octet by octet. Only what decides where a part begins and ends is looked
at. The content of ``message/...`` is taken for lines of that part; nobody here opens somebody else's message.

What is kept is one header section, one line, and the boundaries that are open, all of them bounded. A message that is
beyond a bound is not looked at any further, and ``fault`` says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import Final

from attrs import define, evolve, field, frozen

from empath.mail.headers import fields

_CRLF: Final = b"\r\n"
_MAX_SECTION_BYTES: Final = 128 << 10
_MAX_LINE_BYTES: Final = 128 << 10
_MAX_DEPTH: Final = 50
_MAX_PARTS: Final = 10_000

# RFC 5322 3.6.8, and RFC 2045 5.1 with a boundary as RFC 2046 5.1.1 has it: up to 70 characters.
_FIELD: Final = re.compile(rb"[!-9;-~]+[ \t]*:")
_TYPE: Final = re.compile(rb"([!#-'*+.0-9A-Z^_`a-z{|}~-]+)[ \t]*/[ \t]*([!#-'*+.0-9A-Z^_`a-z{|}~-]+)")
_BOUNDARY: Final = re.compile(rb';[ \t]*boundary[ \t]*=[ \t]*(?:"([^"\\]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)
_OPAQUE: Final = frozenset({"multipart/signed", "multipart/encrypted"})
_IDENTITY: Final = frozenset({"7bit", "8bit", "binary"})


class Place(Enum):
    """Where in a message a line stands."""

    HEADER = auto()
    """Not one line: a whole header section, with the empty line that ends it if there is one."""
    CONTENT = auto()
    """Inside a part that has no parts of its own."""
    BETWEEN = auto()
    """A boundary, or what stands before the first or behind the last part."""


@frozen(kw_only=True)
class Part:
    """A part, or the message itself, as its header section describes it."""

    number: int
    """Its place among all header sections of the message, from 0 for the message itself."""
    content_type: str = "text/plain"
    """In lower case; the default is that of RFC 2045 5.2."""
    encoding: str = "7bit"
    """In lower case; the default is that of RFC 2045 6.1."""
    opaque: str = ""
    """The type of what it is, or lies in, that stands for its octets as they are; empty: of nothing such."""

    @property
    def is_text(self) -> bool:
        """Whether line ends are line ends in it."""
        return self.content_type.startswith("text/")

    @property
    def is_multipart(self) -> bool:
        """Whether it consists of parts."""
        return self.content_type.startswith("multipart/")

    @property
    def encoded(self) -> bool:
        """Whether its octets stand for others."""
        return self.encoding not in _IDENTITY


@frozen
class Line:
    """A line with its end, or a whole header section."""

    place: Place
    octets: bytes
    part: Part


@define(eq=False)
class MimeLines:
    """See the module."""

    fault: str = field(init=False, default="")
    """Why it has stopped looking; empty: it has not."""
    _carry: bytes = field(init=False, default=b"")
    _section: bytearray = field(init=False, factory=bytearray)
    _in_header: bool = field(init=False, default=True)
    _open: list[tuple[bytes, Part]] = field(init=False, factory=list)
    """The boundaries that may come, the innermost last, each with the part that they divide."""
    _part: Part = field(init=False, factory=lambda: Part(number=0))
    _parts: int = field(init=False, default=0)

    def feed(self, block: bytes) -> Iterator[Line]:
        """The lines that are complete with this block."""
        *lines, self._carry = (self._carry + block).split(_CRLF)
        if len(self._carry) > _MAX_LINE_BYTES:
            self.fault, self._carry = self.fault or "a line is too long", b""
        for line in lines:
            if not self.fault:
                yield from self._next(line + _CRLF)

    def end(self) -> Iterator[Line]:
        """What is left when there is no more content."""
        if self._carry and not self.fault:
            yield from self._next(self._carry)
        if self._in_header and self._section and not self.fault:
            yield self._close_section(b"")

    def _next(self, line: bytes) -> Iterator[Line]:
        if self._open and line.startswith(b"--") and (found := self._boundary(line)) is not None:
            if self._in_header and self._section:
                yield self._close_section(b"")
            yield self._cross(*found, line)
        elif not self._in_header:
            place = Place.BETWEEN if self._part.is_multipart else Place.CONTENT
            yield Line(place, line, self._part)
        elif line == _CRLF:
            yield self._close_section(line)
        elif _FIELD.match(line) or (self._section and line[:1] in (b" ", b"\t")):
            self._section += line
            if len(self._section) > _MAX_SECTION_BYTES:
                self.fault = "a header section is too large"
        else:  # the section ends before the first line that is no field
            yield self._close_section(b"")
            yield from self._next(line)

    def _boundary(self, line: bytes) -> tuple[int, bool] | None:
        """Which of the open boundaries this is, and whether it is the last of its kind (RFC 2046 5.1.1)."""
        text = line[2:].rstrip(b" \t\r\n")
        for depth in range(len(self._open) - 1, -1, -1):
            boundary = self._open[depth][0]
            if text == boundary:
                return depth, False
            if text == boundary + b"--":
                return depth, True
        return None

    def _cross(self, depth: int, is_last: bool, line: bytes) -> Line:
        container = self._open[depth][1]
        del self._open[depth + (not is_last) :]
        self._part, self._in_header = container, not is_last
        return Line(Place.BETWEEN, line, container)

    def _close_section(self, end: bytes) -> Line:
        """The header section is complete: a part begins."""
        section = bytes(self._section)
        self._section.clear()
        self._in_header = False
        outside = self._open[-1][1].opaque if self._open else ""
        self._part = _described(section, number=self._parts, outside=outside)
        self._parts += 1
        if self._part.is_multipart:
            self._enter(section)
        return Line(Place.HEADER, section + end, self._part)

    def _enter(self, section: bytes) -> None:
        boundary = _boundary_of(section)
        if boundary is None:
            self._part = evolve(self._part, opaque=self._part.opaque or "a multipart that has no boundary")
        elif len(self._open) >= _MAX_DEPTH or self._parts > _MAX_PARTS:
            self.fault = "it has too many parts"
        else:
            self._open.append((boundary, self._part))


def _described(section: bytes, *, number: int, outside: str) -> Part:
    """What a section says of its part. Of several fields of one name the first counts."""
    kind, encoding = "text/plain", "7bit"
    for one in reversed(list(fields(section))):
        if one.name == b"content-type":
            match = _TYPE.match(one.unfolded)
            # RFC 2045 5.2 has one that cannot be read taken for plain text; that is no ground to change it.
            kind = b"/".join(match.groups()).decode("ascii").lower() if match else "application/octet-stream"
        elif one.name == b"content-transfer-encoding":
            encoding = one.unfolded.decode("ascii", "replace").lower()
    opaque = kind if kind in _OPAQUE or kind.startswith("message/") else ""
    return Part(number=number, content_type=kind, encoding=encoding, opaque=outside or opaque)


def _boundary_of(section: bytes) -> bytes | None:
    for one in fields(section):
        if one.name == b"content-type":
            match = _BOUNDARY.search(one.unfolded)
            return (match[1] or match[2]).rstrip(b" ") if match else None
    return None
