"""The fate of one recipient: Status x Event -> Status.

Every recipient of a message is a delivery of its own from the moment of acceptance. Nothing but this table changes its
status. The table, drawn by ``diagram()``: a cell names the status that follows, and in an empty cell the event cannot
happen. ``failed``, ``expired`` and ``completed`` are final, and have no columns.

::

    event    pending      in_progress  retry        uncertain    held
    claim    in_progress               in_progress  in_progress
    return                pending
    deliver               completed
    defer                 retry
    bounce                failed
    lose                  uncertain
    expire   expired      expired      expired      expired
    hold     held                      held         held
    release                                                      pending

Decided here:

- An attempt that did not take place (a limit, a shutdown, our own fault) is a ``return``, and costs no attempt.
- ``uncertain`` is for those that may have arrived: the reply to the end of the data was lost, or the process was while
  they were in progress. They are tried again like others, since losing mail is worse than sending it twice (RFC 1047).
- A delivery that is given up after a deferral is deferred first and then expires, so that the attempt is counted.
- What is in progress cannot be held: its outcome comes first. What is held does not expire: somebody is looking at it.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from attrs import evolve, frozen

from empath.mail.diagnosis import Diagnosis
from empath.mail.envelope import Recipient
from empath.mail.ids import DeliveryId


class Status(Enum):
    """Where a delivery stands. The value is the word for commands, records and metrics."""

    PENDING = "pending"
    """It waits and has no failure behind it that it waits for: new, returned or released."""
    IN_PROGRESS = "in_progress"
    """It is claimed: being attempted, or about to be."""
    RETRY = "retry"
    """Its last attempt was deferred."""
    UNCERTAIN = "uncertain"
    """Its last attempt may have delivered it."""
    HELD = "held"
    """An operator has put it aside."""
    FAILED = "failed"
    EXPIRED = "expired"
    COMPLETED = "completed"

    __hash__ = object.__hash__


class Event(Enum):
    """What can happen to a delivery."""

    CLAIM = "claim"
    RETURN = "return"
    """The attempt did not take place."""
    DELIVER = "deliver"
    DEFER = "defer"
    BOUNCE = "bounce"
    LOSE = "lose"
    """Nobody can say how the attempt ended."""
    EXPIRE = "expire"
    """The time, or the attempts, it was given are used up."""
    HOLD = "hold"
    RELEASE = "release"

    __hash__ = object.__hash__


FINAL: Final = frozenset({Status.FAILED, Status.EXPIRED, Status.COMPLETED})
WAITING: Final = frozenset({Status.PENDING, Status.RETRY, Status.UNCERTAIN})
"""Those that an attempt is due for one day."""
ATTEMPTED: Final = frozenset({Event.DELIVER, Event.DEFER, Event.BOUNCE, Event.LOSE})
"""The events that end an attempt, and count it."""

TABLE: Final[dict[tuple[Status, Event], Status]] = {
    (Status.PENDING, Event.CLAIM): Status.IN_PROGRESS,
    (Status.RETRY, Event.CLAIM): Status.IN_PROGRESS,
    (Status.UNCERTAIN, Event.CLAIM): Status.IN_PROGRESS,
    (Status.IN_PROGRESS, Event.RETURN): Status.PENDING,
    (Status.IN_PROGRESS, Event.DELIVER): Status.COMPLETED,
    (Status.IN_PROGRESS, Event.DEFER): Status.RETRY,
    (Status.IN_PROGRESS, Event.BOUNCE): Status.FAILED,
    (Status.IN_PROGRESS, Event.LOSE): Status.UNCERTAIN,
    (Status.PENDING, Event.EXPIRE): Status.EXPIRED,
    (Status.IN_PROGRESS, Event.EXPIRE): Status.EXPIRED,
    (Status.RETRY, Event.EXPIRE): Status.EXPIRED,
    (Status.UNCERTAIN, Event.EXPIRE): Status.EXPIRED,
    (Status.PENDING, Event.HOLD): Status.HELD,
    (Status.RETRY, Event.HOLD): Status.HELD,
    (Status.UNCERTAIN, Event.HOLD): Status.HELD,
    (Status.HELD, Event.RELEASE): Status.PENDING,
}


def after(status: Status, event: Event) -> Status | None:
    """The status after ``event``; None: it cannot happen there."""
    return TABLE.get((status, event))


@frozen(kw_only=True)
class Delivery:
    """One recipient of one message, and how far its mail has come."""

    id: DeliveryId
    recipient: Recipient
    created: float
    """The moment of acceptance, from which its age counts: wall clock, seconds since 1970."""
    next_attempt: float | None
    """The moment before which nothing is attempted: wall clock. None: nothing will be, unless somebody releases it."""
    status: Status = Status.PENDING
    attempts: int = 0
    """How many have ended."""
    last: Diagnosis | None = None
    """Why the latest attempt that failed did so."""

    def moved(self, event: Event, *, next_attempt: float | None = None, last: Diagnosis | None = None) -> Delivery:
        """The same delivery after ``event``.

        ``next_attempt`` is needed where one follows, and where it is claimed: it then says when to try again in case
        nobody lives to record the outcome. A ValueError: the event cannot happen now, or the moment is missing or one
        too many.
        """
        status = after(self.status, event)
        if status is None:
            raise ValueError(f"{self.id} is {self.status.value}: {event.value} cannot happen to it")
        if (next_attempt is None) is (status in WAITING or status is Status.IN_PROGRESS):
            raise ValueError(f"{self.id} becomes {status.value}, and its next attempt is {next_attempt}")
        attempts = self.attempts + (event in ATTEMPTED)
        return evolve(self, status=status, attempts=attempts, next_attempt=next_attempt, last=last or self.last)


def diagram() -> str:
    """The table as text, in the form that stands in the docstring of this module."""
    statuses = [status for status in Status if status not in FINAL]
    lines = ["event    " + "".join(status.value.ljust(13) for status in statuses)]
    for event in Event:
        goals = [after(status, event) for status in statuses]
        lines.append(f"{event.value:<9}" + "".join((goal.value if goal else "").ljust(13) for goal in goals))
    return "\n".join(line.rstrip() for line in lines)
