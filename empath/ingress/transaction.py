"""The open transaction of a session: from MAIL to the end of the content (RFC 5321 3.3)."""

from __future__ import annotations

import logging

import trio
from attrs import define, evolve, field

from empath.config.schema import Profile
from empath.ingress import replies
from empath.ingress.addressees import Addressees
from empath.ingress.client import Client
from empath.ingress.content import objection
from empath.ingress.fingerprint import Fingerprinting
from empath.ingress.hooks import SessionHooks
from empath.ingress.incoming import Incoming
from empath.ingress.reception import Reception
from empath.mail.envelope import Envelope
from empath.mail.facts import MessageAccepted
from empath.mail.header_section import SectionGate
from empath.mail.ids import MessageId, SessionId
from empath.mail.trace_context import TraceContext
from empath.policy.reception import wishes
from empath.smtp import Address, BodyEnd, ChunkEnd, Mail, Rcpt, Reply, ServerConnection
from empath.spool.contract import SpoolError, SpoolFull

_LOG = logging.getLogger(__name__)


@define(eq=False)
class Transaction:
    """Used again for every message of a session: ``begin`` to ``forget``. What may be said when, the machine knows."""

    _reception: Reception
    _machine: ServerConnection
    _session: SessionId
    _client: Client
    _hooks: SessionHooks | None = None
    accepted: int = field(init=False, default=0)
    """How many messages of this session were accepted."""
    mail: Mail | None = field(init=False, default=None)
    """How the transaction began; None: none is open."""
    _who: tuple[str, str | None] | None = field(init=False, default=None)
    """The address and login for which ``_trusted`` was worked out."""
    _trusted: bool = field(init=False, default=False)
    """Whether the client may send to anybody."""
    _addressees: Addressees = field(init=False)
    _overshoot: int = field(init=False, default=0)
    """How many recipients more than there may be were named."""
    _incoming: Incoming | None = field(init=False, default=None)
    _not_now: Reply | None = field(init=False, default=None)
    """Why the content at hand cannot be kept."""

    def __attrs_post_init__(self) -> None:
        """Make the list of recipients."""
        self._addressees = Addressees(self._reception.relay, self._reception.limits.max_recipients)

    async def begin(self, mail: Mail) -> Reply:
        """MAIL: whoever it is may send, since what counts is to whom."""
        await self.forget()  # the machine may have closed a transaction by itself, for a chunk that it refused
        reception = self._reception
        who = (self._client.ip, self._client.login)
        if who != self._who:
            self._who, self._trusted = who, reception.relay.trusts(who[0], login=who[1])
        if reception.free_space and not await reception.free_space.is_enough(mail.params.size or 0):
            return replies.NO_ROOM  # RFC 1870 6.1 (2): also if only the announced size is too much for now
        now, max_hold_s = reception.clock.now(), reception.limits.max_future_release_s
        if refusal := wishes.refusal(mail.params, trusted=self._trusted, now=now, max_hold_s=max_hold_s):
            return refusal
        if not reception.quotas.take_message(self._client):
            return replies.TOO_FAST
        params = wishes.granted(mail.params, trusted=self._trusted)
        self.mail = mail if params is mail.params else Mail(mail.reverse_path, params)
        return replies.MAIL_OK if self.mail is mail else wishes.LOWERED

    def add(self, rcpt: Rcpt) -> Reply:
        """Whether this client may send to this recipient, and whether there is room for it.

        No limit holds for the postmaster, who is to be reached when all else is refused (RFC 5321 4.5.1).
        """
        reception, sender = self._reception, self.mail.reverse_path if self.mail else None
        address = rcpt.forward_path
        if address.domain is None:
            # RFC 5321 4.5.1: the bare postmaster is the one of this host. From here on nobody needs to know the rule.
            address = evolve(address, domain=reception.hostname)
            rcpt = Rcpt(address, rcpt.params)
        spared = reception.relay.is_postmaster(address)
        if self._is_full(spared=spared):
            return self._too_many()
        if refusal := reception.relay.refusal(address, sender=sender, trusted=self._trusted):
            return refusal
        if not spared and not reception.quotas.take_recipient(self._client):
            return replies.TOO_MANY_NOW
        return replies.RCPT_OK if self._addressees.add(rcpt) else self._too_many()

    def _is_full(self, *, spared: bool) -> bool:
        """Whether there is no room for one more. Each RCPT takes room, although who is named twice gets one copy."""
        limits, named = self._reception.limits, self._machine.facts.recipients
        if spared:
            return named >= limits.max_recipients + limits.max_recipient_overshoot
        return max(named, len(self._addressees)) >= limits.max_recipients

    def _too_many(self) -> Reply:
        self._overshoot += 1
        over = self._overshoot > self._reception.limits.max_recipient_overshoot
        return replies.NO_END if over else replies.TOO_MANY_RECIPIENTS

    @property
    def mid(self) -> MessageId | None:
        """The name of the message whose content is coming."""
        return None if self._incoming is None else self._incoming.mid

    @property
    def recipients(self) -> int:
        """How many deliveries there will be."""
        return len(self._addressees)

    def keep_recipients(self, count: int) -> None:
        """Forget those that were taken after the first ``count``."""
        self._addressees.keep_first(count)

    def begin_content(self) -> None:
        """The content is about to come."""
        if self._incoming is not None or self.mail is None:
            return  # a further chunk of the same message
        reception, recipients, params = self._reception, self._addressees.recipients, self.mail.params
        if any(recipient.address.needs_utf8 for recipient in recipients):
            # RFC 6531 3.4: an alias may lead to what the client could not have said.
            params = evolve(params, smtputf8=True)
        mid = reception.new_mid()
        envelope = Envelope(
            reverse_path=self._sender(self.mail),
            recipients=recipients,
            received=reception.clock.now(),
            params=params,
            origin=reception.origin(self._machine, self.mail, self._client),
            trace_context=None if reception.traces is None else TraceContext.begin(mid, reception.traces),
        )
        window_s = reception.deduplication_window_s
        self._incoming = Incoming(
            reception.spool,
            mid,
            envelope,
            self._machine.hostname,
            reception.inline_limit_bytes,
            gate=SectionGate(reception.limits.max_header_size_bytes, reception.limits.max_header_fields),
            completes=reception.listener.profile is Profile.SUBMISSION,
            fingerprinting=Fingerprinting(envelope, window_s) if window_s else None,
        )

    def _sender(self, mail: Mail) -> Address | None:
        """The reverse-path to go on with. What strangers call themselves is not made ours."""
        return self._reception.relay.rewriting.rewritten(mail.reverse_path) if self._trusted else mail.reverse_path

    async def begin_chunk(self) -> None:
        """A chunk is about to come, which nobody can keep the client from sending (RFC 3030 2)."""
        if self._incoming is None and self._hooks is not None:
            self._not_now = await self._hooks.on_data_begin(self.mail)
        self.begin_content()

    async def keep(self, block: bytes) -> None:
        """Take content. It is read to its end even when it cannot be kept: only then may the client hear of it."""
        if self._incoming is None or self._not_now is not None:
            return
        try:
            await self._incoming.write(block)
        except SpoolError as problem:
            self._not_now = self._cannotkeep(problem)

    async def end_content(self, end: BodyEnd | ChunkEnd) -> Reply:
        """The content, or a chunk of it, is complete: what to say to that."""
        if isinstance(end, ChunkEnd) and not end.last and end.refusal is None and self._not_now is None:
            return replies.CHUNK_OK
        try:
            return end.refusal or self._not_now or await self._accept()
        finally:
            await self.forget()  # noqa: ASYNC102  what there is to wait for is shielded, with a limit, in the spool

    async def _accept(self) -> Reply:
        """Take the message over: from the positive reply on it is ours (RFC 5321 6.1)."""
        incoming = self._incoming
        if incoming is None:
            return replies.NOT_NOW
        ended = trio.current_time()
        try:
            await incoming.end()
            if refusal := objection(incoming.gate, self._reception.listener, self._reception.limits):
                return refusal
            if self._hooks is not None:
                said = await self._hooks.on_message(incoming)
                if said.refusal is not None:
                    return said.refusal
                incoming.add_fields(said.fields)
            self._read(incoming)
            earlier = await incoming.accept()
        except SpoolError as problem:
            return self._cannotkeep(problem)
        self.accepted += 1
        if earlier is not None:
            return Reply(250, f"{earlier} queued", "2.0.0")
        fact = MessageAccepted(
            at=self._reception.clock.now(),
            message=incoming.mid,
            session=self._session,
            envelope=incoming.envelope,
            size_bytes=incoming.size_bytes,
            commit_s=trio.current_time() - ended,
        )
        self._reception.observe(fact)
        return Reply(250, f"{incoming.mid} queued", "2.0.0")

    def _read(self, incoming: Incoming) -> None:
        """Note what the header section has to say about the way of the message."""
        section, reception = incoming.gate.section, self._reception
        if section and reception.heeds_tls_required and section.says_tls_is_optional:
            incoming.envelope = evolve(incoming.envelope, tls_optional=True)
        self._classify(incoming)

    def _classify(self, incoming: Incoming) -> None:
        """Note the class of the message, if anything tells of one."""
        classing, envelope = self._reception.classing, incoming.envelope
        number, user = envelope.params.mt_priority, self._client.login
        priority = classing.of(number, incoming.header, user=user, trusted=self._trusted)
        if priority is not None:
            incoming.envelope = evolve(envelope, priority=priority)

    def _cannotkeep(self, problem: SpoolError) -> Reply:
        mid = self._incoming.mid if self._incoming else "-"
        _LOG.error(
            "a message cannot be kept mid=%s session=%s client=%s: %s", mid, self._session, self._client.ip, problem
        )
        return replies.NO_ROOM if isinstance(problem, SpoolFull) else replies.NOT_NOW

    async def drop_content(self) -> None:
        """Forget what came of the content. What was said before stands."""
        incoming, self._incoming = self._incoming, None
        if incoming is not None:
            await incoming.discard()

    async def forget(self) -> None:
        """No transaction is open any more."""
        incoming, self._incoming = self._incoming, None
        self.mail, self._overshoot, self._not_now = None, 0, None
        self._addressees.clear()
        if incoming is not None:
            await incoming.discard()
