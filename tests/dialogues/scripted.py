"""A server for dialogues: ``ServerConnection`` with an owner who says yes to all but what the settings name.

It does no I/O either, so that one and the same server can be played to in memory and stand behind a socket.
"""

import base64
from typing import Final

from attrs import evolve

from empath.smtp import (
    Auth,
    AuthResponse,
    Bdat,
    BodyData,
    BodyEnd,
    ChunkEnd,
    ConnectionClosed,
    Ehlo,
    Helo,
    Lhlo,
    Mail,
    Pause,
    Rcpt,
    Refused,
    RemoteProtocolError,
    Reply,
    ServerConnection,
    ServerEvent,
    State,
    Verb,
    server_exchange,
)
from empath.smtp.sasl import ServerExchange
from tests.dialogues.script import Message, Settings

HOSTNAME: Final = "mx.example.org"

_YES: Final = {
    Verb.GREETING: Reply(220, f"{HOSTNAME} at your service"),
    Verb.MAIL: Reply(250, "sender taken", "2.1.0"),
    Verb.RCPT: Reply(250, "recipient taken", "2.1.5"),
    Verb.DATA: Reply(354, "send the message, and a dot on a line of its own"),
    Verb.END: Reply(250, "message taken", "2.0.0"),
    Verb.BDAT: Reply(250, "chunk taken", "2.0.0"),
    Verb.BDAT_LAST: Reply(250, "message taken", "2.0.0"),
    Verb.RSET: Reply(250, "forgotten", "2.0.0"),
    Verb.NOOP: Reply(250, "nothing done", "2.0.0"),
    Verb.VRFY: Reply(252, "send it and see", "2.5.0"),
    Verb.EXPN: Reply(252, "send it and see", "2.5.0"),
    Verb.HELP: Reply(214, "see RFC 5321", "2.0.0"),
    Verb.QUIT: Reply(221, "goodbye", "2.0.0"),
    Verb.STARTTLS: Reply(220, "begin TLS now", "2.0.0"),
    Verb.XCLIENT: Reply(220, f"{HOSTNAME} at your service"),
}
_WELCOME: Final = Reply(235, "welcome", "2.7.0")
_WRONG: Final = Reply(535, "name or secret is wrong", "5.7.8")


class ScriptedServer:
    """One session. What is returned is to be written at once."""

    def __init__(self, settings: Settings) -> None:
        """Not greeted yet."""
        self.messages: list[Message] = []
        """What was accepted, in its order."""
        self._settings = settings
        self._connection = ServerConnection(
            HOSTNAME,
            settings.offers,
            lmtp=settings.lmtp,
            tls=settings.implicit_tls,
            bounds=settings.bounds,
            auth_in_clear=settings.auth_in_clear,
            strict_groups=settings.strict_groups,
        )
        self._draft = Message("", (), b"")
        self._exchange: ServerExchange = server_exchange("PLAIN")
        self._bearer = False
        self._told_why = False

    @property
    def closed(self) -> bool:
        """Whether the session has ended on the server's side."""
        return self._connection.state is State.CLOSED

    @property
    def awaits_handshake(self) -> bool:
        """Whether nothing but TLS may come now."""
        return self._connection.state is State.TLS

    def greet(self) -> bytes:
        """The greeting."""
        return self._connection.send(self._decide(Verb.GREETING))

    def receive(self, octets: bytes) -> bytes:
        """The replies to what came; empty ``octets``: the client has closed its end."""
        self._connection.receive_data(octets)
        replies = b""
        while not isinstance(event := self._connection.next_event(), Pause | ConnectionClosed):
            replies += b"".join([self._connection.send(reply) for reply in self._answers(event)])
        return replies

    def tls_established(self) -> None:
        """The handshake is done; plain text behind STARTTLS ends the session instead."""
        try:
            self._connection.tls_established()
        except RemoteProtocolError:
            assert self.closed

    def _answers(self, event: ServerEvent) -> list[Reply]:
        match event:
            case Refused(reply=reply):
                return [reply]
            case Bdat() | ConnectionClosed():
                return []
            case BodyData(octets):
                self._draft = evolve(self._draft, content=(self._draft.content or b"") + octets)
                return []
            case BodyEnd() | ChunkEnd(last=True):
                return self._judge(event)
            case Auth() | AuthResponse():
                return [self._authenticate(event)]
            case ChunkEnd(refusal=Reply() as refusal):
                return [refusal]
            case Helo() | Ehlo() | Lhlo():
                return [self._said(event.verb) or self._connection.hello_reply()]
            case Mail(path):
                return [self._begin("" if path is None else str(path))]
            case Rcpt(path):
                return [self._add(str(path))]
        return [self._decide(event.verb)]

    def _said(self, verb: Verb, path: str | None = None) -> Reply | None:
        """What the settings have to say to this."""
        fitting = (answer for answer in self._settings.answers if answer.verb is verb and answer.path in (None, path))
        return next((answer.reply for answer in fitting), None)

    def _decide(self, verb: Verb, path: str | None = None) -> Reply:
        return self._said(verb, path) or _YES[verb]

    def _begin(self, sender: str) -> Reply:
        self._draft = Message(sender, (), b"")
        return self._decide(Verb.MAIL, sender)

    def _add(self, recipient: str) -> Reply:
        reply = self._decide(Verb.RCPT, recipient)
        if reply.positive:
            self._draft = evolve(self._draft, recipients=(*self._draft.recipients, recipient))
        return reply

    def _judge(self, event: BodyEnd | ChunkEnd) -> list[Reply]:
        """Take the message, or do not; in LMTP for each recipient by itself (RFC 2033 4.2)."""
        paths: tuple[str | None, ...] = self._draft.recipients if self._settings.lmtp else (None,)
        replies = [event.refusal or self._decide(event.verb, path) for path in paths]
        verdicts = replies if self._settings.lmtp else replies * len(self._draft.recipients)
        taken = [path for path, reply in zip(self._draft.recipients, verdicts, strict=True) if reply.positive]
        if taken:
            self.messages.append(evolve(self._draft, recipients=tuple(taken)))
        return replies

    def _authenticate(self, event: Auth | AuthResponse) -> Reply:
        if isinstance(event, Auth):
            self._bearer = event.mechanism in ("OAUTHBEARER", "XOAUTH2")
            self._exchange = server_exchange(event.mechanism)
        if self._told_why:
            self._told_why = False
            return _WRONG
        response = event.initial if isinstance(event, Auth) else event.data
        try:
            step = self._exchange.step(response)
        except RemoteProtocolError as problem:
            return problem.reply or _WRONG
        if isinstance(step, bytes):
            return _challenge(step)
        if (step.user, step.secret) in self._settings.users:
            return self._said(event.verb) or _WELCOME
        self._told_why = self._bearer
        # RFC 7628 3.2.2: the reasons go out as a challenge first.
        return _challenge(b'{"status":"invalid_token"}') if self._bearer else _WRONG


def _challenge(octets: bytes) -> Reply:
    return Reply(334, base64.b64encode(octets).decode("ascii"))
