"""What is said to everything that a client asks, and the facts that come of it."""

from __future__ import annotations

from typing import Final

from attrs import define, field

from empath.ingress import replies
from empath.ingress.client import Client
from empath.ingress.hooks import SessionHooks
from empath.ingress.logins.login import Login
from empath.ingress.reception import Reception
from empath.ingress.transaction import Transaction
from empath.mail.facts import ClientIntroduced, MessageRefused, SessionClosed, SessionOpened
from empath.mail.ids import SessionId
from empath.smtp import (
    Auth,
    AuthResponse,
    BodyEnd,
    ChunkEnd,
    Data,
    Ehlo,
    Helo,
    Introduction,
    Mail,
    Rcpt,
    Refused,
    Reply,
    Rset,
    ServerConnection,
    Verb,
    Xclient,
    introduce,
)
from empath.smtp.server import Answerable

_OF_MESSAGES: Final = frozenset({Verb.MAIL, Verb.RCPT, Verb.DATA, Verb.END, Verb.BDAT, Verb.BDAT_LAST})
"""A refusal of one of these is a refusal of mail, and a fact."""
_IDLE: Final = frozenset({Verb.HELO, Verb.EHLO, Verb.RSET, Verb.NOOP, Verb.VRFY, Verb.EXPN, Verb.HELP})
"""Commands that bring no mail on its way."""


@define(eq=False)
class Answering:
    """The judgement of one session. Knows nothing of octets and of time."""

    _reception: Reception
    _machine: ServerConnection
    _session: SessionId
    _client: Client
    _transaction: Transaction
    _hooks: SessionHooks | None = None
    _login: Login = field(init=False)
    _idle: int = field(init=False, default=0)
    """Idle commands since the last message that was accepted."""
    _accepted: int = field(init=False, default=0)
    _last_refusal: Reply | None = field(init=False, default=None)

    @_login.default
    def _new_login(self) -> Login:
        return Login(self._reception, self._session, self._client)

    async def greeting(self) -> Reply:
        """What is said to a client that has just come (RFC 5321 3.1)."""
        refusal = None if self._hooks is None else await self._hooks.on_connect()
        return refusal or replies.greeting(self._machine.hostname)

    def opened(self) -> None:
        """The client has been greeted."""
        reception = self._reception
        listener = reception.listener_name
        client_ip = self._client.ip or None
        reception.observe(
            SessionOpened(at=reception.clock.now(), session=self._session, listener=listener, client_ip=client_ip)
        )

    def closed(self, reason: str, duration_s: float) -> None:
        """The session is over."""
        fact = SessionClosed(
            at=self._reception.clock.now(),
            session=self._session,
            client_ip=self._client.ip or None,
            messages=self._transaction.accepted,
            duration_s=duration_s,
            reason=reason,
        )
        self._reception.observe(fact)

    async def reply(self, event: Answerable) -> Reply:
        """Decide, and say so to the observer if mail was refused."""
        mail = self._transaction.mail
        recipients = 0 if self._hooks is None else self._transaction.recipients
        reply = await self._decide(event)
        if self._hooks is not None and reply.code < 400:
            refusal = await self._hooks.refusal(event, mail, reply)
            if refusal is not None:
                reply = refusal
                await self._take_back(event, recipients)
        if reply.code >= 400 and event.verb in _OF_MESSAGES and not self._says_it_again(reply):
            reception, begun = self._reception, event if isinstance(event, Mail) else mail
            refused = MessageRefused(
                at=reception.clock.now(),
                session=self._session,
                client_ip=self._client.ip or None,
                verb=event.verb,
                reply=reply,
                reverse_path=begun.reverse_path if begun else None,
                recipient=event.forward_path if isinstance(event, Rcpt) else None,
            )
            reception.observe(refused)
        return reply

    async def _introduce(self, xclient: Xclient) -> Reply:
        """XCLIENT: the session begins anew, and is another client's."""
        client, reception = self._client, self._reception
        known = introduce(xclient, client.introduction or Introduction(ip=client.ip or None))
        if isinstance(known, Reply):
            return known
        await self._transaction.forget()
        client.introduce(known)
        fact = ClientIntroduced(
            at=reception.clock.now(), session=self._session, client_ip=client.ip or None, login=client.login
        )
        reception.observe(fact)
        return replies.greeting(self._machine.hostname)

    async def _take_back(self, event: Answerable, recipients: int) -> None:
        """Undo what a positive reply would have stood for. ``recipients``: as many as there were before."""
        match event:
            case Mail():
                await self._transaction.forget()
            case Rcpt():
                self._transaction.keep_recipients(recipients)
            case Data():
                await self._transaction.drop_content()
            case Auth() | AuthResponse():
                self._login.take_back()

    def _says_it_again(self, reply: Reply) -> bool:
        """Whether the observer knows already: a thousand recipients too many are one fact, and no thousand lines."""
        again = reply is replies.TOO_MANY_RECIPIENTS and self._last_refusal is reply
        self._last_refusal = reply
        return again

    def _talks_idly(self, verb: Verb) -> bool:
        """Whether this is one idle command too many."""
        if self._accepted != self._transaction.accepted:
            self._accepted, self._idle = self._transaction.accepted, 0
        self._idle += verb in _IDLE
        return self._idle > self._reception.limits.max_junk_commands

    async def _decide(self, event: Answerable) -> Reply:
        if self._talks_idly(event.verb):
            return replies.IDLE_TALK
        match event:
            case Rcpt():
                return self._transaction.add(event)
            case Mail():
                return self._login.refusal(event) or await self._transaction.begin(event)
            case BodyEnd() | ChunkEnd():
                return await self._transaction.end_content(event)
            case Auth():
                return await self._login.begin(event)
            case AuthResponse():
                return await self._login.go_on(event)
            case Xclient():
                return await self._introduce(event)
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
