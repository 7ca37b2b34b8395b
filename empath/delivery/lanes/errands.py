"""Errands: what a job waits for that is with a sender already, and not with a host yet.

A sender looks up where to go, and may have to wait for leave to connect. Both are recorded while they last, so that
nobody is told of such a message that it is under way.
"""

from __future__ import annotations

from collections.abc import Callable

from empath.delivery.lanes.cause import Cause
from empath.delivery.lanes.job import Job
from empath.delivery.lanes.lane import Lane


def begin(lane: Lane, job: Job, cause: Cause) -> None:
    """A job waits for this, in the hands of its sender."""
    if lane.errands is None:
        lane.errands = {}
    lane.errands[id(job)] = (job, cause)


def end(lane: Lane, job: Job) -> None:
    """It does not any more. What is left is nothing, so that a lane at rest has nothing to keep."""
    if lane.errands is not None:
        lane.errands.pop(id(job), None)
        lane.errands = lane.errands or None


def errand_of(lane: Lane, wanted: Callable[[Job], bool]) -> Cause | None:
    """What the first job that is wanted waits for; None: it is with a host, or is not here."""
    return next((cause for job, cause in (lane.errands or {}).values() if wanted(job)), None)
