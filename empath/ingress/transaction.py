"""The open transaction of a session: from MAIL to the end of the content (RFC 5321 3.3)."""

from __future__ import annotations

import logging

import trio
from attrs import define, evolve, field

from empath.ingress import replies
from empath.ingress.client import Client
from empath.ingress.incoming import Incoming
from empath.ingress.reception import Reception
from empath.mail.envelope import Envelope, Recipient
from empath.mail.facts import MessageAccepted
from empath.mail.ids import SessionId
from empath.policy.relay import REFUSAL
from empath.smtp import BodyEnd, ChunkEnd, Mail, Rcpt, Reply, ServerConnection
from empath.spool.contract import SpoolError, SpoolFull

_LOG = logging.getLogger(__name__)


@define(eq=False)
class Transaction:
    """Used again for every message of a session: ``begin`` to ``forget``. What may be said when, the machine knows."""

    _reception: Reception
    _machine: ServerConnection
    _session: SessionId
    _client: Client
    accepted: int = field(init=False, default=0)
    """How many messages of this session were accepted."""
    mail: Mail | None = field(init=False, default=None)
    """How the transaction began; None: none is open."""
    _trusted: bool = field(init=False, default=False)
    """Whether the client may send to anybody."""
    _recipients: list[Recipient] = field(init=False, factory=list)
    _incoming: Incoming | None = field(init=False, default=None)
    _not_now: Reply | None = field(init=False, default=None)
    """Why the content at hand cannot be kept."""

    async def begin(self, mail: Mail) -> Reply:
        """MAIL: whoever it is may send, since what counts is to whom."""
        await self.forget()  # the machine may have closed a transaction by itself, for a chunk that it refused
        self.mail = mail
        self._trusted = self._reception.relay.trusts(self._client.ip)
        return replies.MAIL_OK

    def add(self, rcpt: Rcpt) -> Reply:
        """Whether this client may send to this recipient, and whether there is room for it."""
        if len(self._recipients) >= self._reception.limits.max_recipients:
            return replies.TOO_MANY_RECIPIENTS
        address = rcpt.forward_path
        if address.domain is None:
            # RFC 5321 4.5.1: the bare postmaster is the one of this host. From here on nobody needs to know the rule.
            address = evolve(address, domain=self._reception.hostname)
        if self._reception.relay.right(address, trusted=self._trusted) is None:
            return REFUSAL
        self._recipients.append(Recipient(address, rcpt.params))
        return replies.RCPT_OK

    def begin_content(self) -> None:
        """The content is about to come."""
        if self._incoming is not None or self.mail is None:
            return  # a further chunk of the same message
        reception = self._reception
        envelope = Envelope(
            reverse_path=self.mail.reverse_path,
            recipients=tuple(self._recipients),
            received=reception.clock.now(),
            params=self.mail.params,
            origin=reception.origin(self._machine, self.mail, self._client),
        )
        self._incoming = Incoming(
            reception.spool, reception.new_mid(), envelope, self._machine.hostname, reception.inline_limit_bytes
        )

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
        if incoming.end() > self._reception.limits.max_hops:
            return replies.LOOPING
        ended = trio.current_time()
        try:
            await incoming.accept()
        except SpoolError as problem:
            return self._cannotkeep(problem)
        self.accepted += 1
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

    def _cannotkeep(self, problem: SpoolError) -> Reply:
        _LOG.error("a message from %s cannot be kept: %s", self._client.ip, problem)
        return replies.NO_ROOM if isinstance(problem, SpoolFull) else replies.NOT_NOW

    async def forget(self) -> None:
        """No transaction is open any more."""
        incoming, self._incoming = self._incoming, None
        self.mail, self._recipients, self._not_now = None, [], None
        if incoming is not None:
            await incoming.discard()
