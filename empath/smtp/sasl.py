"""Exchanges of AUTH (RFC 4954): what the octets between the base64 of both ends mean.

A server steps an exchange with each response, beginning with the initial one or None, and gets either the next
challenge or what the client claims::

    exchange = sasl.server_exchange(event.mechanism)
    step = exchange.step(event.initial)          # bytes: send as 334 and wait; Credentials: check them

A client steps with each challenge and gets the response to send. Nothing here checks a password, and nothing is said
about encryption: that belongs to the connections. PLAIN is RFC 4616, OAUTHBEARER RFC 7628; LOGIN and XOAUTH2 were never
standardised, and are as all clients have them.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

from attrs import define, field, frozen

from empath.smtp.errors import LocalProtocolError, RemoteProtocolError
from empath.smtp.reply import Reply

# RFC 7628 3.1 and XOAUTH2: key=value pairs, each ended by %x01
_BEARER: Final = re.compile(rb"auth=Bearer ([!-~]+)", re.IGNORECASE)
# RFC 7628 3.1: gs2-header without channel binding, then the pairs
_GS2: Final = re.compile(rb"n,(?:a=([^,\x00\x01]*))?,\x01((?:[^\x01]*\x01)*)\x01", re.DOTALL)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_XOAUTH2: Final = re.compile(rb"user=([^\x00\x01]+)\x01((?:[^\x01]*\x01)*)\x01", re.DOTALL)


@frozen
class Credentials:
    """What a client claims to be, for somebody else to check."""

    user: str
    """The authentication identity."""
    secret: str = field(repr=False)
    """The password, or under the OAuth mechanisms the bearer token."""
    act_as: str = ""
    """The authorisation identity, if it asks to be another."""


class ServerExchange(Protocol):
    """The server's side of one exchange."""

    def step(self, response: bytes | None) -> bytes | Credentials:
        """The next challenge, or the claim. ``response`` is None at the start if there was no initial response.

        A RemoteProtocolError carries the 501 for a response that breaks the mechanism's grammar.
        """


class ClientExchange(Protocol):
    """The client's side of one exchange."""

    def step(self, challenge: bytes | None) -> bytes | None:
        """The response to ``challenge``; None challenge: the initial response, or None if the mechanism has none."""


def _malformed(mechanism: str) -> RemoteProtocolError:
    text = f"the response is not what {mechanism} has here"
    return RemoteProtocolError(text, Reply(501, text, "5.5.2"))


def _utf8(octets: bytes, mechanism: str) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise _malformed(mechanism) from None


class PlainServer:
    """RFC 4616 2: authzid NUL authcid NUL passwd, all at once."""

    def step(self, response: bytes | None) -> bytes | Credentials:
        """See ``ServerExchange``."""
        if response is None:
            return b""
        parts = response.split(b"\0")
        if len(parts) != 3 or not parts[1] or not parts[2]:
            raise _malformed("PLAIN")
        act_as, user, secret = (_utf8(part, "PLAIN") for part in parts)
        return Credentials(user, secret, act_as)


@define
class LoginServer:
    """LOGIN: asks for the name, then for the password."""

    _user: str | None = None

    def step(self, response: bytes | None) -> bytes | Credentials:
        """See ``ServerExchange``. An initial response is taken for the name, as many clients mean it."""
        if response is None:
            return b"Username:"
        text = _utf8(response, "LOGIN")
        if not text or "\0" in text:
            raise _malformed("LOGIN")
        if self._user is None:
            self._user = text
            return b"Password:"
        return Credentials(self._user, text)


class BearerServer:
    """OAUTHBEARER and XOAUTH2: a token, all at once.

    When the token is refused, RFC 7628 3.2.2 has the server send its reasons as one more challenge and the client
    answer it with something that means nothing; only then comes the 535.
    """

    def __init__(self, mechanism: str) -> None:
        """``mechanism``: one of the two."""
        self._mechanism = mechanism

    def step(self, response: bytes | None) -> bytes | Credentials:
        """See ``ServerExchange``."""
        if response is None:
            return b""
        match = (_GS2 if self._mechanism == "OAUTHBEARER" else _XOAUTH2).fullmatch(response)
        pairs = match[2].split(b"\x01") if match else []
        tokens = [token[1] for pair in pairs if (token := _BEARER.fullmatch(pair))]
        if match is None or len(tokens) != 1:
            raise _malformed(self._mechanism)
        user = _utf8(match[1] or b"", self._mechanism)
        if self._mechanism == "OAUTHBEARER":  # RFC 5801 4: saslname; XOAUTH2 has the name as it is
            user = user.replace("=2C", ",").replace("=3D", "=")
        return Credentials(user, tokens[0].decode("ascii"))


@frozen
class PlainClient:
    """RFC 4616 2."""

    credentials: Credentials

    def step(self, challenge: bytes | None) -> bytes | None:
        """See ``ClientExchange``: all there is to say, as initial response or to the challenge, which is empty."""
        mine = self.credentials
        return "\0".join((mine.act_as, mine.user, mine.secret)).encode()


@define
class LoginClient:
    """LOGIN: answers by order, since servers word their two questions as they like."""

    credentials: Credentials
    _asked: int = 0

    def step(self, challenge: bytes | None) -> bytes | None:
        """See ``ClientExchange``."""
        if challenge is None:
            return None
        self._asked += 1
        return (self.credentials.user if self._asked == 1 else self.credentials.secret).encode()


@define
class BearerClient:
    """OAUTHBEARER and XOAUTH2. ``credentials.secret`` is the token."""

    credentials: Credentials
    mechanism: str

    def step(self, challenge: bytes | None) -> bytes | None:
        """See ``ClientExchange``. A challenge with content is a refusal, and gets the answer that lets it be said."""
        if challenge:
            return b"\x01" if self.mechanism == "OAUTHBEARER" else b""
        user, token = self.credentials.user, self.credentials.secret
        if self.mechanism == "XOAUTH2":
            return f"user={user}\x01auth=Bearer {token}\x01\x01".encode()
        quoted = user.replace("=", "=3D").replace(",", "=2C")
        return f"n,a={quoted},\x01auth=Bearer {token}\x01\x01".encode()


def server_exchange(mechanism: str) -> ServerExchange:
    """A fresh exchange. A LocalProtocolError: there is no such mechanism here, so it should not have been offered."""
    match mechanism:
        case "PLAIN":
            return PlainServer()
        case "LOGIN":
            return LoginServer()
        case "OAUTHBEARER" | "XOAUTH2":
            return BearerServer(mechanism)
    raise LocalProtocolError(f"no exchange for {mechanism!r}")


def client_exchange(mechanism: str, credentials: Credentials) -> ClientExchange:
    """A fresh exchange; as ``server_exchange``. Credentials that cannot be said are a LocalProtocolError.

    That is: NUL or %x01, which would end them early, and half a surrogate pair, which UTF-8 has no octets for.
    """
    parts = (credentials.user, credentials.secret, credentials.act_as)
    if any(mark in part for part in parts for mark in "\0\x01"):
        raise LocalProtocolError("credentials hold a character that would end them early")
    if any(_SURROGATE.search(part) for part in parts):
        raise LocalProtocolError("credentials hold a character that UTF-8 cannot carry")
    match mechanism:
        case "PLAIN":
            return PlainClient(credentials)
        case "LOGIN":
            return LoginClient(credentials)
        case "OAUTHBEARER" | "XOAUTH2":
            return BearerClient(credentials, mechanism)
    raise LocalProtocolError(f"no exchange for {mechanism!r}")
