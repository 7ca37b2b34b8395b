"""One message as it comes in: an envelope that is complete, and content that is not yet.

Content that stays small is kept in memory and travels to the disk in the transaction that accepts it. Content that
grows over the limit goes on into a file, block by block, so that no session ever holds more than that, or more than the
largest header section: nothing goes on before the header section is known.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from attrs import define, field

from empath.ingress.fingerprint import Fingerprinting
from empath.mail import headers
from empath.mail.completion import missing_fields
from empath.mail.envelope import Envelope
from empath.mail.header_section import SectionGate
from empath.mail.ids import MessageId
from empath.mail.priority import Priority
from empath.mail.record import encode_envelope
from empath.spool.contract import Acceptance, Body, BodyDraft, BodyFile, Spool

_DEGREES: Final = {None: 0, Priority.CRITICAL: 2, Priority.HIGH: 1, Priority.NORMAL: 0, Priority.LOW: -1}
"""The number that stands for each class in the spool."""
_FOLD: Final = (b" ", b"\t")
"""How a line begins that goes on with the field above it (RFC 5322 2.2.3)."""


@define(eq=False)
class Incoming:
    """A message between the start of its content and its acceptance. It ends with ``accept`` or ``discard``."""

    _spool: Spool
    mid: MessageId
    envelope: Envelope
    hostname: str
    inline_limit_bytes: int
    gate: SectionGate = field(factory=SectionGate, kw_only=True)
    """Holds the header section back until it is whole."""
    completes: bool = field(default=False, kw_only=True)
    """Whether a missing Date or Message-ID is added (RFC 6409 8)."""
    fingerprinting: Fingerprinting | None = field(default=None, kw_only=True)
    """Finds out whether it came before; None: nobody wants to know."""
    size_bytes: int = field(init=False, default=0)
    """Of the content as it came, without the trace field that stands before it."""
    header: bytes = field(init=False, default=b"")
    """The header section, without what does not pass the gate. Known after ``end``."""
    _trace_octets: int = field(init=False, default=0)
    """Of our trace field, which stands before what came."""
    _added: bytes = field(init=False, default=b"")
    """Further fields that are to stand above it."""
    _head: bytes = field(init=False, default=b"")
    """All of a small message, once its content has ended."""
    _blocks: list[bytes] = field(init=False, factory=list)
    _draft: BodyDraft | None = field(init=False, default=None)
    _file: BodyFile | None = field(init=False, default=None)
    """What has become of the draft, as long as it is ours to remove."""

    async def write(self, block: bytes) -> None:
        """Append content. A SpoolError: the message cannot be taken now."""
        self.size_bytes += len(block)
        if self.fingerprinting is not None:
            self.fingerprinting.feed(block)
        await self._keep(self.gate.feed(block))

    async def end(self) -> None:
        """There is no more content: now the gate knows all. A SpoolError: the message cannot be taken now."""
        await self._keep(self.gate.end())
        if self._draft is None and self.gate.fault is None:
            self._head = self._gather()

    async def _keep(self, block: bytes) -> None:
        """Append what came through the gate, which is nothing for a while."""
        if not block:
            return
        if self._draft is not None:
            await self._draft.write(block)
            return
        self._blocks.append(block)
        if self.size_bytes > self.inline_limit_bytes:
            head = self._gather()
            self._draft = await self._spool.draft_body(self.mid)
            await self._draft.write(head)

    async def accept(self) -> MessageId | None:
        """Keep the message, after ``end``: when this returns we answer for it. A SpoolError: we do not.

        A name: we answer for that message already, and this is the same one again. None: it is a new one.
        """
        await self.make_readable()
        body = await self._body()
        envelope = self.envelope
        addresses = [recipient.address for recipient in envelope.recipients]
        acceptance = Acceptance(
            mid=self.mid,
            received=envelope.received,
            envelope=encode_envelope(envelope),
            body=body,
            domains=tuple([one.domain.ascii if one.domain else self.hostname for one in addresses]),
            next_attempt=envelope.release,
            sender="" if envelope.reverse_path is None else str(envelope.reverse_path),
            recipients=tuple(map(str, addresses)),
            priority=_DEGREES[envelope.priority],
            fingerprint=None if self.fingerprinting is None else self.fingerprinting.end(self.header),
            read=envelope,
        )
        self._file = None  # from here on the spool knows whether a message has it
        return await self._spool.accept(acceptance)

    async def discard(self) -> None:
        """Forget the content."""
        self._blocks.clear()
        if self._draft is not None:
            await self._draft.discard()
        if self._file is not None:
            await self._spool.discard_body(self._file)

    async def make_readable(self) -> None:
        """Let ``blocks`` be used, after ``end``. A SpoolError: the message cannot be taken now."""
        if self._draft is not None and self._file is None:
            self._file = await self._draft.commit()

    # A generator that is left in the middle must be closed at once: every caller has it in `aclosing`.
    async def blocks(self) -> AsyncGenerator[bytes, None]:  # noqa: ASYNC900
        """The content without our trace field, after ``make_readable``. A SpoolError: it cannot be read."""
        before = self._trace_octets
        if self._file is None:
            yield self._head[before:]
            return
        async with aclosing(self._spool.read_body(self._file)) as blocks:
            async for block in blocks:
                yield block[before:]  # noqa: ASYNC119
                before = max(before - len(block), 0)

    def add_fields(self, octets: bytes) -> None:
        """Put header fields on top of all, before ``accept``."""
        self._added = octets + self._added

    async def _body(self) -> Body:
        """What is accepted. A file cannot grow at its top: with further fields there it is written anew."""
        if self._file is None or not self._added:
            return self._added + self._head if self._file is None else self._file
        copy = await self._spool.draft_body(self.mid)
        try:
            await copy.write(self._added)
            async with aclosing(self._spool.read_body(self._file)) as blocks:
                async for block in blocks:
                    await copy.write(block)
            former, self._file = self._file, await copy.commit()
        finally:
            await copy.discard()  # noqa: ASYNC102  it is shielded, with a limit, in the spool
        await self._spool.discard_body(former)
        return self._file

    def _gather(self) -> bytes:
        """The content so far, which begins with the whole header section, behind our trace field (RFC 5321 4.4)."""
        content = b"".join(self._blocks)
        self._blocks.clear()
        if self.gate.section is not None:
            self.header = self.gate.section.octets
        added = headers.received(self.envelope, self.mid, hostname=self.hostname)
        self._trace_octets = len(added)
        if self.completes:
            added += missing_fields(self.header, self.envelope, self.mid, hostname=self.hostname)
        if content.startswith(_FOLD):
            # It is no field, so it is body; right under ours it would go on with that, and change what is a header.
            added += b"\r\n"
        return added + content
