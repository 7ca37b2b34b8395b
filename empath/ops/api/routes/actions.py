"""Doing something to much mail at once: ``/actions``, and the jobs that come of it.

Nothing is done to a selection that is empty, unless everything is asked for in so many words and the number is right:
a typing error must not be able to empty a queue.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final, Literal

import msgspec
import trio
from attrs import frozen

from empath.mail.quoting import plain
from empath.ops.acting import Job, Jobs, Verb
from empath.ops.api.problems import Code, Problem
from empath.ops.api.reading import Nothing
from empath.ops.api.route import Answer, Call, Route, get, route
from empath.ops.api.routes.messages import Reason
from empath.ops.api.selecting import DomainsOf, Selection, message_id, no_message, selector_of
from empath.ops.api.tokens import Scope
from empath.ops.views.jobs import JobList, JobView, Tally, job_view
from empath.spool.contract import Row, Selector
from empath.world.ports import Clock

_MAX_TALLIED: Final = 10_000
_SHOWN: Final = 10


class Action(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to do, and to what."""

    verb: Literal["retry", "hold", "release", "bounce", "fail", "delete", "undelete"]
    selector: Selection = Selection()
    reason: str = ""
    all: bool = False
    """With an empty selector: everything is meant."""
    expect: int | None = None
    """How many deliveries it is for, as a dry run has said. With another number nothing is done."""
    dry_run: bool = False


