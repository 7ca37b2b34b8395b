"""A message as it stands in its row, and whether it still is what was accepted.

The check is a CRC-32: it finds every torn page and flipped bit that disks are known for, and costs a microsecond for a
usual message. It is no protection from people, who could write a new one beside what they have changed.
"""

from __future__ import annotations

import zlib

from attrs import field, frozen

from empath.mail.ids import MessageId
from empath.spool.contract import Acceptance, Body, BodyFile, Claim, ClaimedDelivery, Damage


def checksum(octets: bytes, before: int = 0) -> int:
    """CRC-32 of octets that follow others whose checksum is ``before``."""
    return zlib.crc32(octets, before)


@frozen
class StoredMessage:
    """The columns of a row."""

    mid: str
    received: float
    envelope: bytes = field(repr=False)
    size_bytes: int
    body_file: str | None
    content: bytes | None = field(repr=False)
    """Of the body, if it has no file."""
    envelope_crc: int | None
    """None: written by a version that made no checksums."""
    body_crc: int | None

    @classmethod
    def of(cls, acceptance: Acceptance) -> StoredMessage:
        """The row for a new message."""
        mid, received, envelope, body = str(acceptance.mid), acceptance.received, acceptance.envelope, acceptance.body
        check = checksum(envelope)
        if isinstance(body, BodyFile):
            return cls(mid, received, envelope, body.size_bytes, body.name, None, check, body.checksum)
        return cls(mid, received, envelope, len(body), None, body, check, checksum(body))

    @property
    def columns(self) -> tuple[str | float | bytes | None, ...]:
        """What a statement takes, in the order of the table."""
        return (
            self.mid,
            self.received,
            self.envelope,
            self.size_bytes,
            self.body_file,
            self.content,
            self.envelope_crc,
            self.body_crc,
        )

    @property
    def body(self) -> Body:
        """The body, or where it is. Only of a message that is sound."""
        if self.body_file is not None:
            return BodyFile(name=self.body_file, size_bytes=self.size_bytes, checksum=self.body_crc)
        return self.content or b""

    def damage(self) -> Damage | None:
        """What is wrong with the row. A body file is not looked at: it is when it is read."""
        reason = self._reason()
        return None if reason is None else Damage(mid=self.mid, reason=reason)

    def _reason(self) -> str | None:
        try:
            MessageId.parse(self.mid)
        except ValueError as problem:
            return f"its name is damaged: {problem}"
        if self.envelope_crc not in (None, checksum(self.envelope)):
            return "its envelope is not what was accepted (checksum)"
        if self.body_file is not None:
            return None
        if self.content is None or len(self.content) != self.size_bytes:
            return f"its body has {len(self.content or b'')} octets; {self.size_bytes} were accepted"
        if self.body_crc not in (None, checksum(self.content)):
            return "its body is not what was accepted (checksum)"
        return None

    def claim(self, deliveries: tuple[ClaimedDelivery, ...]) -> Claim:
        """Claim deliveries of a message that is sound."""
        return Claim(
            mid=MessageId.parse(self.mid),
            received=self.received,
            envelope=self.envelope,
            body=self.body,
            deliveries=deliveries,
        )
