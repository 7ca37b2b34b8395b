"""Jobs as people see them."""

from __future__ import annotations

from typing import Literal

import msgspec

from empath.ops.acting import Job


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """One of several, and how often."""

    name: str
    deliveries: int


class JobView(msgspec.Struct, frozen=True, kw_only=True):
    """A job, or what one would do."""

    schema: Literal["empath.job/1"] = "empath.job/1"
    id: int | None
    """None: nothing is done, this was a dry run."""
    verb: str
    selector: str
    """In the words of the commands."""
    by: str
    reason: str
    state: str
    """``dry_run``, ``running``, ``waiting``, ``done``, ``cancelled``, ``failed``, ``undone``."""
    count: int
    """Deliveries it was done to; of a dry run: that it would be done to."""
    skipped: int
    """Deliveries that were chosen, and that it could not be done to."""
    started: float | None
    ended: float | None
    undo_until: float | None
    """Until when it can be undone. None: it cannot."""
    trouble: str = ""
    domains: tuple[Tally, ...] = ()
    """Of a dry run: the domains with most of them."""
    senders: int | None = None
    """Of a dry run: how many senders there are. None: too many to count."""


class JobList(msgspec.Struct, frozen=True, kw_only=True):
    """All jobs that are remembered, the newest first."""

    schema: Literal["empath.jobs/1"] = "empath.jobs/1"
    jobs: tuple[JobView, ...]


def job_view(job: Job) -> JobView:
    """A job, for people."""
    return JobView(
        id=job.number,
        verb=job.verb.value,
        selector=job.shown,
        by=job.by,
        reason=job.why,
        state=job.state.value,
        count=job.done,
        skipped=job.skipped,
        started=job.started,
        ended=job.ended,
        undo_until=job.undo_until,
        trouble=job.trouble,
    )
