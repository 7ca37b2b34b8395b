"""Who asks, and whether he may.

A client of the control socket is known by the user that its process runs as (unix(7)), and may do everything: the mode
of the socket lets in our own user and our group, and the user is looked at again here, in case somebody has opened the
socket to all. Every other client shows a token (RFC 6750), or is a browser in which somebody has logged in (`passes`):
to come from this machine proves nothing, since a page in a browser does so too.

Against such pages two fields are looked at besides. Host must name this machine, or a page could have its own name lead
here. Origin, which browsers send along when they change something, must be this very site or one that is configured.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from math import ceil
from typing import Final
from urllib.parse import urlsplit

import trio
from attrs import define, field

from empath.config.schema import ApiSettings
from empath.ops.api.passes import Passes, Principal
from empath.ops.api.problems import Code, Problem
from empath.ops.api.tokens import Scope, TokenFile, digest_of
from empath.ops.http import Request, Response
from empath.ops.http.hosts import is_own
from empath.policy.bucket import TokenBucket
from empath.world.endpoint import PeerCredentials, UnixEndpoint
from empath.world.ports import Entropy
from empath.world.privileges import name_of

_MAX_BUCKETS: Final = 1000
COOKIE: Final = "empath_session"
_READS: Final = frozenset({"GET", "HEAD"})


NOBODY: Final = Principal("nobody", frozenset())


def is_admitted(peer: PeerCredentials, *, user: int, group: int) -> bool:
    """Whether a process may control a daemon that runs as this user and group."""
    return peer.user in (0, user) or group in peer.groups


def cookies_of(request: Request) -> dict[str, str]:
    """Return the cookies that a browser sends along (RFC 6265 4.2.1)."""
    pairs = (pair.strip().partition("=") for pair in request.fields.get("cookie", "").split(";"))
    return {name: value for name, _, value in pairs}


@define(eq=False, kw_only=True)
class Access:
    """Looks at each request before anybody else does."""

    settings: ApiSettings
    own_name: str
    tokens: TokenFile | None
    """None: nobody can come over TCP."""
    own_ids: Callable[[], tuple[int, int]]
    """As which user and group this process runs."""
    entropy: Entropy
    passes: Passes = field(init=False)
    """What browsers are let in by."""
    _buckets: OrderedDict[str, TokenBucket] = field(init=False, factory=OrderedDict)

    @passes.default
    def _no_passes(self) -> Passes:
        return Passes(settings=self.settings, entropy=self.entropy, is_token=self._is_token)

    async def _is_token(self, digest: str) -> bool:
        return self.tokens is not None and await self.tokens.with_digest(digest) is not None

    async def holds(self, who: Principal) -> bool:
        """Whether what somebody was known by still is: his token is in the file, his session has not ended."""
        if not who.proof:
            return True
        return await self._is_token(who.proof) or await self.passes.session(who.proof) is not None

    async def principal(self, request: Request, scope: Scope | None) -> Principal:
        """Return who asks. Raises Problem unless he may do what needs this scope, now."""
        if not isinstance(request.peer, UnixEndpoint):
            self._check_site(request)
        principal = await self._known(request, scope)
        self._check_rate(principal)
        if not principal.may(scope) and scope is not None:
            held = ", ".join(one.value for one in Scope if one in principal.scopes) or "none"
            raise Problem(
                403,
                Code.SCOPE,
                f"{principal.name} may not do this",
                why=f"it needs the scope {scope.value}, and this token has {held}",
                remedy=f"make a token that may: empath token new --scope {scope.value}",
            )
        return principal

    async def refusal_to_read(self, request: Request) -> Response | None:
        """The answer to somebody who may not look at anything; None: he may."""
        try:
            await self.principal(request, Scope.READ)
        except Problem as problem:
            return problem.response()
        return None

    def _check_site(self, request: Request) -> None:
        allowed = {urlsplit(one).netloc.lower().partition(":")[0] for one in self.settings.allowed_origins}
        if not (is_own(request.host, self.own_name) or request.host in allowed):
            raise Problem(
                421,
                Code.HOST,
                f"{request.host} is not here",
                why="a page on the Web could have its own name lead here, and act in the name of whoever reads it",
                remedy="use an IP address, localhost, or the name under hostname; or add it to api.allowed_origins",
            )
        if request.method not in _READS:
            self.check_origin(request, needed=COOKIE in cookies_of(request) and "authorization" not in request.fields)

    def check_origin(self, request: Request, *, needed: bool) -> None:
        """Raise Problem if it was a page of another site that asks. ``needed``: browsers say here who asks."""
        origin = request.fields.get("origin", "" if needed else None)
        if origin is None or origin in self.settings.allowed_origins:
            return
        if not origin or urlsplit(origin).netloc.lower() != request.fields.get("host", "").lower():
            raise Problem(
                403,
                Code.ORIGIN,
                f"a page of {origin[:200] or 'an unknown site'} may do nothing here",
                why="it could act in the name of whoever reads it",
                remedy="add that origin to api.allowed_origins if it is yours",
            )

    async def _known(self, request: Request, scope: Scope | None) -> Principal:
        if request.credentials is not None:
            return self._user(request.credentials)
        kind, _, token = request.fields.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return await self.bearer(token.strip())
        if not kind and (cookie := cookies_of(request).get(COOKIE)):
            known = await self.passes.session(digest_of(cookie))
            if known is not None:
                return known
        if scope is None and not kind:
            return NOBODY
        raise self._nameless("nobody knows who asks")

    async def bearer(self, token: str) -> Principal:
        """Return whose token this is (RFC 6750). Raises Problem."""
        found = None if self.tokens is None else await self.tokens.find(token)
        if found is None:
            raise self._nameless("the token is not in api.tokens_file")
        return Principal(found.name, found.scopes, found.digest)

    def _nameless(self, why: str) -> Problem:
        if self.tokens is None:
            why = "the configuration names no api.tokens_file, so only the control socket is answered, and logins"
        return Problem(
            401,
            Code.NAMELESS,
            "no token that is known here",
            why=why,
            remedy="send Authorization: Bearer TOKEN; `empath token new` makes one",
            fields={"WWW-Authenticate": 'Bearer realm="empath"'},
        )

    def _user(self, peer: PeerCredentials) -> Principal:
        user, group = self.own_ids()
        name = name_of(peer.user)
        if not is_admitted(peer, user=user, group=group):
            raise Problem(
                403,
                Code.STRANGER,
                f"the user {name} may not control this daemon",
                why="only root, the user of the daemon and the members of its group may",
                remedy=f"add {name} to that group, and log in again",
            )
        return Principal(f"unix:{name}", frozenset(Scope))

    def _check_rate(self, principal: Principal) -> None:
        """One bucket for each name; of those who have none together."""
        rate = self.settings.rate_limit
        bucket = self._buckets.pop(principal.name, None) or TokenBucket(rate.per_second, rate.at_once)
        self._buckets[principal.name] = bucket
        if len(self._buckets) > _MAX_BUCKETS:
            self._buckets.popitem(last=False)
        now = trio.current_time()
        if not bucket.take(now):
            wait_s = ceil(bucket.ready_at - now)
            raise Problem(
                429,
                Code.TOO_FAST,
                f"{principal.name} asks too often",
                why="api.rate_limit says how many requests one token may make",
                remedy=f"wait {wait_s} s, or ask for more at a time",
                fields={"Retry-After": str(wait_s)},
            )
