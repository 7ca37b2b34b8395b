"""Runs in virtual time that repeat themselves.

Two things make a run the same every time: all chance comes from one seed (`empath.sim.entropy`), and the tasks run in
the same order. The second is Trio's business. It shuffles the tasks that are ready, so that no program comes to rely on
an order, and has a switch, made for Hypothesis, that makes the shuffle depend on a generator which can be seeded. Each
seed is then another order, and the same seed the same one. The switch is private to Trio; the canary in
``tests/sim/test_run.py`` sings if it goes away.

What no seed covers: bytes that OpenSSL makes up. A signature may be a byte longer in the next run, which no event
depends on as long as simulated links have no limit on bandwidth.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import trio
from trio._core import _run as scheduler
from trio.testing import MockClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

T = TypeVar("T")

SWITCH = "_ALLOW_DETERMINISTIC_SCHEDULING"


def simulate(function: Callable[[], Awaitable[T]], *, seed: int) -> T:
    """Run an async function on a clock that jumps ahead whenever every task waits. Returns its result.

    Trio's clock starts at 0. Nothing inside may use threads, real sockets or real files: the clock does not see them.
    """
    with repeatable_order(seed):
        return trio.run(function, clock=MockClock(autojump_threshold=0))


@contextmanager
def repeatable_order(seed: int) -> Iterator[None]:
    """Make the order in which tasks run a function of the seed, for the `trio.run` inside."""
    switch, order = getattr(scheduler, SWITCH), scheduler._r.getstate()
    setattr(scheduler, SWITCH, True)
    scheduler._r.seed(seed)
    try:
        yield
    finally:
        setattr(scheduler, SWITCH, switch)
        scheduler._r.setstate(order)
