"""What passes between a lane and its senders."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from empath.delivery.lanes.job import Job
from empath.policy.breaker import Ticket


class Call(NamedTuple):
    """A job that was taken out, and the breaker's leave to attempt it."""

    job: Job
    ticket: Ticket
    taken_at: float
    """When, on Trio's clock."""


class Sender(Protocol):
    """What a lane starts: the owner of one connection."""

    async def run(self) -> None:
        """Take jobs from the lane until there are none for a while."""
