"""Jobs: what is done to much mail at once, in portions, with exact figures, and undone if it was wrong.

A job chooses page by page and acts on each page by the names of its deliveries, so that other work goes on between two
pages, that its figures are those of the transactions themselves, and that it can be cancelled at any page. The names
are kept as long as the job can be undone.

A bounce is undone best before anybody hears of it. So it first puts everything on hold, which `Jobs.undo` takes back;
the reports leave when the time for that is over. Should the daemon end before, the mail is still on hold then, with the
reason in its note, and somebody has to decide anew: nothing is sent, and nothing is lost.

Jobs are kept in memory, a bounded number of them; what they did is in the audit log.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from typing import Final

import trio
from attrs import define, field

from empath.mail.delivery import Status
from empath.mail.ids import DeliveryId, MessageId
from empath.ops.acting.job import OVER, PORTION, Job, State
from empath.ops.acting.verbs import REVERSE, Hands, Verb
from empath.spool.contract import Changed, Delete, Fail, Row, Selector, SpoolError, Undelete
from empath.world.ports import Clock

_LOG: Final = logging.getLogger(__name__)


@define(eq=False, kw_only=True)
class Jobs:
    """All jobs. ``run`` it for as long as there may be any."""

    hands: Hands
    clock: Clock
    undo_s: float
    """How long a job can be undone."""
    max_jobs: int
    """How many are remembered."""
    max_names_bytes: int = 64 * 1024 * 1024
    """What the names of all jobs may take; beyond it the oldest cannot be undone any more."""
    told: Callable[[Job], None]
    """Called when a job is over, or was undone."""
    touched: Callable[[Job, Verb, frozenset[DeliveryId], Changed], None] = lambda *_: None
    """Called of each portion, with what was done, to which of them, and to how many."""
    _jobs: dict[int, Job] = field(init=False, factory=dict)
    _numbers: Iterator[int] = field(init=False, factory=lambda: count(1))
    _nursery: trio.Nursery | None = field(init=False, default=None)

    async def run(self) -> None:
        """Do what is to be done, until cancelled."""
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            try:
                await trio.sleep_forever()
            finally:
                self._nursery = None

    def all(self) -> list[Job]:
        """Those that are remembered, the newest first."""
        return [*reversed(self._jobs.values())]

    def find(self, number: int) -> Job | None:
        """One of them."""
        return self._jobs.get(number)

    def begin(self, verb: Verb, chosen: Selector, *, shown: str, by: str, why: str) -> Job | None:
        """Begin a job; None: there are too many at work, or nothing runs yet."""
        if self._nursery is None or not self._make_room():
            return None
        job = Job(
            number=next(self._numbers), verb=verb, chosen=chosen, shown=shown, by=by, why=why, started=self.clock.now()
        )
        self._jobs[job.number] = job
        self._nursery.start_soon(self._guard, job)
        return job

    def cancel(self, job: Job) -> bool:
        """Stop after the portion at hand; whether it was still at work. What was done stays done."""
        if job.state is not State.RUNNING:
            return False
        job.scope.cancel(reason="an operator has cancelled the job")
        return True

    async def undo(self, job: Job, *, by: str) -> Changed | None:
        """Take back what a job did; None: it is too late, or there is no way back."""
        reverse = REVERSE.get(job.verb)
        if (
            reverse is None
            or job.undo_until is None
            or self.clock.now() >= job.undo_until
            or job.state not in _UNDOABLE
        ):
            return None
        job.state, job.undone_by = State.UNDONE, by
        job.scope.cancel(reason="an operator has undone the job")
        done = skipped = 0
        for names in job.portions():
            changed = await self.act(reverse, Selector(ids=names, in_trash=reverse is Verb.UNDELETE), by=by, why="undo")
            self.touched(job, reverse, _deliveries(names), changed)
            done, skipped = done + changed.done, skipped + changed.skipped
        job.forget()
        self.told(job)
        return Changed(done=done, skipped=skipped)

    async def act(self, verb: Verb, selector: Selector, *, by: str, why: str) -> Changed:
        """Do something at once to a few deliveries."""
        hands, now = self.hands, self.clock.now()
        match verb:
            case Verb.RETRY:
                return await hands.flush(selector)
            case Verb.HOLD:
                return await hands.hold(selector, by=by, why=why)
            case Verb.RELEASE:
                return await hands.release(selector)
            case Verb.BOUNCE:
                return await hands.bounce(selector, why=why)
            case Verb.FAIL:
                return await hands.apply(Fail(_note(by, why)), selector, now=now)
            case Verb.DELETE:
                return await hands.apply(Delete(_note(by, why)), selector, now=now)
            case Verb.UNDELETE:
                return await hands.apply(Undelete(), selector, now=now)

    async def survey(self, verb: Verb, selector: Selector, see: Callable[[Row], None]) -> None:
        """Show each delivery that ``verb`` would be done to. Nothing is changed."""

        async def look(rows: list[Row]) -> None:
            await trio.lowlevel.checkpoint()
            for row in rows:
                see(row)

        await self._pages(verb, selector, look)

    def _make_room(self) -> bool:
        over = [job for job in self._jobs.values() if job.state in OVER]
        while len(self._jobs) >= self.max_jobs and over:
            del self._jobs[over.pop(0).number]
        for job in list(self._jobs.values()):
            if sum(one.kept_bytes for one in self._jobs.values()) > self.max_names_bytes and job.state is State.DONE:
                job.forget()
        return len(self._jobs) < self.max_jobs

    async def _guard(self, job: Job) -> None:
        try:
            with job.scope:
                await self._do(job)
                job.state = State.DONE
            if job.scope.cancelled_caught and job.state is not State.UNDONE:
                job.state = State.CANCELLED
        except SpoolError as problem:
            job.state, job.trouble = State.FAILED, str(problem)
            _LOG.error("job %d stopped: %s", job.number, problem)
        except Exception as problem:
            job.state, job.trouble = State.FAILED, "a fault of ours; see the log"
            _LOG.exception("job %d stopped: %s", job.number, problem)
        job.ended = self.clock.now()
        if job.state is not State.UNDONE:
            self.told(job)

    async def _do(self, job: Job) -> None:
        first = Verb.HOLD if job.verb is Verb.BOUNCE else job.verb
        why = f"bounce, job {job.number}: {job.why}" if job.verb is Verb.BOUNCE else job.why

        async def change(rows: list[Row]) -> None:
            names = frozenset(row.id for row in rows)
            # What was begun is finished and counted, also when somebody cancels meanwhile.
            with trio.CancelScope(shield=True):
                ids = frozenset[DeliveryId | MessageId](names)
                changed = await self.act(first, Selector(ids=ids, in_trash=rows[0].is_deleted), by=job.by, why=why)
            self.touched(job, first, names, changed)
            job.done += changed.done
            job.skipped += changed.skipped
            if job.verb in REVERSE:
                job.remember(names)

        def skip(number: int) -> None:
            job.skipped += number

        if job.verb in REVERSE:
            job.undo_until = self.clock.now() + self.undo_s
        await self._pages(job.verb, job.chosen, change, skip)
        if job.verb is Verb.BOUNCE:
            job.state = State.WAITING
            await trio.sleep(self.undo_s)
            job.state = State.RUNNING
            await self._bounce(job)

    async def _bounce(self, job: Job) -> None:
        """End what was put on hold. What somebody has released meanwhile is left alone."""
        job.undo_until, job.done = None, 0
        for names in job.portions():
            with trio.CancelScope(shield=True):
                held = Selector(ids=names, statuses=frozenset({Status.HELD}))
                changed = await self.act(Verb.BOUNCE, held, by=job.by, why=job.why)
            job.done += changed.done
            job.skipped += changed.skipped
            await trio.lowlevel.checkpoint()
        job.forget()

    async def _pages(
        self,
        verb: Verb,
        selector: Selector,
        act: Callable[[list[Row]], Awaitable[None]],
        skip: Callable[[int], None] = lambda _: None,
    ) -> None:
        cursor: str | None = None
        while True:
            page = await self.hands.find(selector, now=self.clock.now(), cursor=cursor, limit=PORTION)
            rows = [row for row in page.rows if verb.is_for(row)]
            skip(len(page.rows) - len(rows))
            if rows:
                await act(rows)
            if (cursor := page.cursor) is None:
                return


_UNDOABLE: Final = frozenset({State.DONE, State.WAITING, State.CANCELLED})


def _deliveries(names: frozenset[DeliveryId | MessageId]) -> frozenset[DeliveryId]:
    return frozenset(name for name in names if isinstance(name, DeliveryId))


def _note(by: str, why: str) -> str:
    return f"{by}: {why}" if why else by
