"""The header section of a message on its way in: judged as a whole before anything else of the message is passed on.

Content comes in blocks and is not kept whole. `SectionGate` holds it back until the section has come to its end, for
which there is a bound; then it says what is in the section, takes out the one field that must not be there, and lets
all that follows through untouched. So a large message and a small one meet the same rules.

- A Return-Path field says where a message came from when it was put away for the last time; one that comes in with a
  message is out of date, or forged, and goes (RFC 5321 4.4).
- What is too large, or has too many fields, is refused: nobody needs it, and all later hosts have to work through it.

Everything takes time linear in the section, and memory for the section and one block. Nothing is parsed but the names
of fields: no comments are nested, no addresses counted. Else every octet passes as it came.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from attrs import define, field, frozen

from empath.mail.headers import fields, hops, section_end, without

_END: Final = b"\r\n\r\n"
_CRLF: Final = b"\r\n"
_RETURN_PATH: Final = b"return-path"
_TLS_REQUIRED: Final = b"tls-required"


class SectionFault(Enum):
    """Why a section is not taken."""

    TOO_LARGE = "too_large"
    TOO_MANY_FIELDS = "too_many_fields"


@frozen
class Section:
    """A section that broke no bound."""

    octets: bytes = field(repr=False)
    """As it is passed on: with the CRLF of its last field, without Return-Path."""

    @property
    def hops(self) -> int:
        """How many Received fields there are."""
        return hops(self.octets)

    def count(self, name: bytes) -> int:
        """How often a field is there. ``name`` is in lower case."""
        return sum(one.name == name for one in fields(self.octets))

    @property
    def says_tls_is_optional(self) -> bool:
        """Whether a field says ``TLS-Required: No`` (RFC 8689 3). Of several none counts, nor does any other value."""
        if _TLS_REQUIRED not in self.octets.lower():  # the cheapest way: hardly any message has it
            return False
        said = [one.unfolded.lower() for one in fields(self.octets) if one.name == _TLS_REQUIRED]
        return said == [b"no"]


@define(eq=False)
class SectionGate:
    """Content goes in block by block, and comes out. ``section`` or ``fault`` is set when the section has ended."""

    _max_bytes: int = 128 << 10
    _max_fields: int = 1000
    section: Section | None = field(init=False, default=None)
    fault: SectionFault | None = field(init=False, default=None)
    """Once there is one, nothing comes out any more."""
    _held: bytearray = field(init=False, factory=bytearray)

    def feed(self, block: bytes) -> bytes:
        """Take content; what may be passed on now, which is nothing while the section has not ended."""
        if self.section is not None:
            return block
        if self.fault is not None:
            return b""
        content: bytes | bytearray = block
        searched = 0
        if self._held:
            searched = len(self._held)
            self._held += block
            content = self._held
        if not self._has_ended(content, searched):
            if content is block:
                self._held += block
            return b""
        return self._open(bytes(content), whole=False)

    def _has_ended(self, content: bytes | bytearray, searched: int) -> bool:
        """Whether it is time to look at the section; ``searched``: how much of it was looked through before."""
        if len(content) > self._max_bytes or content.find(_END, max(searched - 3, 0)) >= 0:
            return True
        # No empty line. If a message has none and begins with what is no field, its first block tells.
        return not searched and content.find(_CRLF, section_end(bytes(content))) >= 0

    def end(self) -> bytes:
        """There is no more content; what was still held back."""
        if self.section is not None or self.fault is not None:
            return b""
        return self._open(bytes(self._held), whole=True)

    def _open(self, content: bytes, *, whole: bool) -> bytes:
        if self._held:
            self._held = bytearray()
        end = section_end(content)
        octets = content[:end]
        # The section may go on behind what we have, unless an empty line or one that is no field follows.
        goes_on = not whole and content.find(_CRLF, end) < 0
        if goes_on or end > self._max_bytes:
            self.fault = SectionFault.TOO_LARGE
        elif _has_more_fields(octets, self._max_fields):
            self.fault = SectionFault.TOO_MANY_FIELDS
        if self.fault is not None:
            return b""
        # Looked for in the cheapest way first: hardly any message has it.
        if _RETURN_PATH in octets.lower():
            octets = without(octets, _RETURN_PATH)
            content = octets + content[end:]
        self.section = Section(octets)
        return content


def _has_more_fields(section: bytes, most: int) -> bool:
    lines = section.count(_CRLF)
    return lines > most and lines - section.count(b"\r\n ") - section.count(b"\r\n\t") > most
