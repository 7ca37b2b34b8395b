"""By what a message is known that a client sends again, because our 250 did not reach it (RFC 1047).

It is the same message if sender, recipients and all of its content are the same, and it has a Message-ID, which is what
tells a repetition from two messages that say the same. The recipients count, since a client may send one message to
some recipients after the others.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from attrs import define, field

from empath.mail.envelope import Envelope
from empath.mail.headers import fields
from empath.spool.contract import Fingerprint

_DIGEST_BYTES: Final = 20


@define(eq=False)
class Fingerprinting:
    """Takes the fingerprint of one message while its content comes in."""

    _envelope: Envelope
    _window_s: float
    """How long ago the first of the two may have come."""
    _hash: blake2b = field(init=False)

    def __attrs_post_init__(self) -> None:
        sender = self._envelope.reverse_path
        paths = [b"" if sender is None else sender.wire, *sorted(one.address.wire for one in self._envelope.recipients)]
        self._hash = blake2b(b"\0".join(paths) + b"\0\0", digest_size=_DIGEST_BYTES)

    def feed(self, block: bytes) -> None:
        """Take note of content, as it comes."""
        self._hash.update(block)

    def end(self, header: bytes) -> Fingerprint | None:
        """The fingerprint of the message, whose header section is this; None: it has no Message-ID."""
        if not any(one.name == b"message-id" and one.value.strip() for one in fields(header)):
            return None
        return Fingerprint(digest=self._hash.digest(), since=self._envelope.received - self._window_s)
