"""Who may come in over the network: ``/tokens``. What a token is stands nowhere, so nothing here could show it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec
from attrs import frozen

from empath.ops.acting import Deed
from empath.ops.api.problems import Code, Problem
from empath.ops.api.reading import Nothing
from empath.ops.api.route import Call, Route, get, route
from empath.ops.api.tokens import Scope, TokenFile


class TokenView(msgspec.Struct, frozen=True, kw_only=True):
    """One that is known."""

    name: str
    """What logs and audit call whoever uses it."""
    scopes: tuple[str, ...]


class TokenList(msgspec.Struct, frozen=True, kw_only=True):
    """Those that are known, in the order of their file."""

    schema: Literal["empath.tokens/1"] = "empath.tokens/1"
    tokens: tuple[TokenView, ...]


class Revoked(msgspec.Struct, frozen=True, kw_only=True):
    """One that is known no longer."""

    schema: Literal["empath.token-revoked/1"] = "empath.token-revoked/1"
    name: str


@frozen(kw_only=True)
class TokenRoutes:
    """See the module."""

    tokens: TokenFile | None
    """None: configuration names no file."""
    revoke: Callable[[str], Awaitable[bool]]
    """Takes a token out of the file; whether there was one. Raises OSError and ValueError: nothing has changed."""
    told: Callable[[Deed], None]

    def routes(self) -> tuple[Route, ...]:
        """The routes of this room."""
        return (
            get("/tokens", self._list, Scope.ADMIN),
            route("DELETE", "/tokens/{name}", self._revoke, Scope.ADMIN, status=200),
        )

    async def _list(self, call: Call[Nothing, Nothing]) -> TokenList:
        """List the tokens that are known, by name and scopes."""
        found = await self._file().all()
        return TokenList(
            tokens=tuple(
                [
                    TokenView(name=one.name, scopes=tuple(scope.value for scope in Scope if scope in one.scopes))
                    for one in found
                ]
            )
        )

    async def _revoke(self, call: Call[Nothing, Nothing]) -> Revoked:
        """Take a token out of the file, and end what was begun with it."""
        name, tokens = call.names["name"], self._file()
        try:
            was_there = await self.revoke(name)
        except (OSError, ValueError) as problem:
            raise Problem(
                409,
                Code.TOKENS,
                f"the token {name[:64]} stays: {getattr(problem, 'strerror', None) or problem}",
                why="the daemon cannot change api.tokens_file, which is safer if it belongs to somebody else",
                remedy="run `empath token revoke` as the owner of the file; within five seconds it holds",
            ) from problem
        if not was_there:
            why, remedy = "the file has no line of this name", "see `empathctl tokens list`"
            raise Problem(404, Code.NO_SUCH_NAME, f"there is no token {name[:64]}", why=why, remedy=remedy)
        tokens.forget()
        self.told(Deed(by=call.who.name, verb="revoke token", selector=name, why=""))
        return Revoked(name=name)

    def _file(self) -> TokenFile:
        if self.tokens is None:
            why, remedy = "the configuration names no api.tokens_file", "set it, and make one with `empath token new`"
            raise Problem(404, Code.NO_SUCH_NAME, "there are no tokens", why=why, remedy=remedy)
        return self.tokens
