"""What people do to deliveries that they have chosen.

Each action says which deliveries it is for, the others being left as they are, and what it makes of one.
"""

from __future__ import annotations

from typing import Final

from attrs import evolve, frozen

from empath.mail.delivery import FINAL, WAITING, Status
from empath.spool.contract.listing import Row


@frozen
class Hold:
    """Put those that wait on hold: they are not claimed, and do not expire, until they are released."""

    reason: str

    def is_for(self, row: Row) -> bool:
        """Whether this delivery can be held."""
        return not row.is_deleted and row.status in WAITING

    def done_to(self, row: Row, now: float) -> Row:
        """The delivery afterwards."""
        return evolve(row, status=Status.HELD, aside=None, since=now, note=self.reason)


@frozen
class Release:
    """Let those on hold wait again, from now on due. One in quarantine stays there: see ``Spool.release``."""

    def is_for(self, row: Row) -> bool:
        """Whether this delivery is on hold."""
        return not row.is_deleted and row.status is Status.HELD and not row.is_damaged

    def done_to(self, row: Row, now: float) -> Row:
        """The delivery afterwards."""
        return evolve(row, status=Status.PENDING, next_attempt=now, since=0.0, note="")


@frozen
class RetryNow:
    """Make those that wait due now, those that were set aside too. Whatever limits their sites have holds as before."""

    def is_for(self, row: Row) -> bool:
        """Whether this delivery waits."""
        return not row.is_deleted and row.status in WAITING

    def done_to(self, row: Row, now: float) -> Row:
        """The delivery afterwards."""
        return evolve(row, next_attempt=now, aside=None)


@frozen
class Fail:
    """End those that wait, or are held or damaged, as ``FAILED``, without a report to anybody.

    For one with a report: ``Spool.claim_chosen``, then ``Spool.record`` of `Finished` and the report.
    """

    reason: str

    def is_for(self, row: Row) -> bool:
        """Whether this delivery has not ended and is not being attempted."""
        return not row.is_deleted and row.status in _AT_REST

    def done_to(self, row: Row, now: float) -> Row:
        """The delivery afterwards."""
        return evolve(row, status=Status.FAILED, aside=None, since=now, note=self.reason, is_damaged=False)


@frozen
class Delete:
    """Move to the trash what is not being attempted, ended or not. Nobody is told."""

    reason: str = ""

    def is_for(self, row: Row) -> bool:
        """Whether this delivery can be thrown away."""
        return not row.is_deleted and row.status is not Status.IN_PROGRESS

    def done_to(self, row: Row, now: float) -> Row:
        """The delivery afterwards."""
        return evolve(row, is_deleted=True, aside=None, since=now, note=self.reason)


@frozen
class Undelete:
    """Bring back what lies in the trash: it is what it was, and what waited is due when it was."""

    def is_for(self, row: Row) -> bool:
        """Whether this delivery lies in the trash."""
        return row.is_deleted

    def done_to(self, row: Row, now: float) -> Row:
        """The delivery afterwards."""
        return evolve(row, is_deleted=False, since=0.0 if row.status in WAITING else now, note="")


_AT_REST: Final = frozenset(Status) - FINAL - {Status.IN_PROGRESS}

Action = Hold | Release | RetryNow | Fail | Delete | Undelete


@frozen(kw_only=True)
class Changed:
    """What came of an action. Exact: a delivery is counted once, in the transaction that changed it."""

    done: int
    skipped: int
    """Deliveries that were chosen, and that the action is not for."""
