"""What is said to everything that a client asks, and the facts that come of it."""

from __future__ import annotations

from typing import Final

from attrs import define

from empath.ingress import replies
from empath.ingress.client import Client
from empath.ingress.reception import Reception
from empath.ingress.transaction import Transaction
from empath.mail.facts import MessageRefused, SessionClosed, SessionOpened
from empath.mail.ids import SessionId
from empath.smtp import (
    BodyEnd,
    ChunkEnd,
    Data,
    Ehlo,
    Helo,
    Mail,
    Rcpt,
    Refused,
    Reply,
    Rset,
    ServerConnection,
    Verb,
)
from empath.smtp.server import Answerable

_OF_MESSAGES: Final = frozenset({Verb.MAIL, Verb.RCPT, Verb.DATA, Verb.END, Verb.BDAT, Verb.BDAT_LAST})
"""A refusal of one of these is a refusal of mail, and a fact."""


@define(eq=False)
class Answering:
    """The judgement of one session. Knows nothing of octets and of time."""

    _reception: Reception
    _machine: ServerConnection
    _session: SessionId
    _client: Client
    _transaction: Transaction

    def opened(self) -> None:
        """The client has been greeted."""
        reception = self._reception
        listener = str(reception.listener.listen_addr)
        client_ip = self._client.ip or None
        reception.observe(
            SessionOpened(at=reception.clock.now(), session=self._session, listener=listener, client_ip=client_ip)
        )

    def closed(self, reason: str, duration_s: float) -> None:
        """The session is over."""
        fact = SessionClosed(
            at=self._reception.clock.now(),
            session=self._session,
            messages=self._transaction.accepted,
            duration_s=duration_s,
            reason=reason,
        )
        self._reception.observe(fact)

    async def reply(self, event: Answerable) -> Reply:
        """Decide, and say so to the observer if mail was refused."""
        mail = self._transaction.mail
        reply = await self._decide(event)
        if reply.code >= 400 and event.verb in _OF_MESSAGES:
            reception = self._reception
            refused = MessageRefused(
                at=reception.clock.now(),
                session=self._session,
                verb=event.verb,
                reply=reply,
                reverse_path=mail.reverse_path if mail else None,
                recipient=event.forward_path if isinstance(event, Rcpt) else None,
            )
            reception.observe(refused)
        return reply

    async def _decide(self, event: Answerable) -> Reply:
        match event:
            case Rcpt():
                return self._transaction.add(event)
            case Mail():
                return await self._transaction.begin(event)
            case BodyEnd() | ChunkEnd():
                return await self._transaction.end_content(event)
            case Refused():
                return event.reply
            case Helo() | Ehlo():
                await self._transaction.forget()
                return self._machine.hello_reply()
            case Data():
                self._transaction.begin_content()
            case Rset():
                await self._transaction.forget()
        return replies.ANSWERS[event.verb]
