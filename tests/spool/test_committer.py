"""Group commit: which operations share a transaction, when it is durable, and who hears what."""

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

import outcome
import pytest
import trio
from attrs import define, field, frozen
from trio.testing import MockClock

from empath.sim.offload import InlineOffload
from empath.spool.committer import PATIENCE, Committer, Operation

FLUSH_S = 1.0


@frozen
class Transaction:
    """What a store was asked for."""

    size: int
    durable: bool
    at: float


@define
class Journal:
    """A store that notes what was done, on a disk that needs a second for a flush."""

    transactions: list[Transaction] = field(factory=list)
    broken: bool = False

    def commit(self, operations: Sequence[Operation["Journal"]], *, durable: bool) -> list[outcome.Outcome[object]]:
        if self.broken:
            raise RuntimeError("the transaction failed")
        self.transactions.append(Transaction(len(operations), durable, trio.current_time()))
        return [outcome.capture(operation, self) for operation in operations]


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.fixture
async def committer(journal: Journal) -> AsyncIterator[Committer[Journal]]:
    made: Committer[Journal] = Committer(journal, InlineOffload(latency_s=FLUSH_S), max_batch=10)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(made.run)
        await trio.testing.wait_all_tasks_blocked()
        yield made
        made.close()


def nothing(_: Journal) -> None:
    """An operation."""


async def do(
    committer: Committer[Journal], operation: Callable[[Journal], object] = nothing, *, durable: bool = True
) -> object:
    return await committer.do(operation, durable=durable)


def sizes(journal: Journal) -> list[int]:
    return [transaction.size for transaction in journal.transactions]


async def test_a_lone_operation_waits_for_its_own_flush_only(
    autojump_clock: MockClock, committer: Committer[Journal], journal: Journal
) -> None:
    began = trio.current_time()
    assert await do(committer, lambda _: "result") == "result"
    assert trio.current_time() - began == FLUSH_S
    assert sizes(journal) == [1]


async def test_what_comes_during_a_flush_shares_the_next(
    autojump_clock: MockClock, committer: Committer[Journal], journal: Journal
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(do, committer)
        await trio.sleep(FLUSH_S / 2)
        for _ in range(7):
            nursery.start_soon(do, committer)
    assert sizes(journal) == [1, 7]
    assert (committer.commits, committer.operations) == (2, 8)


async def test_a_batch_has_a_largest_size(
    autojump_clock: MockClock, committer: Committer[Journal], journal: Journal
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(do, committer)
        await trio.sleep(FLUSH_S / 2)
        for _ in range(25):
            nursery.start_soon(do, committer)
    assert sizes(journal) == [1, 10, 10, 5]


async def test_operations_are_done_in_the_order_they_came(
    autojump_clock: MockClock, committer: Committer[Journal]
) -> None:
    done: list[int] = []

    def note(number: int, _: Journal) -> None:
        done.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(30):
            nursery.start_soon(partial(do, committer, partial(note, number)))
            await trio.testing.wait_all_tasks_blocked()
    assert done == list(range(30))


@pytest.mark.parametrize(("asked", "durable"), [([False, False], False), ([False, True, False], True)])
async def test_a_transaction_is_durable_if_one_of_its_operations_asks(
    autojump_clock: MockClock, committer: Committer[Journal], journal: Journal, asked: list[bool], durable: bool
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(do, committer)
        await trio.sleep(FLUSH_S / 2)
        for one in asked:
            nursery.start_soon(partial(do, committer, durable=one))
    assert (journal.transactions[1].size, journal.transactions[1].durable) == (len(asked), durable)


async def test_who_failed_hears_of_it_and_nobody_else(autojump_clock: MockClock, committer: Committer[Journal]) -> None:
    def fail(_: Journal) -> None:
        raise ValueError("this one")

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(do, committer)
        with pytest.raises(ValueError, match="this one"):
            await do(committer, fail)


async def test_a_transaction_that_failed_is_told_to_all_of_it_and_the_next_goes_on(
    autojump_clock: MockClock, committer: Committer[Journal], journal: Journal
) -> None:
    told: list[BaseException] = []

    async def hear() -> None:
        try:
            await do(committer)
        except RuntimeError as problem:
            told.append(problem)

    journal.broken = True
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(hear)
    assert len(told) == 3
    journal.broken = False
    await do(committer)


async def test_a_task_that_is_cancelled_before_it_asks_does_nothing(
    autojump_clock: MockClock, committer: Committer[Journal], journal: Journal
) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        await do(committer)
    assert scope.cancelled_caught
    assert journal.transactions == []


async def test_a_task_that_is_cancelled_while_it_waits_still_hears(
    autojump_clock: MockClock, committer: Committer[Journal]
) -> None:
    with trio.move_on_after(FLUSH_S / 2):
        assert await do(committer, lambda _: "done") == "done"


async def test_closing_does_what_waits_and_takes_nothing_more(journal: Journal, autojump_clock: MockClock) -> None:
    committer: Committer[Journal] = Committer(journal, InlineOffload(latency_s=FLUSH_S), max_batch=10)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(committer.run)
        for _ in range(15):
            nursery.start_soon(do, committer)
        await trio.testing.wait_all_tasks_blocked()
        committer.close()
        with pytest.raises(trio.ClosedResourceError):
            await do(committer)
    assert sum(sizes(journal)) == 15


async def test_it_ends_its_work_even_when_its_nursery_is_cancelled(journal: Journal, autojump_clock: MockClock) -> None:
    committer: Committer[Journal] = Committer(journal, InlineOffload(latency_s=FLUSH_S), max_batch=10)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(committer.run)
        for _ in range(15):
            nursery.start_soon(do, committer)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        committer.close()
    assert sum(sizes(journal)) == 15


async def test_a_patient_operation_has_a_transaction_of_its_own_after_what_mail_waits_for(
    autojump_clock: MockClock, committer: Committer[Journal]
) -> None:
    done: list[str] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(do, committer)
        await trio.sleep(FLUSH_S / 2)
        nursery.start_soon(partial(committer.do, lambda _: done.append("long"), durable=False, patient=True))
        await trio.sleep(FLUSH_S / 4)
        nursery.start_soon(do, committer, lambda _: done.append("mail"))
        nursery.start_soon(do, committer, lambda _: done.append("mail"))
    assert done == ["mail", "mail", "long"]
    assert (committer.commits, committer.operations) == (3, 4)


async def test_a_patient_operation_is_done_although_mail_never_ends(
    autojump_clock: MockClock, committer: Committer[Journal]
) -> None:
    async def send_for_ever() -> None:
        while True:
            await do(committer)

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(send_for_ever)
                await trio.sleep(FLUSH_S / 3)
            began = trio.current_time()
            await committer.do(nothing, durable=False, patient=True)
            assert FLUSH_S < trio.current_time() - began <= (PATIENCE + 2) * FLUSH_S
            nursery.cancel_scope.cancel()


async def test_a_patient_operation_that_waits_is_done_before_the_end(
    autojump_clock: MockClock, journal: Journal
) -> None:
    committer: Committer[Journal] = Committer(journal, InlineOffload(latency_s=FLUSH_S))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(committer.do, nothing, durable=False, patient=True))
        nursery.start_soon(do, committer)
        await trio.testing.wait_all_tasks_blocked()
        committer.close()
        nursery.start_soon(committer.run)
    assert sizes(journal) == [1, 1]
