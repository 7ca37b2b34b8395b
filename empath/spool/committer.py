"""Group commit: many operations, one transaction, one flush of the disk.

While one transaction is being flushed, the operations that arrive gather; together they make the next one. So a lone
operation waits for its own flush only, and a hundred sessions share a few. There is no timer and no delay by intent.

An operation either happens as a whole or not at all. Its task is not woken before its transaction is committed, and
cannot be cancelled while it waits: a write is never abandoned, and nobody is told of one that did not happen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, Protocol, TypeVar, cast

import outcome
import trio
from attrs import define, field

from empath.spool.contract.watch import Operation as Kind
from empath.spool.contract.watch import SpoolWatch
from empath.world.ports import Offload

T = TypeVar("T")
Store_contra = TypeVar("Store_contra", contravariant=True)
Store_co = TypeVar("Store_co", covariant=True)
Store = TypeVar("Store")

PATIENCE: Final = 4
"""Transactions that a patient operation lets go first."""


class Operation(Protocol[Store_contra]):
    """Something to do within a transaction. It may be tried again after its transaction was rolled back."""

    def __call__(self, store: Store_contra, /) -> object:
        """Do it, without waiting for anything; an exception undoes this operation and no other."""


class Transactions(Protocol[Store_co]):
    """What a store must offer: a transaction at a time, from one thread at a time."""

    def commit(self, operations: Sequence[Operation[Store_co]], *, durable: bool) -> list[outcome.Outcome[object]]:
        """Do all operations in one transaction and say what became of each.

        With ``durable`` the transaction is on the disk when this returns; without, it is when the next durable one is.
        An error of the transaction itself, not of an operation in it, is raised: then nothing has happened.
        """


@define(eq=False)
class _Ticket(Generic[Store]):
    operation: Operation[Store]
    durable: bool
    task: trio.lowlevel.Task


@define(eq=False)
class Committer(Generic[Store]):
    """The one writer of a store. The queue needs no bound of its own: every entry has a task that waits for it."""

    _transactions: Transactions[Store]
    _offload: Offload
    max_batch: int = field(kw_only=True, default=500)
    """Operations in one transaction: bounds how long the first of them waits for the others."""
    watch: SpoolWatch = field(kw_only=True, factory=SpoolWatch)
    _tickets: deque[_Ticket[Store]] = field(init=False, factory=deque)
    _patient: deque[_Ticket[Store]] = field(init=False, factory=deque)
    _passed: int = field(init=False, default=0)
    """Transactions for which the first patient operation has stood back."""
    _idle: trio.lowlevel.Task | None = field(init=False, default=None)
    _closed: bool = field(init=False, default=False)
    commits: int = field(init=False, default=0)
    """Transactions so far."""
    operations: int = field(init=False, default=0)
    """Operations in them."""

    async def do(self, operation: Callable[[Store], T], *, durable: bool, patient: bool = False) -> T:
        """Have ``operation`` done; return what it returned, or raise what it raised, once it is committed.

        A ``patient`` one is a portion of something long. It has a transaction of its own, before which all goes that
        mail waits for; but it lets `PATIENCE` of them go first, and no more.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._closed:
            raise trio.ClosedResourceError("the store is closed")
        tickets = self._patient if patient else self._tickets
        tickets.append(_Ticket(operation, durable, trio.lowlevel.current_task()))
        self._wake()
        return cast("T", await trio.lowlevel.wait_task_rescheduled(_never_abandon))

    def close(self) -> None:
        """Take no further operations. ``run`` ends when those that wait are done."""
        self._closed = True
        self._wake()

    async def run(self) -> None:
        """Commit what comes, until closed. To be run once, as a task."""
        with trio.CancelScope(shield=True):
            await trio.lowlevel.checkpoint()
            while self._tickets or self._patient or not self._closed:
                if self._patient and (not self._tickets or self._passed == PATIENCE):
                    self._passed = 0
                    await self._commit([self._patient.popleft()])
                elif self._tickets:
                    self._passed += bool(self._patient)
                    count = min(len(self._tickets), self.max_batch)
                    await self._commit([self._tickets.popleft() for _ in range(count)])
                else:
                    await self._sleep()

    async def _commit(self, batch: list[_Ticket[Store]]) -> None:
        operations = [ticket.operation for ticket in batch]
        durable = any(ticket.durable for ticket in batch)
        began = trio.current_time()
        try:
            results = await self._offload.run(lambda: self._transactions.commit(operations, durable=durable))
        except Exception as problem:  # the store decides what to do about it; the tasks must hear of it in any case
            results = [outcome.Error(problem) for _ in batch]
        if self.watch.took is not None:
            self.watch.took(Kind.DURABLE if durable else Kind.VOLATILE, trio.current_time() - began)
        self.commits += 1
        self.operations += len(batch)
        for ticket, result in zip(batch, results, strict=True):
            trio.lowlevel.reschedule(ticket.task, result)

    async def _sleep(self) -> None:
        self._idle = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(_never_abandon)

    def _wake(self) -> None:
        if self._idle is not None:
            task, self._idle = self._idle, None
            trio.lowlevel.reschedule(task)


def _never_abandon(_: Callable[[], None]) -> trio.lowlevel.Abort:
    return trio.lowlevel.Abort.FAILED
