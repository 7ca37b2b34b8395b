"""How many deliveries are in which state, kept up to date, so that nobody has to count them.

It belongs to a store that codes the state of a delivery as ``claimed`` and ``mark``, as ``schema`` says. It changes
with the rows, in the same transaction; when that is undone, so is the tally.
"""

from __future__ import annotations

from typing import Final

from attrs import define, field

from empath.mail.delivery import Status
from empath.spool.contract import Row, Statistics

WAITS: Final = 0
CLAIMED: Final = 1
QUARANTINE: Final = 2
HELD: Final = 3
FAILED: Final = 4
EXPIRED: Final = 5
TRASH: Final = 6
MARKS: Final = (Status.PENDING, Status.RETRY, Status.UNCERTAIN)
"""What one that waits is, by its mark."""
CODES: Final = {
    Status.PENDING: WAITS,
    Status.RETRY: WAITS,
    Status.UNCERTAIN: WAITS,
    Status.IN_PROGRESS: CLAIMED,
    Status.HELD: HELD,
    Status.FAILED: FAILED,
    Status.EXPIRED: EXPIRED,
}
_STATUSES: Final = {
    CLAIMED: Status.IN_PROGRESS,
    QUARANTINE: Status.HELD,
    HELD: Status.HELD,
    FAILED: Status.FAILED,
    EXPIRED: Status.EXPIRED,
}


def status_of(claimed: int, mark: int) -> Status:
    """The word for a state that is not in the trash."""
    return MARKS[mark] if claimed == WAITS else _STATUSES[claimed]


def waiting_state(status: Status) -> tuple[int, int]:
    """``claimed`` and ``mark`` of one that can be claimed."""
    return (HELD, 0) if status is Status.HELD else (WAITS, MARKS.index(status))


def state_of(row: Row) -> tuple[int, int, int | None]:
    """``claimed``, ``mark`` and ``was`` of a row."""
    code = QUARANTINE if row.is_damaged else CODES[row.status]
    mark = MARKS.index(row.status) if code == WAITS else 0
    return (TRASH, mark, code) if row.is_deleted else (code, mark, None)


_SLOTS: Final = (0, 7, 8)
"""Where those that wait are counted, by their mark. The others are counted under their code."""
_MESSAGES: Final = 9


@define(eq=False)
class Tally:
    """The numbers."""

    _counts: list[int] = field(factory=lambda: [0] * 10)

    def add(self, claimed: int, mark: int, count: int = 1) -> None:
        """So many more deliveries are in this state; or fewer, if it is negative."""
        self._counts[claimed or _SLOTS[mark]] += count

    def add_messages(self, count: int) -> None:
        """So many more messages are here; or fewer."""
        self._counts[_MESSAGES] += count

    def saved(self) -> list[int]:
        """The numbers as they are, for ``restore``."""
        return self._counts.copy()

    def restore(self, saved: list[int]) -> None:
        """Undo what was counted since."""
        self._counts = saved

    def statistics(self) -> Statistics:
        """What it comes to."""
        pending, claimed, quarantined, held, failed, expired, deleted, retry, uncertain, messages = self._counts
        return Statistics(
            messages=messages,
            waiting=pending + retry + uncertain,
            claimed=claimed,
            quarantined=quarantined,
            retry=retry,
            uncertain=uncertain,
            held=held,
            failed=failed,
            expired=expired,
            deleted=deleted,
        )
