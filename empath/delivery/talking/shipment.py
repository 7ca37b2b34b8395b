"""A shipment: what one transaction is about."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from attrs import field, frozen

from empath.mail.envelope import Envelope
from empath.smtp import DeliverBy

Content = Callable[[], AsyncGenerator[bytes, None]] | bytes
"""The content itself, or how to read it in blocks, none of them empty."""


@frozen(kw_only=True)
class Shipment:
    """One message for some of its recipients, all of them behind the same next hop."""

    envelope: Envelope
    ordinals: tuple[int, ...]
    """Which recipients of the envelope."""
    size_bytes: int | None
    """None: not known, since the content is converted on its way."""
    content: Content = field(repr=False)
    deliver_by: DeliverBy | None = None
    """What is left of the time that the sender gave (RFC 2852); None: any time will do."""
