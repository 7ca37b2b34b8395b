"""Levels of the log that hold for a while: ``/log/levels``."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Annotated, Literal

import msgspec
import trio
from attrs import frozen

from empath.config.units import UnitError, parse_duration
from empath.ops.api.problems import Code, Problem
from empath.ops.api.reading import Nothing
from empath.ops.api.route import Call, Route, get, route
from empath.ops.api.tokens import Scope
from empath.ops.logbook.levels import Levels, UnknownLevel


class OwnLevelView(msgspec.Struct, frozen=True, kw_only=True):
    """A level that somebody has set."""

    part: str
    """``delivery.finding``, with all that is below it; empty: all of Empath."""
    level: str
    ends_in_s: float | None
    """None: with the daemon."""


class LevelList(msgspec.Struct, frozen=True, kw_only=True):
    """The levels that differ from ``log.level``."""

    schema: Literal["empath.log-levels/1"] = "empath.log-levels/1"
    levels: tuple[OwnLevelView, ...]


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"duration": "for"}):
    """A level to be set."""

    part: Annotated[str, msgspec.Meta(max_length=100)] = ""
    level: str
    duration: str | None = None
    """None: as long as the daemon runs."""


class PartQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which part."""

    part: Annotated[str, msgspec.Meta(max_length=100)] = ""


@frozen
class LogRoutes:
    """See the module. ``acted``: told who did what to which part, as verb and words."""

    _levels: Levels
    _acted: Callable[[str, str, str], None]

    def routes(self) -> tuple[Route, ...]:
        """The routes of this room."""
        return (
            get("/log/levels", self._list, Scope.READ),
            route("PUT", "/log/levels", self._set, Scope.OPERATE),
            route("DELETE", "/log/levels", self._take_back, Scope.OPERATE),
        )

    async def _list(self, _: Call[Nothing, Nothing]) -> LevelList:
        """List the levels of the log that differ from the configuration."""
        await trio.lowlevel.checkpoint()
        return self._view()

    async def _set(self, call: Call[Nothing, Wanted]) -> LevelList:
        """Write more or less of one part of Empath to the log, for a while."""
        await trio.lowlevel.checkpoint()
        wanted = call.content
        try:
            for_s = inf if wanted.duration is None else parse_duration(wanted.duration)
            self._levels.set(wanted.part, wanted.level, for_s=for_s)
        except (UnitError, UnknownLevel) as problem:
            why = "what is not understood would show other lines than you look for, so nothing was changed"
            raise Problem(422, Code.CONTENT, str(problem), why=why, remedy="for example debug, for 10m") from problem
        duration = f" --for {wanted.duration}" if wanted.duration else ""
        self._acted(call.who.name, "log level", f"{wanted.part or '(all)'}={wanted.level.lower()}{duration}")
        return self._view()

    async def _take_back(self, call: Call[PartQuery, Nothing]) -> LevelList:
        """Let the level of the configuration hold again for one part."""
        await trio.lowlevel.checkpoint()
        if not self._levels.take_back(call.query.part):
            part = call.query.part or "all of Empath"
            why = "a level ends by itself when its time is over, and with the daemon"
            raise Problem(404, Code.NO_PATH, f"no level is set for {part}", why=why, remedy="GET /api/v1/log/levels")
        self._acted(call.who.name, "log reset", call.query.part or "(all)")
        return self._view()

    def _view(self) -> LevelList:
        now = trio.current_time()
        return LevelList(
            levels=tuple(
                OwnLevelView(part=part, level=one.level, ends_in_s=None if one.ends == inf else one.ends - now)
                for part, one in sorted(self._levels.own.items())
            )
        )
