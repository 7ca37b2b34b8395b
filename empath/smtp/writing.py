"""From content to octets: how the client writes the body of one message, by DATA or by chunks."""

from __future__ import annotations

from attrs import define, field

from empath.smtp.body import DataEncoder, LineRules
from empath.smtp.errors import LocalProtocolError
from empath.smtp.events import BodyFault


@define
class BodyWriter:
    """Writes one body. Content that breaks the line rules is never written; what was announced then stays incomplete.

    ``rules`` is None for content that was checked before.
    """

    rules: LineRules | None
    chunk_left: int = 0
    """Octets of the announced chunk that are still to be written."""
    _last: bool = False
    _encoder: DataEncoder = field(factory=DataEncoder, init=False)

    def begin_chunk(self, size_octets: int, *, last: bool) -> None:
        """BDAT announces ``size_octets``. With none of them in the last chunk, the body ends here."""
        if not size_octets:
            self._check(b"", last=last)
        self.chunk_left, self._last = size_octets, last

    def write_chunk(self, content: bytes) -> bytes:
        """Octets of the chunk at hand, which go as they are."""
        if len(content) > self.chunk_left:
            raise LocalProtocolError(f"{len(content)} octets are more than the {self.chunk_left} left of the chunk")
        self._check(content, last=self._last and len(content) == self.chunk_left)
        self.chunk_left -= len(content)
        return content

    def write_data(self, content: bytes) -> bytes:
        """Content of the body after DATA, dot-stuffed."""
        self._check(content, last=False)
        return self._encoder.encode(content)

    def finish_data(self) -> bytes:
        """The final dot."""
        self._check(b"", last=True)
        return self._encoder.finish()

    def _check(self, content: bytes, *, last: bool) -> None:
        if self.rules is None:
            return
        self.rules.check(content)
        if last:
            self.rules.finish()
        if self.rules.fault is not BodyFault.NONE:
            raise LocalProtocolError(f"the body cannot be sent: {self.rules.fault}; drop the connection")
