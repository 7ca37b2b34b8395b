"""Levels of the log that somebody has set for a while: to look closely, and not to have to remember to stop."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from math import inf
from typing import Final

import trio
from attrs import define, field, frozen

_ROOT: Final = "empath"
MOST: Final = 100
"""Loggers that may have a level of their own."""


class UnknownLevel(ValueError):
    """There is no such level, or too many loggers have one of their own."""


@frozen(kw_only=True)
class OwnLevel:
    """A level that holds for one part of Empath and what is below it."""

    level: str
    """``debug``, ``info``, ``warning`` or ``error``."""
    ends: float
    """When it ends, on Trio's clock; inf: with the daemon."""


@define(eq=False)
class Levels:
    """Sets levels and takes them back. ``run`` it for as long as there may be any."""

    _own: dict[str, OwnLevel] = field(init=False, factory=dict)
    _changed: trio.Event = field(init=False, factory=trio.Event)

    @property
    def own(self) -> Mapping[str, OwnLevel]:
        """By part, as ``delivery.finding``; the empty one stands for all of Empath."""
        return self._own

    def set(self, part: str, level: str, *, for_s: float = inf) -> None:
        """Let lines of ``part`` through from this level on, for so many seconds. UnknownLevel: nothing has changed."""
        number = logging.getLevelNamesMapping().get(level.upper())
        if number not in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
            raise UnknownLevel(f"{level!r} is no level: debug, info, warning, error")
        if part not in self._own and len(self._own) >= MOST:
            raise UnknownLevel(f"{MOST} parts have a level of their own already; take one back first")
        _logger(part).setLevel(number)
        self._own[part] = OwnLevel(level=level.lower(), ends=trio.current_time() + for_s)
        self._changed.set()

    def take_back(self, part: str) -> bool:
        """Let the level of the configuration hold again; False: it did."""
        if self._own.pop(part, None) is None:
            return False
        _logger(part).setLevel(logging.NOTSET)
        return True

    async def run(self) -> None:
        """Take levels back when their time is over. To be cancelled; all of them end then."""
        try:
            while True:
                with trio.move_on_at(min((one.ends for one in self._own.values()), default=inf)):
                    await self._changed.wait()
                self._changed = trio.Event()
                now = trio.current_time()
                for part in [part for part, one in self._own.items() if one.ends <= now]:
                    self.take_back(part)
        finally:
            for part in list(self._own):
                self.take_back(part)


def _logger(part: str) -> logging.Logger:
    return logging.getLogger(f"{_ROOT}.{part}" if part else _ROOT)
