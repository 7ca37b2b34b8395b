"""The circuit breaker of a site: after so many failures in a row it is left alone, then tried with a few probes.

The caller tells it of calls to the site, which are attempts that got as far as dialling. Only what is charged to the
site is a failure (`empath.mail.Charge`); a host that refuses a recipient is up and well, and that is a success here.

The table, drawn by ``diagram()``. A cell names the state that follows; in an empty cell the event cannot happen.

::

    event    closed     open       half_open
    trip     open                  open
    elapse              half_open
    prove                          closed
    isolate  open       open       open
    reset    closed     closed     closed

``trip``: the ``failure_threshold``-th failure in a row; in half_open, any failure. ``elapse``: its time has passed.
``prove``: ``half_open_max_calls`` probes have succeeded. Half_open admits that many and no more, so that a site that
has just come back is not met by the whole queue. ``isolate`` and ``reset`` are what an operator may do to it.

It is open for ``timeout`` seconds, and for twice as long each time that a probe fails, up to ``max_timeout``: a site
that stays away is asked less and less often, and is never further away than that. Closing makes it forget all this.

A call counts in the period that admitted it, and in no other: a time-out that began before the breaker opened says
nothing about what the probes find. That is what the ticket is for.
"""

from __future__ import annotations

from enum import Enum
from math import inf
from typing import Final, NewType

from attrs import define, field

Ticket = NewType("Ticket", int)
"""Admits one call, and is handed back with what it came to."""


class BreakerState(Enum):
    """Whether calls are let through. The value is the word for commands, facts and metrics."""

    CLOSED = "closed"
    """They are."""
    OPEN = "open"
    """None is."""
    HALF_OPEN = "half_open"
    """A few are, as probes."""

    __hash__ = object.__hash__


class BreakerEvent(Enum):
    """What moves a breaker."""

    TRIP = "trip"
    ELAPSE = "elapse"
    PROVE = "prove"
    ISOLATE = "isolate"
    RESET = "reset"

    __hash__ = object.__hash__


TABLE: Final[dict[tuple[BreakerState, BreakerEvent], BreakerState]] = {
    (BreakerState.CLOSED, BreakerEvent.TRIP): BreakerState.OPEN,
    (BreakerState.OPEN, BreakerEvent.ELAPSE): BreakerState.HALF_OPEN,
    (BreakerState.HALF_OPEN, BreakerEvent.TRIP): BreakerState.OPEN,
    (BreakerState.HALF_OPEN, BreakerEvent.PROVE): BreakerState.CLOSED,
    **{(state, BreakerEvent.ISOLATE): BreakerState.OPEN for state in BreakerState},
    **{(state, BreakerEvent.RESET): BreakerState.CLOSED for state in BreakerState},
}


def after(state: BreakerState, event: BreakerEvent) -> BreakerState | None:
    """The state after ``event``; None: it cannot happen there."""
    return TABLE.get((state, event))


@define(eq=False, kw_only=True)
class Breaker:
    """The breaker of one site. Time is monotonic, in seconds, and an argument."""

    failure_threshold: int = 5
    timeout_s: float = 60.0
    max_timeout_s: float = 900.0
    """Means nothing where it is shorter than ``timeout_s``."""
    half_open_max_calls: int = 3
    state: BreakerState = field(default=BreakerState.CLOSED, init=False)
    _period: int = field(default=0, init=False)
    _failures: int = field(default=0, init=False)
    """In a row, in this period."""
    _probes: int = field(default=0, init=False)
    """Admitted in this period, without those that were handed back."""
    _proofs: int = field(default=0, init=False)
    _until: float = field(default=-inf, init=False)
    _next_s: float = field(default=0.0, init=False)
    """For how long it opens if a probe fails; 0 while it is closed."""

    @property
    def failures(self) -> int:
        """How many calls have failed in a row, of those that count now."""
        return self._failures

    @property
    def until(self) -> float | None:
        """When an open breaker admits the first probe, inf if never; None: it is not open."""
        return self._until if self.state is BreakerState.OPEN else None

    def room(self, now: float) -> float:
        """How many calls ``admit`` would let through now; inf: any number."""
        if self.state is BreakerState.CLOSED:
            return inf
        if self.state is BreakerState.HALF_OPEN:
            return self.half_open_max_calls - self._probes
        return self.half_open_max_calls if now >= self._until else 0

    def admit(self, now: float) -> Ticket | None:
        """Let a call through, or not. Every ticket is to be handed back, by exactly one of the methods below."""
        if self.state is BreakerState.OPEN and now >= self._until:
            self._move(BreakerEvent.ELAPSE)
        if self.state is BreakerState.OPEN:
            return None
        if self.state is BreakerState.HALF_OPEN:
            if self._probes >= self.half_open_max_calls:
                return None
            self._probes += 1
        return Ticket(self._period)

    def succeed(self, ticket: Ticket) -> None:
        """The site answered, whatever it said."""
        if ticket != self._period:
            return
        self._failures = 0
        if self.state is BreakerState.HALF_OPEN:
            self._proofs += 1
            if self._proofs >= self.half_open_max_calls:
                self._move(BreakerEvent.PROVE)

    def fail(self, ticket: Ticket, now: float) -> None:
        """The call failed, and the site is to blame."""
        if ticket != self._period:
            return
        self._failures += 1
        if self.state is BreakerState.HALF_OPEN or self._failures >= self.failure_threshold:
            open_s = self._next_s or self.timeout_s
            self._until = now + open_s
            self._next_s = max(self.timeout_s, min(2 * open_s, self.max_timeout_s))
            self._move(BreakerEvent.TRIP)

    def withdraw(self, ticket: Ticket) -> None:
        """The call ended without telling anything about the site: it may be made again."""
        if ticket == self._period and self.state is BreakerState.HALF_OPEN:
            self._probes -= 1

    def isolate(self, until: float) -> None:
        """Leave the site alone until then, whatever is known of it; inf: until ``reset``."""
        self._until = until
        self._next_s = self.timeout_s
        self._move(BreakerEvent.ISOLATE)

    def reset(self) -> None:
        """Forget all that is known of the site, and let calls through."""
        self._move(BreakerEvent.RESET)

    def inherit(self, other: Breaker) -> None:
        """Stand as another breaker of the same site does; thresholds and times are those of this one."""
        self.state, self._until, self._next_s = other.state, other._until, other._next_s

    def _move(self, event: BreakerEvent) -> None:
        self.state = TABLE[self.state, event]
        if self.state is BreakerState.CLOSED:
            self._next_s = 0.0
        self._period += 1
        self._failures = self._probes = self._proofs = 0


def diagram() -> str:
    """The table as text, in the form that stands in the docstring of this module."""
    lines = ["event    " + "".join(state.value.ljust(11) for state in BreakerState)]
    for event in BreakerEvent:
        goals = [after(state, event) for state in BreakerState]
        lines.append(f"{event.value:<9}" + "".join((goal.value if goal else "").ljust(11) for goal in goals))
    return "\n".join(line.rstrip() for line in lines)
