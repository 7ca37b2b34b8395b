"""Logging in with a browser: ``/login``, ``/session``, ``/login/codes``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec
import trio
from attrs import frozen

from empath.mail.operator_facts import OperatorLogin
from empath.ops.api.access import COOKIE, Access
from empath.ops.api.passes import Principal
from empath.ops.api.problems import Code, Problem
from empath.ops.api.reading import Nothing
from empath.ops.api.route import Answer, Call, Route, get, route
from empath.ops.api.tokens import Scope
from empath.ops.http import Request
from empath.world.ports import Clock

EVERYDAY: tuple[str, ...] = ("read", "content", "inject", "operate")
"""The scopes of a code, unless somebody says others."""


class Login(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody shows: one of the two."""

    code: str = ""
    token: str = ""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Who one is here."""

    schema: Literal["empath.session/1"] = "empath.session/1"
    name: str
    """Empty: nobody any more."""
    scopes: tuple[str, ...]
    expires: float | None
    """None: not by itself."""


class CodeWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a code is for."""

    scopes: tuple[str, ...] = EVERYDAY


class LoginCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code for one login."""

    schema: Literal["empath.code/1"] = "empath.code/1"
    code: str
    expires: float


@frozen(kw_only=True)
class LoginRoutes:
    """See the module."""

    access: Access
    clock: Clock
    told: Callable[[OperatorLogin], None]
    """Told of who logged in, and of who was not let."""

    def routes(self) -> tuple[Route, ...]:
        """The routes of this room."""
        return (
            route("POST", "/login", self._login, None),
            route("POST", "/login/codes", self._code, Scope.ADMIN),
            get("/session", self._session, None),
            route("DELETE", "/session", self._logout, None),
        )

    async def _login(self, call: Call[Nothing, Login]) -> Answer[Session]:
        """Begin a session, with a code or a token: the answer sets a cookie.

        The cookie cannot be read by scripts, and is not sent along by pages of other sites.
        """
        try:
            who = await self._shown(call.content)
        except Problem:
            self._tell(call.request, "", accepted=False)
            raise
        secret, principal = self.access.passes.begin(who)
        self._tell(call.request, who.name, accepted=True)
        age_s = int(self.access.settings.session_time_s)
        return Answer(self._view(principal), 200, {"Set-Cookie": _cookie(call.request, secret, age_s)})

    async def _shown(self, said: Login) -> Principal:
        if said.token:
            return await self.access.bearer(said.token)
        await trio.lowlevel.checkpoint()
        found = self.access.passes.redeem_code(said.code.strip().upper())
        if found is None:
            why = "a code is valid once, and for a while only"
            remedy = "get another one with `empathctl login-code`, or log in with a token"
            raise Problem(401, Code.LOGIN_CODE, "the code is not valid", why=why, remedy=remedy)
        return found

    def _tell(self, request: Request, name: str, *, accepted: bool) -> None:
        self.told(OperatorLogin(at=self.clock.now(), by=name, peer=str(request.peer), accepted=accepted))

    async def _code(self, call: Call[Nothing, CodeWanted]) -> LoginCode:
        """Make a code, with which one browser can log in once."""
        await trio.lowlevel.checkpoint()
        known = {scope.value: scope for scope in Scope}
        wrong = [name for name in call.content.scopes if name not in known]
        if wrong or not call.content.scopes:
            why, remedy = f"{wrong[0][:40]!r} is no scope" if wrong else "it has no scope", f"one of {', '.join(known)}"
            raise Problem(422, Code.CONTENT, "there can be no such code", why=why, remedy=remedy)
        for_s = self.access.settings.login_code_time_s
        scopes = frozenset(known[name] for name in call.content.scopes)
        code = self.access.passes.code(f"{call.who.name} by code", scopes, for_s=for_s)
        return LoginCode(code=code, expires=self.clock.now() + for_s)

    async def _session(self, call: Call[Nothing, Nothing]) -> Session:
        """Say who one is here, and what he may do."""
        await trio.lowlevel.checkpoint()
        if not call.who.scopes:
            why, remedy = "no token and no login that is known here came along", "log in, or send a token"
            raise Problem(401, Code.NAMELESS, "nobody knows who you are", why=why, remedy=remedy)
        return self._view(call.who)

    async def _logout(self, call: Call[Nothing, Nothing]) -> Answer[Session]:
        """End the session."""
        await trio.lowlevel.checkpoint()
        self.access.passes.end(call.who.proof)
        nobody = Session(name="", scopes=(), expires=None)
        return Answer(nobody, 200, {"Set-Cookie": _cookie(call.request, "", 0)})

    def _view(self, who: Principal) -> Session:
        left_s = None if who.ends is None else who.ends - trio.current_time()
        return Session(
            name=who.name,
            scopes=tuple(scope.value for scope in Scope if scope in who.scopes),
            expires=None if left_s is None else self.clock.now() + left_s,
        )


def _cookie(request: Request, secret: str, age_s: int) -> str:
    """What a browser is told to keep (RFC 6265 4.1). A proxy with TLS shows in the Origin."""
    secure = "; Secure" if request.fields.get("origin", "").startswith("https:") else ""
    return f"{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age_s}{secure}"
