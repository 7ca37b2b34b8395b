"""The connections that all lanes share: a bound, and who gives way.

A lane that wants to open a connection when none is left waits in line; an idle connection of another lane, which only
waits for a next message that may never come, is asked to close for it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from attrs import define, field


@define(eq=False)
class Capacity:
    """Counts connections, opened or being opened."""

    limit: int
    reserved: int = 0
    """How many of them only lanes may take that have mail of the highest class."""
    used: int = field(init=False, default=0)
    _idle: dict[object, Callable[[], None]] = field(init=False, factory=dict)
    """Who is idle, longest first, and how to tell them to close."""
    _line: OrderedDict[Callable[[], None], None] = field(init=False, factory=OrderedDict)
    """Lanes to be told when a place becomes free. There may be thousands, and each is looked for again and again."""
    _urgent: OrderedDict[Callable[[], None], None] = field(init=False, factory=OrderedDict)
    """Those of them that have mail of the highest class."""

    def renew(self, limit: int, reserved: int) -> None:
        """Let there be so many from now on. What is open stays; whoever waits is told of places that are new."""
        more = limit - self.limit
        self.limit, self.reserved = limit, reserved
        for _ in range(more):
            self._call()

    def take(self, *, critical: bool = False) -> bool:
        """Take a place if there is one. ``critical``: for mail of the highest class."""
        if self.used >= self._limit(critical=critical):
            return False
        self.used += 1
        return True

    def _limit(self, *, critical: bool) -> int:
        return self.limit if critical else self.limit - self.reserved

    def give_back(self) -> None:
        """A connection has ended; the lane that waits longest is told."""
        self.used -= 1
        self._call()

    def wait(self, tell: Callable[[], None], *, critical: bool = False) -> None:
        """Have ``tell`` called when a place becomes free, and make one free if somebody is idle.

        Whoever was told either takes a place or says ``forget``, so that the next in line hears of it. Mail of the
        highest class does not stand at the end of the line.
        """
        if critical and tell not in self._urgent:
            self._urgent[tell] = None
            self._line.pop(tell, None)
        elif critical or tell in self._line:
            return
        else:
            self._line[tell] = None
        if self._idle:
            owner = next(iter(self._idle))
            self._idle.pop(owner)()

    def has_in_line(self, tell: Callable[[], None]) -> bool:
        """Whether this lane waits for a place."""
        return tell in self._line or tell in self._urgent

    def forget(self, tell: Callable[[], None]) -> None:
        """A lane has nothing to wait for any more."""
        self._urgent.pop(tell, None)
        self._line.pop(tell, None)
        self._call()

    def _call(self) -> None:
        if self._urgent and self.used < self.limit:
            self._urgent.popitem(last=False)[0]()
        elif self._line and self.used < self._limit(critical=False):
            self._line.popitem(last=False)[0]()

    def idle(self, owner: object, close: Callable[[], None]) -> None:
        """``owner`` has a connection and nothing to send; ``close`` may be called until ``busy`` is."""
        if self._line or self._urgent:
            close()
        else:
            self._idle[owner] = close

    def busy(self, owner: object) -> None:
        """``owner`` has something to send again, or has ended."""
        self._idle.pop(owner, None)
