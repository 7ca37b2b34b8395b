"""How the daemon ends: intake stops at once, what is under way may finish, and there is a last moment for all of it.

The table, drawn by ``diagram()``::

    state     ASKED     EXPIRED
    RUNNING   DRAINING
    DRAINING  CUT       CUT
    CUT       CUT       CUT

RUNNING accepts and delivers. DRAINING has cancelled ``intake`` (listeners, dispatcher); sessions and attempts go on,
and ``drain`` ends them when the grace is over. CUT has ended them. ASKED is a signal: the first one begins, the second
makes the last moment now. EXPIRED is that moment.

One thing is not cut by the end of a scope around it: an attempt that has sent the final dot and waits for its reply,
since nobody knows then whether the message was delivered. Such a wait takes a ``shield()``, which only the last moment
outranks.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from enum import Enum
from types import TracebackType
from typing import Final

import trio
from attrs import define, field


class Stage(Enum):
    """How far the end has come."""

    RUNNING = "RUNNING"
    DRAINING = "DRAINING"
    CUT = "CUT"


class Push(Enum):
    """What brings the end on."""

    ASKED = "ASKED"
    EXPIRED = "EXPIRED"


TABLE: Final[dict[tuple[Stage, Push], Stage]] = {
    (Stage.RUNNING, Push.ASKED): Stage.DRAINING,
    (Stage.DRAINING, Push.ASKED): Stage.CUT,
    (Stage.DRAINING, Push.EXPIRED): Stage.CUT,
    (Stage.CUT, Push.ASKED): Stage.CUT,
    (Stage.CUT, Push.EXPIRED): Stage.CUT,
}


def diagram() -> str:
    """The table as text, in the form that stands in the docstring of this module."""
    lines = ["state     " + "".join(push.value.ljust(10) for push in Push)]
    for stage in Stage:
        goals = [TABLE.get((stage, push)) for push in Push]
        lines.append(stage.value.ljust(10) + "".join((goal.value if goal else "").ljust(10) for goal in goals))
    return "\n".join(line.rstrip() for line in lines)


@define(eq=False)
class Shutdown:
    """The one switch, and the two scopes that it ends. ``ask`` may be called at any time, inside the event loop."""

    grace_s: float
    intake: trio.CancelScope = field(init=False, factory=trio.CancelScope)
    """Around all that brings new work in."""
    drain: trio.CancelScope = field(init=False, factory=trio.CancelScope)
    """Around all work."""
    paused: bool = field(init=False, default=False)
    """Whether an operator has drained the daemon without ending it: nothing is taken in and nothing attempted."""
    _stage: Stage = field(init=False, default=Stage.RUNNING)
    shielded: set[trio.CancelScope] = field(init=False, factory=set)
    """The scopes that the end of ``drain`` does not reach before the last moment."""

    @property
    def stage(self) -> Stage:
        """How far the end has come."""
        if self._stage is Stage.DRAINING and trio.current_time() >= self.drain.deadline:
            self._stage = TABLE[self._stage, Push.EXPIRED]
        return self._stage

    @property
    def draining(self) -> bool:
        """Whether the end has begun: an idle session or connection should close."""
        return self.stage is not Stage.RUNNING

    @property
    def takes_nothing(self) -> bool:
        """Whether no new work is begun: the end has begun, or an operator wants it so."""
        return self.paused or self.draining

    def ask(self) -> None:
        """End, or if that has begun already: end now."""
        self._stage = TABLE[self.stage, Push.ASKED]
        self.intake.cancel(reason="the daemon is stopping")
        moment = trio.current_time() + (self.grace_s if self._stage is Stage.DRAINING else 0)
        self.drain.deadline = min(self.drain.deadline, moment)
        for scope in self.shielded:
            scope.deadline = min(scope.deadline, self.drain.deadline)

    def shield(self, scope: trio.CancelScope) -> Shield:
        """Let nothing cancel ``scope``, up to its end, but its own deadline and the last moment.

        For the whole block of a scope. It stays shielded when this is left: a scope that is cancelled at the last
        moment would else leave the cancellation to those around it, and nobody would hear what it has to say.
        """
        return Shield(self, scope)


@define(eq=False)
class Shield(AbstractContextManager[None]):
    """The time for which a scope is shielded. A class and no generator, since every message passes one."""

    _shutdown: Shutdown
    _scope: trio.CancelScope

    def __enter__(self) -> None:
        """Begin."""
        self._shutdown.shielded.add(self._scope)
        self._scope.shield = True
        self._scope.deadline = min(self._scope.deadline, self._shutdown.drain.deadline)

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self._shutdown.shielded.discard(self._scope)
