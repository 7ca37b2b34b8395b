"""Threads for work that blocks.

One pool per use: its own few threads behind one queue, started when they are first needed. A lone hop is a little
cheaper than one by `trio.to_thread.run_sync` (30 microseconds against 45 on an idle machine, 70 each on a busy one:
most of it is the kernel waking a thread and the interpreter handing over its lock). With 30 tasks that hop at once it
is 6 against 50, since a thread that is awake takes the next job without sleeping in between. And a pool of one thread
runs everything in order and on the same thread, which is how a database connection wants to be used.

What is left out on purpose: context variables do not travel along, `trio.from_thread` does not work inside, and a job
cannot be abandoned. Whatever the number of threads, hop once per batch, not once per message.
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

import outcome
import trio
from attrs import define, field

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

Job: TypeAlias = "tuple[Callable[[], object], trio.lowlevel.Task, trio.lowlevel.TrioToken]"


@define(eq=False)
class ThreadOffload:
    """A pool of threads, and those that were split off from it with ``own``.

    The queue has no bound of its own: every job in it has a task that waits for it.
    """

    name: str
    threads: int = field(kw_only=True)
    _jobs: queue.SimpleQueue[Job | None] = field(init=False, factory=queue.SimpleQueue)
    _waiting: int = field(init=False, default=0)
    _started: int = field(init=False, default=0)
    _branches: list[ThreadOffload] = field(init=False, factory=list)

    async def run(self, function: Callable[[], T]) -> T:
        """Call the function in a thread of this pool, once one is free."""
        await trio.lowlevel.checkpoint_if_cancelled()
        self._waiting += 1
        if self._waiting > self._started < self.threads:
            self._start_thread()
        self._jobs.put((function, trio.lowlevel.current_task(), trio.lowlevel.current_trio_token()))
        try:
            return cast("T", await trio.lowlevel.wait_task_rescheduled(_never_abandon))
        finally:
            self._waiting -= 1

    def own(self, name: str, *, threads: int) -> ThreadOffload:
        """Return a pool of its own, which ends together with this one."""
        branch = ThreadOffload(name, threads=threads)
        self._branches.append(branch)
        return branch

    def close(self) -> None:
        """End the threads of this pool and of its branches. No task may be waiting in ``run``."""
        for branch in self._branches:
            branch.close()
        for _ in range(self._started):
            self._jobs.put(None)
        self._started = 0

    def _start_thread(self) -> None:
        self._started += 1
        # A daemon thread: when the event loop has died of a bug, the process must still be able to end.
        threading.Thread(target=_work, args=(self._jobs,), name=f"{self.name}-{self._started}", daemon=True).start()


def _never_abandon(_: Callable[[], None]) -> trio.lowlevel.Abort:
    return trio.lowlevel.Abort.FAILED


def _work(jobs: queue.SimpleQueue[Job | None]) -> None:
    while (job := jobs.get()) is not None:
        function, task, token = job
        token.run_sync_soon(trio.lowlevel.reschedule, task, outcome.capture(function))
        # Else the last job's closure, and all it refers to, would live until the next job comes.
        del job, function, task