@frozen(kw_only=True)
class ActionRoutes:
    """See the module."""

    jobs: Jobs
    clock: Clock
    domains_of: DomainsOf

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (
            route("POST", "/actions", self._act, Scope.OPERATE, status=202),
            route("POST", "/messages/{mid}/bounce", self._bounce, Scope.OPERATE, status=202),
            get("/jobs", self._list, Scope.READ),
            get("/jobs/{id}", self._one, Scope.READ),
            route("POST", "/jobs/{id}/cancel", self._cancel, Scope.OPERATE),
            route("POST", "/jobs/{id}/undo", self._undo, Scope.OPERATE),
        )

    async def _act(self, call: Call[Nothing, Action]) -> Answer[JobView]:
        """Do something to all deliveries that a selector chooses, or with dry_run say to how many.

        The answer is the job, which goes on by itself. An empty selector is refused, unless all is set and expect is
        the number that a dry run has said.
        """
        said, verb = call.content, Verb(call.content.verb)
        selection = msgspec.structs.replace(said.selector, deleted=True) if verb is Verb.UNDELETE else said.selector
        selector = selector_of(selection, now=self.clock.now(), domains_of=self.domains_of)
        if selector.is_everything and not said.all:
            raise _nothing_chosen("nothing chooses what to do it to")
        if said.dry_run:
            return Answer(await self._survey(call, verb, selector), 200)
        if selector.is_everything and said.expect is None:
            raise _nothing_chosen("all is set, and expect is not")
        if said.expect is not None:
            found = (await self._survey(call, verb, selector)).count
            if found != said.expect:
                raise Problem(
                    409,
                    Code.COUNT,
                    f"it is for {found} deliveries, and {said.expect} were expected",
                    why="mail has come or gone since the dry run, so nothing was done",
                    remedy="look again with a dry run",
                )
        shown = " ".join(_words(said.selector, everything=selector.is_everything))
        return await self._begin(verb, selector, shown=shown, by=call.who.name, why=said.reason)

    async def _bounce(self, call: Call[Nothing, Reason]) -> Answer[JobView]:
        """End a message, and report that to its sender once it cannot be undone any more."""
        mid = message_id(call.names["mid"])
        selector = Selector(ids=frozenset({mid}))
        if not (await self.jobs.hands.find(selector, now=self.clock.now(), limit=1)).rows:
            raise no_message(str(mid))
        who, why = call.who.name, call.content.reason
        return await self._begin(Verb.BOUNCE, selector, shown=str(mid), by=who, why=why)

    async def _begin(self, verb: Verb, selector: Selector, *, shown: str, by: str, why: str) -> Answer[JobView]:
        job = self.jobs.begin(verb, selector, shown=shown, by=by, why=plain(why, utf8=True))
        if job is None:
            reason, remedy = "api.max_jobs are at work", "wait for one, or cancel it: empathctl jobs list"
            raise Problem(503, Code.NOT_NOW, "no further job can begin now", why=reason, remedy=remedy)
        await trio.lowlevel.checkpoint()
        return Answer(job_view(job), 202, {"Location": f"/api/v1/jobs/{job.number}"})

    async def _survey(self, call: Call[Nothing, Action], verb: Verb, selector: Selector) -> JobView:
        domains, senders = Counter[str](), set[str]()
        found = 0

        def see(row: Row) -> None:
            nonlocal found
            found += 1
            if len(domains) < _MAX_TALLIED or row.domain in domains:
                domains[row.domain] += 1
            if len(senders) <= _MAX_TALLIED:
                senders.add(row.sender)

        await self.jobs.survey(verb, selector, see)
        said = call.content
        return JobView(
            id=None,
            verb=verb.value,
            selector=" ".join(_words(said.selector, everything=selector.is_everything)),
            by=call.who.name,
            reason=said.reason,
            state="dry_run",
            count=found,
            skipped=0,
            started=None,
            ended=None,
            undo_until=None,
            domains=tuple([Tally(name=name, deliveries=number) for name, number in domains.most_common(_SHOWN)]),
            senders=len(senders) if len(senders) <= _MAX_TALLIED else None,
        )

    async def _list(self, call: Call[Nothing, Nothing]) -> JobList:
        """List the jobs, the newest first."""
        await trio.lowlevel.checkpoint()
        return JobList(jobs=tuple(map(job_view, self.jobs.all())))

    async def _one(self, call: Call[Nothing, Nothing]) -> JobView:
        """Show a job and how far it is."""
        await trio.lowlevel.checkpoint()
        return job_view(self._job(call))

    async def _cancel(self, call: Call[Nothing, Nothing]) -> JobView:
        """Stop a job. What it did stays done."""
        job = self._job(call)
        if not self.jobs.cancel(job):
            raise _too_late(job, "cancelled", "it is not at work")
        await trio.lowlevel.checkpoint()
        return job_view(job)

    async def _undo(self, call: Call[Nothing, Nothing]) -> JobView:
        """Take back what a job did."""
        job = self._job(call)
        if await self.jobs.undo(job, by=call.who.name) is None:
            raise _too_late(job, "undone", "its time is over, it is at work, or there is no way back")
        return job_view(job)

    def _job(self, call: Call[Nothing, Nothing]) -> Job:
        name = call.names["id"]
        job = self.jobs.find(int(name)) if name.isascii() and name.isdigit() and len(name) < 10 else None
        if job is None:
            why, remedy = "it was never begun, before a restart, or long ago", "`empathctl jobs list` shows those known"
            raise Problem(404, Code.NO_JOB, f"there is no job {name[:40]}", why=why, remedy=remedy)
        return job


def _words(said: Selection, *, everything: bool) -> Iterator[str]:
    """A selection in the words of the commands."""
    if everything:
        yield "--all"
    for one in msgspec.structs.fields(said):
        value: object = getattr(said, one.name)
        option = f"--{one.name.replace('_', '-')}"
        for each in value if isinstance(value, tuple) else [value]:
            if one.name == "id":
                yield str(each)
            elif each is True:
                yield option
            elif each is not None and each is not False:
                yield f"{option} {each or '<>'}"


def _nothing_chosen(what: str) -> Problem:
    return Problem(
        422,
        Code.EMPTY_SELECTOR,
        what,
        why="a selector that was forgotten would be one that means all mail, so nothing was done",
        remedy="choose by name, domain, lane, sender or age; or type --all, with the number of a dry run as expect",
    )


def _too_late(job: Job, done: str, why: str) -> Problem:
    remedy = f"look at it with `empathctl jobs view {job.number}`"
    return Problem(409, Code.JOB_OVER, f"job {job.number} cannot be {done}", why=why, remedy=remedy)
