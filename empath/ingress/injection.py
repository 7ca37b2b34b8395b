"""The way in for messages that a program hands over by itself, without SMTP.

It ends where SMTP ends: who may be written to, what aliases stand for, what a header section may be, and the commit
after which we answer for the message are the same. What differs: whoever comes this way is known, and may send to
anybody; a Date or Message-ID that is missing is added, as for submission (RFC 6409 8); line ends may be those of files.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Final

import trio
from attrs import evolve, frozen

from empath.config.schema import LimitSettings
from empath.ingress.addressees import Addressees
from empath.ingress.incoming import Incoming
from empath.mail.envelope import Envelope, Origin, Recipient
from empath.mail.facts import Fact, MessageAccepted
from empath.mail.handing import HandedIn, NotTaken
from empath.mail.header_section import SectionGate
from empath.mail.ids import NUMBER_BITS, MessageId
from empath.mail.line_ends import LineEnds
from empath.mail.trace_context import TraceContext
from empath.policy.reception.relay import RelayPolicy
from empath.smtp import Address, AddressError, Body, Domain, MailParams, Rcpt
from empath.spool.contract import Spool, SpoolError
from empath.world.free_space import FreeSpace
from empath.world.ports import Clock, Entropy

LISTENER: Final = "api"
"""What stands in place of a listener in records and metrics."""


@frozen(kw_only=True)
class Injection:
    """Takes messages in."""

    hostname: Domain
    limits: LimitSettings
    inline_limit_bytes: int
    relay: RelayPolicy
    spool: Spool
    clock: Clock
    entropy: Entropy
    observe: Callable[[Fact], None]
    free_space: FreeSpace | None = None
    heeds_tls_required: bool = True
    """Whether a message may say that TLS is optional (RFC 8689 3)."""
    traces: float | None = None
    """Which part of messages is traced that bring no trace; None: none belongs to any."""

    def new_mid(self) -> MessageId:
        """A name for a message that begins now."""
        return MessageId.make(self.clock.now(), self.entropy.rng.getrandbits(NUMBER_BITS))

    async def take(self, mid: MessageId, handed: HandedIn, content: AsyncIterator[bytes]) -> int:
        """Take a message; when this returns it is on the disk. How many deliveries it has.

        Raises NotTaken, and whatever ``content`` raises; nothing is then kept.
        """
        if self.free_space is not None and not await self.free_space.is_enough():
            raise _no_room()
        incoming = self._incoming(mid, handed)
        try:
            began = trio.current_time()
            await self._fill(incoming, content)
            await incoming.accept()
        except SpoolError as problem:
            why, remedy = "the disk of the spool may be full or failing", "try again; the log and /health say more"
            raise NotTaken(f"it cannot be kept: {problem}", why=why, remedy=remedy, is_passing=True) from problem
        finally:
            await incoming.discard()  # noqa: ASYNC102  what there is to wait for is shielded, with a limit, in the spool
        self.observe(
            MessageAccepted(
                at=self.clock.now(),
                message=mid,
                session=None,
                envelope=incoming.envelope,
                size_bytes=incoming.size_bytes,
                commit_s=trio.current_time() - began,
            )
        )
        return len(incoming.envelope.recipients)

    async def _fill(self, incoming: Incoming, content: AsyncIterator[bytes]) -> None:
        lines = LineEnds()
        try:
            async for block in content:
                await incoming.write(lines.feed(block))
            await incoming.write(lines.end())
        except ValueError as problem:
            why, remedy = "SMTP cannot carry it", "encode it as attachments are, with base64 (RFC 2045 6.8)"
            raise NotTaken(f"the message cannot be sent: {problem}", why=why, remedy=remedy) from None
        if lines.longest > self.limits.max_line_bytes:
            why, remedy = "smtp.limits.max_line is the longest that is taken", "encode it, or break its lines"
            raise NotTaken(f"it has a line of {lines.longest} octets", why=why, remedy=remedy)
        await incoming.end()
        section = incoming.gate.section
        if section is None:
            why, remedy = "all later hosts would have to work through it", "send fewer or shorter header fields"
            raise NotTaken("its header section is too large", why=why, remedy=remedy)
        if section.hops > self.limits.max_hops:
            why, remedy = "it has come round again and again", "see where its Received fields lead in a circle"
            raise NotTaken(f"it has passed {section.hops} hosts already", why=why, remedy=remedy)
        if self.heeds_tls_required and section.says_tls_is_optional:
            incoming.envelope = evolve(incoming.envelope, tls_optional=True)
        if not lines.is_ascii:
            params = incoming.envelope.params
            utf8 = params.smtputf8 or not section.octets.isascii()
            incoming.envelope = evolve(incoming.envelope, params=evolve(params, body=Body.EIGHT_BIT, smtputf8=utf8))

    def _incoming(self, mid: MessageId, handed: HandedIn) -> Incoming:
        sender = self.relay.rewriting.rewritten(_address(handed.sender)) if handed.sender else None
        recipients = self._recipients(handed, sender)
        paths = [*([sender] if sender else []), *(recipient.address for recipient in recipients)]
        envelope = Envelope(
            reverse_path=sender,
            recipients=recipients,
            received=self.clock.now(),
            params=MailParams(smtputf8=any(path.needs_utf8 for path in paths)),
            origin=Origin(
                client_ip=handed.client_ip,
                hello=self.hostname.ascii,
                protocol="HTTP",
                listener=LISTENER,
                user=handed.user,
            ),
            trace_context=self._trace(mid, handed),
        )
        return Incoming(
            self.spool,
            mid,
            envelope,
            self.hostname.ascii,
            self.inline_limit_bytes,
            gate=SectionGate(self.limits.max_header_size_bytes, self.limits.max_header_fields),
            completes=True,
        )

    def _trace(self, mid: MessageId, handed: HandedIn) -> TraceContext | None:
        if handed.trace_context is not None or self.traces is None:
            return handed.trace_context
        return TraceContext.begin(mid, self.traces)

    def _recipients(self, handed: HandedIn, sender: Address | None) -> tuple[Recipient, ...]:
        addressees = Addressees(self.relay, self.limits.max_recipients)
        if not handed.recipients:
            raise NotTaken("it has no recipient", why="nobody would get it", remedy="name one or more")
        if len(handed.recipients) > self.limits.max_recipients:
            what = f"{len(handed.recipients)} recipients are too many"
            remedy = "hand it in several times, each for some of them"
            raise NotTaken(what, why=f"smtp.limits.max_recipients is {self.limits.max_recipients}", remedy=remedy)
        for text in handed.recipients:
            address = _address(text)
            if refusal := self.relay.refusal(address, sender=sender, trusted=True):
                why, remedy = "the lists under [relay] say so", "see relay.deny_senders, relay.deny_recipients"
                raise NotTaken(f"{text}: {refusal.text}", why=why, remedy=remedy)
            if not addressees.add(Rcpt(address)):
                what, remedy = f"{text} stands for too many recipients", "hand it in for fewer at a time"
                raise NotTaken(what, why=f"smtp.limits.max_recipients is {self.limits.max_recipients}", remedy=remedy)
        return addressees.recipients


def _address(text: str) -> Address:
    try:
        return Address.parse(text)
    except AddressError as error:
        why, remedy = "the message would miss somebody it is meant for; it went to nobody", "write local@domain"
        raise NotTaken(f"{text[:100]!r} is not an address: {error}", why=why, remedy=remedy) from None


def _no_room() -> NotTaken:
    why, remedy = "spool.min_free keeps room for what is here already", "make room on that disk, and try again"
    return NotTaken("there is no room for it now", why=why, remedy=remedy, is_passing=True)
