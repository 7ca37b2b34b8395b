"""What a submission server adds to a message that was handed in incomplete (RFC 6409 8).

Programs that write mail often leave the date and the identification to whoever sends it. A message without them is
refused or thought to be spam elsewhere, so a submission server may add both (RFC 6409 8.2 and 8.3), and nobody else
may: what is relayed stays as it is. Nothing that the message brought along is touched, not even a field that is wrong.
"""

from __future__ import annotations

from empath.mail import headers
from empath.mail.envelope import Envelope
from empath.mail.ids import MessageId


def missing_fields(section: bytes, envelope: Envelope, message: MessageId, *, hostname: str) -> bytes:
    """The Date and Message-ID fields that a header section lacks, to be put before it."""
    present = {field.name for field in headers.fields(section)}
    added = b""
    if b"date" not in present:
        added += f"Date: {headers.date(envelope.received)}\r\n".encode()
    if b"message-id" not in present:
        added += f"Message-ID: <{message}@{hostname}>\r\n".encode()
    return added
