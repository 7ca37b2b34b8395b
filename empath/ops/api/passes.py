"""What lets a browser in: codes, sessions, tickets. All of it lives in memory, and ends with the daemon.

A *code* is for one login. It comes to the browser in the fragment of a URL, which browsers send to nobody. A *session*
is what the login begins: a cookie that scripts cannot read, and that browsers do not send along from other sites. A
*ticket* is for opening one websocket, where a page cannot set header fields; it lies in a URL, so it is valid for
moments and only once.

Each is a secret of 128 bits or more, of which we keep the hash.
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from math import inf
from typing import Final, Generic, TypeVar

import trio
from attrs import define, field, frozen

from empath.config.schema import ApiSettings
from empath.ops.api.tokens import Scope, digest_of
from empath.world.ports import Entropy

T = TypeVar("T")
_CODE_BYTES: Final = 10
_SECRET_BYTES: Final = 32


@frozen
class Principal:
    """Somebody who may do something."""

    name: str
    """What logs and audit call him: the name of a token, or ``unix:`` and that of a user."""
    scopes: frozenset[Scope]
    proof: str = field(default="", repr=False)
    """The hash of the token or session that he was known by; empty: by none that could end."""
    ends: float | None = None
    """When that ends, on Trio's clock. None: not by itself."""

    def may(self, scope: Scope | None) -> bool:
        """Whether he may do what needs this scope; None: that anybody may."""
        return scope is None or scope in self.scopes or Scope.ADMIN in self.scopes


@define(eq=False)
class _Shelf(Generic[T]):
    """Things by the hash of a secret, each up to its end; as many as there is room for, else the oldest goes."""

    _room: int
    _things: OrderedDict[str, tuple[T, float]] = field(init=False, factory=OrderedDict)

    def put(self, secret: str, thing: T, *, for_s: float) -> None:
        """Keep something."""
        now = trio.current_time()
        for digest in [digest for digest, (_, ends) in self._things.items() if ends <= now]:
            del self._things[digest]
        while len(self._things) >= self._room:
            self._things.popitem(last=False)
        self._things[digest_of(secret)] = thing, now + for_s

    def look(self, digest: str) -> T | None:
        """Return what is kept, if it has not ended."""
        thing, ends = self._things.get(digest, (None, -inf))
        return thing if trio.current_time() < ends else None

    def drop(self, digest: str) -> None:
        """Keep it no longer."""
        self._things.pop(digest, None)


@frozen
class _Session:
    principal: Principal
    token: str
    """The hash of the token that began it; empty: a code did."""


@define(eq=False, kw_only=True)
class Passes:
    """Gives them out, and knows them again."""

    settings: ApiSettings
    entropy: Entropy
    is_token: Callable[[str], Awaitable[bool]]
    """Whether there still is a token with this hash."""
    _codes: _Shelf[Principal] = field(init=False)
    _sessions: _Shelf[_Session] = field(init=False)
    _tickets: _Shelf[Principal] = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Begin with none."""
        room = self.settings.max_sessions
        self._codes, self._sessions, self._tickets = _Shelf(room), _Shelf(room), _Shelf(room)

    def code(self, name: str, scopes: frozenset[Scope], *, for_s: float) -> str:
        """Return a new code, for somebody with a name and scopes."""
        text = base64.b32encode(self.entropy.token(_CODE_BYTES)).decode()
        code = "-".join(text[start : start + 4] for start in range(0, len(text), 4))
        self._codes.put(code, Principal(name, scopes), for_s=for_s)
        return code

    def redeem_code(self, code: str) -> Principal | None:
        """Return for whom a code is, which is used then."""
        return self._redeem(self._codes, code)

    def begin(self, who: Principal) -> tuple[str, Principal]:
        """Begin a session for somebody. Return what the cookie says, and him as the session knows him."""
        secret, for_s = self._secret(), self.settings.session_time_s
        principal = Principal(who.name, who.scopes, digest_of(secret), trio.current_time() + for_s)
        self._sessions.put(secret, _Session(principal, who.proof), for_s=for_s)
        return secret, principal

    async def session(self, digest: str) -> Principal | None:
        """Return whose session it is, by the hash of its cookie; None: nobody's."""
        found = self._sessions.look(digest)
        if found is None:
            return None
        if found.token and not await self.is_token(found.token):
            self._sessions.drop(digest)
            return None
        return found.principal

    def end(self, digest: str) -> None:
        """End a session."""
        self._sessions.drop(digest)

    def ticket(self, who: Principal) -> str:
        """Return a new ticket."""
        secret = self._secret()
        self._tickets.put(secret, who, for_s=self.settings.live.ticket_time_s)
        return secret

    def redeem_ticket(self, ticket: str) -> Principal | None:
        """Return whose ticket it is, which is used then."""
        return self._redeem(self._tickets, ticket)

    def _secret(self) -> str:
        return base64.urlsafe_b64encode(self.entropy.token(_SECRET_BYTES)).decode().rstrip("=")

    def _redeem(self, shelf: _Shelf[Principal], secret: str) -> Principal | None:
        digest = digest_of(secret)
        found = shelf.look(digest)
        shelf.drop(digest)
        return found
