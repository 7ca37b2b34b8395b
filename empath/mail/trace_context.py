"""To which trace a message belongs, so that what happens to it is found beside what its sender did (W3C Trace Context).

It is fixed when the message is accepted and kept with its envelope, so an attempt days later, by another process, is
part of the same trace.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

from attrs import frozen

from empath.mail.ids import MessageId

_SAMPLED: Final = 0x01
_PARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_RANGE: Final = 1 << 64


@frozen
class TraceContext:
    """A trace, and the span in it that brought the message."""

    trace_id: str
    """32 hexadecimal digits."""
    parent_id: str = ""
    """16 of them: the span of the sender; empty: the trace begins here."""
    is_sampled: bool = True
    """Whether spans are wanted. The trace is named in logs in any case."""

    def __str__(self) -> str:
        """As ``traceparent`` has it, with zeros for a span that there is not."""
        return f"00-{self.trace_id}-{self.parent_id or '0' * 16}-{_SAMPLED if self.is_sampled else 0:02x}"

    @classmethod
    def parse(cls, text: str) -> TraceContext | None:
        """Read a ``traceparent`` (W3C Trace Context 3.2); None: it is none, and is to be ignored.

        Later versions may say more behind what this one says; version ff is none.
        """
        found = _PARENT.fullmatch(text.strip())
        if found is None or found[1] == "ff" or (found[1] == "00" and found[5]):
            return None
        trace_id, parent_id = found[2], found[3]
        if not int(trace_id, 16) or not int(parent_id, 16):
            return None
        return cls(trace_id, parent_id, bool(int(found[4], 16) & _SAMPLED))

    @classmethod
    def decode(cls, text: str) -> TraceContext:
        """Read what ``str`` has written. Raises ValueError."""
        found = _PARENT.fullmatch(text)
        if found is None:
            raise ValueError("no trace context")
        parent_id = found[3] if int(found[3], 16) else ""
        return cls(found[2], parent_id, bool(int(found[4], 16) & _SAMPLED))

    @classmethod
    def begin(cls, mid: MessageId, ratio: float) -> TraceContext:
        """The trace of a message that brought none. Its name comes of the message's, and so does whether it is sampled:
        of many messages this part is.
        """
        digest = blake2b(str(mid).encode(), digest_size=16)
        return cls(digest.hexdigest(), is_sampled=int.from_bytes(digest.digest()[8:], "big") < ratio * _RANGE)


def span_id(mid: MessageId, name: str) -> str:
    """The same name for the same span of a message in every process: 16 hexadecimal digits, not all of them 0."""
    return blake2b(f"{mid} {name}".encode(), digest_size=8).hexdigest()
