"""A message on its way in."""

from __future__ import annotations

from attrs import field, frozen

from empath.mail.envelope import Envelope
from empath.mail.ids import MessageId


@frozen(kw_only=True)
class BodyFile:
    """A body that lies in a file of its own, which was durable before the message was accepted."""

    name: str
    size_bytes: int
    checksum: int | None = None
    """CRC-32 of the content; None: not known."""


Body = bytes | BodyFile


@frozen
class Fingerprint:
    """By what a message is known that a client offers again, since it has not heard our 250."""

    digest: bytes
    """The same for the same message from the same sender to the same recipients, and for no other."""
    since: float
    """A message with it that came at this moment or later, wall clock, is the same one."""


@frozen(kw_only=True)
class Acceptance:
    """A message to be kept, with one delivery for each recipient."""

    mid: MessageId
    received: float
    """Wall clock, seconds."""
    envelope: bytes
    body: Body = field(repr=False)
    domains: tuple[str, ...]
    """The domain of each recipient as A-labels, in the order of the envelope: the ordinals of the deliveries."""
    next_attempt: float
    """Before this moment nothing is attempted; wall clock, seconds."""
    sender: str = ""
    """The reverse-path as text, by which people find it; empty: the null reverse-path."""
    recipients: tuple[str, ...] = ()
    """The forward-paths as text, in the order of ``domains``; without any, each is the empty text."""
    priority: int = 0
    """From -9 to 9, the higher the more urgent: MT-PRIORITY (RFC 6710 3). 0: an ordinary message."""
    fingerprint: Fingerprint | None = None
    """None: it is accepted, whatever came before."""
    read: Envelope | None = field(default=None, eq=False, repr=False)
    """What ``envelope`` says, for who has it at hand; handed on in the `Claim` of a message that a `Taker` takes."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """A text for each delivery."""
        return self.recipients or ("",) * len(self.domains)
