"""The hooks of a listener, as one session asks them. A session of a listener without hooks has none of this."""

from __future__ import annotations

from attrs import define

from empath.hooks import Chain, Event, Message, Said, SessionFacts
from empath.hooks.answers import as_greeting
from empath.ingress.client import Client
from empath.ingress.incoming import Incoming
from empath.ingress.reception import Reception
from empath.mail.ids import SessionId
from empath.smtp import Auth, AuthResponse, Data, Ehlo, Helo, Mail, Rcpt, Reply, ServerConnection, Xclient
from empath.smtp.server import Answerable


@define(eq=False)
class SessionHooks:
    """What the hooks say to one session. They are asked about what we would accept, and about nothing else."""

    _chain: Chain
    _reception: Reception
    _machine: ServerConnection
    _session: SessionId
    _client: Client

    @classmethod
    def of(
        cls, reception: Reception, machine: ServerConnection, session: SessionId, client: Client
    ) -> SessionHooks | None:
        """The hooks of this listener; None: it has none."""
        return cls(reception.hooks, reception, machine, session, client) if reception.hooks else None

    async def on_connect(self) -> Reply | None:
        """What to say instead of the greeting; None: greet."""
        refusal = (await self._chain.ask(Event.CONNECT, session=self._facts())).refusal
        return None if refusal is None else as_greeting(refusal)

    async def refusal(self, event: Answerable, mail: Mail | None, reply: Reply) -> Reply | None:
        """What to say to a command in place of a positive reply; None: nothing else. ``mail``: the open transaction."""
        match event:
            case Helo() | Ehlo():
                said = await self._ask(Event.EHLO, session=self._facts(hello=event.name))
            case Xclient() if reply.code == 220:
                refusal = await self.on_connect()
                # A refusal alone would leave the session to a client that we have just refused: it has to end.
                said = None if refusal is None else Reply(421, refusal.lines, "4.7.0")
            case Auth() | AuthResponse() if reply.code == 235:
                said = await self._ask(Event.AUTH, session=self._facts())
            case Mail():
                said = await self._ask(Event.MAIL, session=self._facts(), mail=event)
            case Rcpt():
                said = await self._ask(Event.RCPT, session=self._facts(), mail=mail, rcpt=event)
            case Data():
                said = await self.on_data_begin(mail)
            case _:
                return None
        return said

    async def on_data_begin(self, mail: Mail | None) -> Reply | None:
        """What to say to the beginning of the content; None: let it come."""
        return await self._ask(Event.DATA_BEGIN, session=self._facts(), mail=mail)

    async def on_message(self, incoming: Incoming) -> Said:
        """What the hooks say to a message whose content has ended. May raise a SpoolError: it cannot be read."""
        if not self._chain.wants(Event.MESSAGE):
            return Said()
        await incoming.make_readable()
        message = Message(
            mid=incoming.mid,
            envelope=incoming.envelope,
            size_bytes=incoming.size_bytes,
            header=incoming.header,
            open=incoming.blocks,
        )
        return await self._chain.ask(Event.MESSAGE, session=self._facts(), message=message)

    async def _ask(self, event: Event, **known: object) -> Reply | None:
        return (await self._chain.ask(event, **known)).refusal

    def _facts(self, *, hello: str | None = None) -> SessionFacts:
        said, listener = self._machine.facts.hello, self._reception.listener
        return SessionFacts(
            session=self._session,
            listener=str(listener.listen_addr),
            profile=listener.profile,
            client_ip=self._client.ip,
            hello=self._client.said_hello or hello or (said.name if said else None),
            tls=self._client.tls,
            login=self._client.login,
        )
