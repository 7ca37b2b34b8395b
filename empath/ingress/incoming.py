"""One message as it comes in: an envelope that is complete, and content that is not yet.

Content that stays small is kept in memory and travels to the disk in the transaction that accepts it. Content that
grows over the limit goes on into a file, block by block, so that no session ever holds more than that.
"""

from __future__ import annotations

from attrs import define, field

from empath.mail import headers
from empath.mail.envelope import Envelope
from empath.mail.ids import MessageId
from empath.mail.record import encode_envelope
from empath.spool.contract import Acceptance, BodyDraft, Spool


@define(eq=False)
class Incoming:
    """A message between the start of its content and its acceptance. It ends with ``accept`` or ``discard``."""

    _spool: Spool
    mid: MessageId
    envelope: Envelope
    hostname: str
    inline_limit_bytes: int
    size_bytes: int = field(init=False, default=0)
    """Of the content as it came, without the trace field that stands before it."""
    _hops: int = field(init=False, default=0)
    _head: bytes = field(init=False, default=b"")
    """All of a small message, once its content has ended."""
    _blocks: list[bytes] = field(init=False, factory=list)
    _draft: BodyDraft | None = field(init=False, default=None)

    async def write(self, block: bytes) -> None:
        """Append content. A SpoolError: the message cannot be taken now."""
        self.size_bytes += len(block)
        if self._draft is not None:
            await self._draft.write(block)
            return
        self._blocks.append(block)
        if self.size_bytes > self.inline_limit_bytes:
            head = self._gather()
            self._draft = await self._spool.draft_body(self.mid)
            await self._draft.write(head)

    def end(self) -> int:
        """There is no more content. How many Received fields the message brought along (RFC 5321 6.3)."""
        if self._draft is None:
            self._head = self._gather()
        return self._hops

    async def accept(self) -> None:
        """Keep the message, after ``end``: when this returns we answer for it. A SpoolError: we do not."""
        body = self._head if self._draft is None else await self._draft.commit()
        domains = [recipient.address.domain for recipient in self.envelope.recipients]
        acceptance = Acceptance(
            mid=self.mid,
            received=self.envelope.received,
            envelope=encode_envelope(self.envelope),
            body=body,
            domains=tuple([domain.ascii if domain else self.hostname for domain in domains]),
            next_attempt=self.envelope.received,
        )
        await self._spool.accept(acceptance)

    async def discard(self) -> None:
        """Forget the content."""
        self._blocks.clear()
        if self._draft is not None:
            await self._draft.discard()

    def _gather(self) -> bytes:
        """The content so far, behind our trace field (RFC 5321 4.4)."""
        content = b"".join(self._blocks)
        self._blocks.clear()
        self._hops = headers.hops(headers.split(content)[0])
        return headers.received(self.envelope, self.mid, hostname=self.hostname) + content
