"""Decisions of operators about what is sent: freeze, suspensions, overlays, breakers. They survive a restart."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Literal, Protocol, TypeVar

import msgspec
import trio
from attrs import frozen

from empath.config.units import Period, UnitError, parse_duration, parse_rate, whole_rate
from empath.mail.quoting import plain
from empath.ops.api.problems import Code, Problem
from empath.ops.api.reading import Nothing, Why
from empath.ops.api.route import Answer, Call, Route, get, route
from empath.ops.api.tokens import Scope
from empath.ops.views.lanes import RuleList, RuleView, rule_view
from empath.policy.steering import OperatorRule, RuleKind
from empath.policy.steering import Scope as RuleScope

T = TypeVar("T")


class Control(Protocol):
    """Who carries decisions out. A ValueError says what is wrong with one."""

    def rules(self, *kinds: RuleKind) -> list[OperatorRule]:
        """Those in force."""

    async def suspend(self, scope: RuleScope, *, by: str, why: str, for_s: float | None = None) -> OperatorRule:
        """Attempt nothing of this scope."""

    async def freeze(self, *, by: str, why: str, for_s: float | None = None) -> OperatorRule:
        """Attempt nothing at all."""

    async def thaw(self, *, by: str, why: str = "") -> OperatorRule | None:
        """End the freeze."""

    async def set_limit(
        self,
        scope: RuleScope,
        *,
        rate_per_s: float | None = None,
        connections: int | None = None,
        by: str,
        why: str,
        for_s: float | None = None,
    ) -> OperatorRule:
        """Lay other limits over those of the configuration."""

    async def open_breaker(self, site: str, *, by: str, why: str, for_s: float | None = None) -> OperatorRule:
        """Open a breaker."""

    async def close_breaker(self, site: str, *, by: str, why: str = "") -> bool:
        """Close a breaker."""

    async def reset_lane(self, site: str, *, by: str, why: str = "") -> bool:
        """Forget what a lane has learnt."""

    async def end(self, name: str, *, by: str, why: str = "") -> OperatorRule | None:
        """End a decision."""


class Term(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"duration": "for"}):
    """Why, and for how long."""

    reason: str = ""
    duration: str | None = None
    """None: until somebody ends it."""


class Target(Term, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"duration": "for"}):
    """For what it is. All that is given must be met; at least one is."""

    lane: str | None = None
    domain: str | None = None
    sender: str | None = None

    @property
    def scope(self) -> RuleScope:
        """The same as a value."""
        domain = None if self.domain is None else _clean(self.domain).rstrip(".").lower()
        sender = None if self.sender is None else _clean(self.sender)
        return RuleScope(lane=None if self.lane is None else _clean(self.lane), domain=domain, sender=sender)


class Limit(Target, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"duration": "for"}):
    """Other limits, for a time."""

    rate: str | None = None
    """Like ``50/min``."""
    connections: int | None = None


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """What was ended."""

    schema: Literal["empath.ended/1"] = "empath.ended/1"
    name: str
    changed: bool
    """Whether there was anything to end."""


@frozen(kw_only=True)
class RuleRoutes:
    """See the module."""

    control: Control

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        operate = Scope.OPERATE
        return (
            route("PUT", "/queue/freeze", self._freeze, operate),
            route("DELETE", "/queue/freeze", self._thaw, operate),
            get("/rules", self._all, Scope.READ),
            get("/suspensions", self._suspensions, Scope.READ),
            route("POST", "/suspensions", self._suspend, operate, status=201),
            route("DELETE", "/suspensions/{id}", self._end, operate),
            get("/overlays", self._overlays, Scope.READ),
            route("POST", "/overlays", self._limit, operate, status=201),
            route("DELETE", "/overlays/{id}", self._end, operate),
            route("PUT", "/breakers/{lane}", self._open_breaker, operate),
            route("DELETE", "/breakers/{lane}", self._close_breaker, operate),
            route("POST", "/lanes/{lane}/reset", self._reset, operate),
        )

    async def _all(self, call: Call[Nothing, Nothing]) -> RuleList:
        """List all decisions that are in force, the oldest first."""
        return await self._rules()

    async def _suspensions(self, call: Call[Nothing, Nothing]) -> RuleList:
        """List the suspensions."""
        return await self._rules(RuleKind.SUSPENSION)

    async def _overlays(self, call: Call[Nothing, Nothing]) -> RuleList:
        """List the limits that were laid over those of the configuration."""
        return await self._rules(RuleKind.OVERLAY)

    async def _rules(self, *kinds: RuleKind) -> RuleList:
        await trio.lowlevel.checkpoint()
        return RuleList(rules=tuple(map(rule_view, self.control.rules(*kinds))))

    async def _freeze(self, call: Call[Nothing, Term]) -> RuleView:
        """Stop all attempts of this node. Mail is taken as before."""
        said = call.content
        doing = self.control.freeze(
            by=call.who.name, why=plain(said.reason, utf8=True), for_s=_duration_s(said.duration)
        )
        return rule_view(await _tried(doing))

    async def _thaw(self, call: Call[Why, Nothing]) -> Ended:
        """End the freeze."""
        return Ended(name="freeze", changed=await self.control.thaw(by=call.who.name, why=call.query.words) is not None)

    async def _suspend(self, call: Call[Nothing, Target]) -> Answer[RuleView]:
        """Attempt nothing for a lane, a domain or a sender, of what is here and of what comes."""
        said = call.content
        for_s = _duration_s(said.duration)
        rule = await _tried(
            self.control.suspend(said.scope, by=call.who.name, why=plain(said.reason, utf8=True), for_s=for_s)
        )
        return Answer(rule_view(rule), 201, {"Location": f"/api/v1/suspensions/{rule.id}"})

    async def _limit(self, call: Call[Nothing, Limit]) -> Answer[RuleView]:
        """Lay other limits over those of the configuration, for a time."""
        said = call.content
        doing = self.control.set_limit(
            said.scope,
            rate_per_s=_rate_per_s(said.rate),
            connections=said.connections,
            by=call.who.name,
            why=plain(said.reason, utf8=True),
            for_s=_duration_s(said.duration),
        )
        rule = await _tried(doing)
        return Answer(rule_view(rule), 201, {"Location": f"/api/v1/overlays/{rule.id}"})

    async def _end(self, call: Call[Why, Nothing]) -> RuleView:
        """End a decision: what it changed is as before."""
        name = call.names["id"]
        if name.startswith(f"{RuleKind.DRAIN.value}-"):
            why, remedy = "a drain stops more than attempts, and ends as a whole", "empathctl undrain"
            raise Problem(409, Code.RULE, f"{name[:40]} is a drain", why=why, remedy=remedy)
        ended = await self.control.end(name, by=call.who.name, why=call.query.words)
        if ended is None:
            why, remedy = "it was ended, its time is over, or it was never made", "see `empathctl suspensions`"
            raise Problem(404, Code.NO_LANE, f"there is no {name[:40]}", why=why, remedy=remedy)
        return rule_view(ended)

    async def _open_breaker(self, call: Call[Nothing, Term]) -> RuleView:
        """Open the breaker of a lane. When the time is over it probes as always."""
        said, lane = call.content, call.names["lane"]
        for_s = _duration_s(said.duration)
        return rule_view(
            await _tried(
                self.control.open_breaker(lane, by=call.who.name, why=plain(said.reason, utf8=True), for_s=for_s)
            )
        )

    async def _close_breaker(self, call: Call[Why, Nothing]) -> Ended:
        """Close the breaker of a lane, whoever opened it."""
        lane = call.names["lane"]
        return Ended(
            name=lane, changed=await _tried(self.control.close_breaker(lane, by=call.who.name, why=call.query.words))
        )

    async def _reset(self, call: Call[Why, Nothing]) -> Ended:
        """Close the breaker of a lane, and forget what its hosts have asked for."""
        lane = call.names["lane"]
        return Ended(
            name=lane, changed=await _tried(self.control.reset_lane(lane, by=call.who.name, why=call.query.words))
        )


def _clean(text: str) -> str:
    """In a form that can stand in a log and a table, which no name is changed by."""
    return plain(text, utf8=True)


async def _tried(doing: Awaitable[T]) -> T:
    try:
        return await doing
    except ValueError as error:
        raise _unusable(str(error)) from None


def _duration_s(text: str | None) -> float | None:
    try:
        return None if text is None else parse_duration(text)
    except UnitError as error:
        raise _unusable(str(error)) from None


def _rate_per_s(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        rate = whole_rate(int(text), Period.MINUTE) if text.isascii() and text.isdigit() else parse_rate(text)
    except UnitError as error:
        raise _unusable(str(error)) from None
    return rate.per_second


def _unusable(what: str) -> Problem:
    return Problem(
        422,
        Code.RULE,
        f"this cannot be decided: {what}",
        why="what is not understood would hold for other mail than you mean, so nothing was changed",
        remedy="durations are written like 2h, rates like 50/min",
    )
