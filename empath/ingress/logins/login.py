"""AUTH in one session (RFC 4954): the exchange, what comes of it, and what somebody may send who has logged in or not.

PLAIN and LOGIN say the password, so the machine offers AUTH inside TLS only, and refuses it elsewhere. A client that
has failed too often in one session is sent away with 421; one that has failed too often altogether is sent away before
anything is checked. No answer tells whether a login exists.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Final

from attrs import define, field

from empath.config.schema import ListenerAuth, ListenerTls
from empath.ingress import replies
from empath.ingress.client import Client
from empath.ingress.logins import scram
from empath.ingress.logins.users import Judgement, Users
from empath.ingress.reception import Reception
from empath.mail.facts import LoginAccepted, LoginRefused
from empath.mail.ids import SessionId
from empath.mail.quoting import plain
from empath.policy.reception.logins import MAX_LOGIN_OCTETS, login_name
from empath.smtp import Auth, AuthResponse, Credentials, Mail, RemoteProtocolError, Reply, server_exchange
from empath.smtp.sasl import ServerExchange

_NONCE_BYTES: Final = 18
_BY_A_HOOK: Final = "refused by a hook"

_REFUSALS: Final = {
    Judgement.WRONG: replies.LOGIN_WRONG,
    Judgement.TOO_MANY: replies.TOO_MANY_LOGINS,
    Judgement.BUSY: replies.LOGIN_NOT_NOW,
}


@define(eq=False)
class Login:
    """Who the client is. What may be said when, the machine knows."""

    _reception: Reception
    _session: SessionId
    _client: Client
    _mechanism: str = field(init=False, default="")
    _exchange: ServerExchange | scram.ScramServer | None = field(init=False, default=None)
    _proof: scram.Proof | None = field(init=False, default=None)
    """SCRAM has come to a good end, and the client has our own proof before it."""
    _failures: int = field(init=False, default=0)

    async def begin(self, auth: Auth) -> Reply:
        """AUTH: a new exchange, whatever became of an earlier one."""
        users = self._reception.users
        if users is None:
            return replies.LOGIN_NOT_NOW
        self._mechanism, self._proof = auth.mechanism, None
        if auth.mechanism == scram.MECHANISM:
            nonce = self._reception.entropy.token(_NONCE_BYTES).hex()
            self._exchange = scram.ScramServer(users.keys_of, nonce)
        else:
            self._exchange = server_exchange(auth.mechanism)
        return await self._step(users, self._exchange, auth.initial)

    async def go_on(self, response: AuthResponse) -> Reply:
        """The client's answer to a challenge."""
        users, exchange = self._reception.users, self._exchange
        if users is None or exchange is None:
            return replies.LOGIN_NOT_NOW
        if self._proof is not None:
            return self._accepted(self._proof.login) if not response.data else replies.LOGIN_MALFORMED
        return await self._step(users, exchange, response.data)

    def refusal(self, mail: Mail) -> Reply | None:
        """Why this client may not begin this message; None: it may."""
        if self._client.login is None:
            if self._reception.listener.auth is not ListenerAuth.REQUIRED:
                return None
            in_clear = self._reception.listener.tls is ListenerTls.STARTTLS and self._client.tls is None
            return replies.TLS_NEEDED if in_clear else replies.LOGIN_NEEDED
        allowed = self._reception.sender_logins.allows(self._client.login, mail.reverse_path)
        return None if allowed else replies.SENDER_NOT_YOURS

    async def _step(self, users: Users, exchange: ServerExchange | scram.ScramServer, response: bytes | None) -> Reply:
        try:
            said = exchange.step(response)
        except RemoteProtocolError as problem:
            return problem.reply or replies.LOGIN_MALFORMED
        match said:
            case Credentials():
                return await self._judge_password(users, said)
            case scram.Proof():
                return self._judge_proof(users, said)
        return _challenge(said)

    async def _judge_password(self, users: Users, said: Credentials) -> Reply:
        if said.act_as and login_name(said.act_as) != login_name(said.user):
            # RFC 4616 2: to act as somebody else needs a right that nobody has here.
            return self._refused(said.user, Judgement.WRONG)
        judgement = await users.judge_password(said.user, said.secret, self._client.ip)
        return self._accepted(said.user) if judgement is Judgement.RIGHT else self._refused(said.user, judgement)

    def _judge_proof(self, users: Users, proof: scram.Proof) -> Reply:
        judgement = users.judge_proof(proof, self._client.ip)
        if judgement is not Judgement.RIGHT:
            return self._refused(proof.login, judgement)
        self._proof = proof
        return _challenge(proof.final)

    def _accepted(self, login: str) -> Reply:
        self._client.login = name = login_name(login)
        fact = LoginAccepted(
            at=self._reception.clock.now(),
            session=self._session,
            client_ip=self._client.ip or None,
            login=name,
            mechanism=self._mechanism,
        )
        self._reception.observe(fact)
        return replies.LOGIN_OK

    def take_back(self) -> None:
        """A hook does not want the one who has just logged in: nobody has."""
        login, self._client.login = self._client.login, None
        self._tell_refusal(login or "", _BY_A_HOOK)

    def _refused(self, login: str, judgement: Judgement) -> Reply:
        self._tell_refusal(login, judgement.value)
        if judgement is Judgement.WRONG:
            self._failures += 1
            if self._reception.users and self._failures >= self._reception.users.settings.max_failures:
                return replies.TOO_MANY_LOGINS
        return _REFUSALS[judgement]

    def _tell_refusal(self, login: str, reason: str) -> None:
        fact = LoginRefused(
            at=self._reception.clock.now(),
            session=self._session,
            client_ip=self._client.ip or None,
            login=plain(login_name(login), utf8=True)[:MAX_LOGIN_OCTETS],
            mechanism=self._mechanism,
            reason=reason,
        )
        self._reception.observe(fact)


def _challenge(octets: bytes) -> Reply:
    return Reply(334, b64encode(octets).decode())
