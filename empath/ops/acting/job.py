"""One job, and how far it is."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Final

import trio
from attrs import define, field

from empath.mail.ids import DeliveryId, MessageId
from empath.ops.acting.verbs import Verb
from empath.spool.contract import Selector

PORTION: Final = 500


class State(Enum):
    """How far a job is."""

    RUNNING = "running"
    WAITING = "waiting"
    """All is on hold; it goes on when it cannot be undone any more."""
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"
    UNDONE = "undone"


OVER: Final = frozenset({State.DONE, State.CANCELLED, State.FAILED, State.UNDONE})


@define(eq=False, kw_only=True)
class Job:
    """One job, and how far it is."""

    number: int
    verb: Verb
    chosen: Selector
    shown: str
    """The selector, for people."""
    by: str
    why: str
    started: float
    state: State = State.RUNNING
    done: int = 0
    """Deliveries it was done to."""
    skipped: int = 0
    """Deliveries that were chosen, and that it could not be done to."""
    ended: float | None = None
    undo_until: float | None = None
    """Until when it can be undone; None: it cannot."""
    trouble: str = ""
    undone_by: str = ""
    """Empty: nobody has undone it."""
    _names: bytearray = field(init=False, factory=bytearray, repr=False)
    scope: trio.CancelScope = field(init=False, factory=trio.CancelScope)

    @property
    def kept_bytes(self) -> int:
        """What its names take."""
        return len(self._names)

    def remember(self, names: frozenset[DeliveryId]) -> None:
        """Keep the names of what was changed."""
        self._names += "".join(f"{name}\n" for name in sorted(names)).encode()

    def forget(self) -> None:
        """It cannot be undone any more."""
        self._names.clear()
        self.undo_until = None

    def portions(self) -> Iterator[frozenset[DeliveryId | MessageId]]:
        """Yield the names of what was changed."""
        names = self._names.decode().split()
        for start in range(0, len(names), PORTION):
            yield frozenset(map(DeliveryId.parse, names[start : start + PORTION]))
