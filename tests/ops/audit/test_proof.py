"""Whether a log is whole: what shows, and what is no fault of anybody."""

import gzip
from collections.abc import Callable

import pytest
import trio
from trio.testing import MockClock

from empath.ops.audit.proof import MOST_FINDINGS, Flaw, Proof
from empath.sim.disk import Trouble
from tests.ops.audit.shelf import DAY_S, KEY, Log
from tests.ops.facts import attempted

Lines = list[bytes]


async def run(log: Log) -> None:
    """One run, with three records that are written one by one."""
    await log.audit.open()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log.audit.run)
        for number in range(3):
            log.audit.observe(attempted(at=log.now, attempt=number + 1))
            await log.audit.settle()
        nursery.cancel_scope.cancel()


async def runs(number: int, chain_key: bytes | None) -> Lines:
    log = Log(daily=False, chain_key=chain_key)
    for _ in range(number):
        log.restart()
        await run(log)
    return (await log.content("audit.jsonl")).splitlines()


def proved(lines: Lines, key: bytes | None = KEY) -> Proof:
    proof = Proof(key=key)
    proof.begin("audit.jsonl")
    for line in lines:
        proof.take(line)
    proof.end()
    return proof


def flaws(lines: Lines, key: bytes | None = KEY) -> list[Flaw]:
    return [one.flaw for one in proved(lines, key).findings]


@pytest.mark.parametrize("key", [KEY, None], ids=["chained", "plain"])
async def test_a_log_that_nobody_has_touched_is_whole(key: bytes | None, autojump_clock: MockClock) -> None:
    proof = proved(await runs(2, key))
    assert (proof.records, proof.runs, proof.faults, proof.findings) == (10, 2, 0, [])
    assert proof.chained == (10 if key else 0)


async def test_a_chain_goes_on_over_midnight_and_over_runs(autojump_clock: MockClock) -> None:
    log = Log(chain_key=KEY)
    for _ in range(3):
        await run(log)
        await trio.sleep(DAY_S)
        log.restart()
    proof = Proof(key=KEY)
    for name in await log.names():
        if not name.endswith(".idx"):
            content = await log.content(name)
            proof.begin(name)
            for line in (gzip.decompress(content) if name.endswith(".gz") else content).splitlines():
                proof.take(line)
    proof.end()
    assert (proof.runs, proof.chained, proof.findings) == (3, 15, [])


GAP, CHANGED, ORDER, MALFORMED, UNCHAINED = Flaw.GAP, Flaw.CHANGED, Flaw.ORDER, Flaw.MALFORMED, Flaw.UNCHAINED
TAMPERED: dict[str, tuple[Callable[[Lines], Lines], list[Flaw], list[Flaw]]] = {
    "a record is gone": (lambda lines: [*lines[:2], *lines[3:]], [GAP, CHANGED], [GAP]),
    "a record is another one": (
        lambda lines: [*lines[:2], lines[2].replace(b"ann", b"eve"), *lines[3:]],
        [CHANGED],
        [],
    ),
    "two records have changed places": (
        lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
        [GAP, CHANGED, ORDER, CHANGED, GAP, CHANGED],
        [GAP, ORDER, GAP],
    ),
    "the oldest runs are gone, as they may be": (lambda lines: lines[5:], [], []),
    "the oldest records are gone, as they may be": (lambda lines: lines[2:], [], []),
    "a run is gone": (lambda lines: [*lines[:5], *lines[10:]], [GAP], []),
    "a line is no record": (lambda lines: [*lines[:2], b"hello", *lines[2:]], [MALFORMED], [MALFORMED]),
    "a record is no object": (lambda lines: [*lines[:2], b"[1]", *lines[2:]], [MALFORMED], [MALFORMED]),
    "the links are gone": (
        lambda lines: [*lines[:3], *[line.partition(b',"chain"')[0] + b"}" for line in lines[3:5]], *lines[5:]],
        [UNCHAINED, GAP],
        [MALFORMED, MALFORMED],
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_what_somebody_has_done_to_it_shows_and_with_a_chain_all_of_it(
    what: str, autojump_clock: MockClock
) -> None:
    tamper, chained, plain = TAMPERED[what]
    for key, expected in ((KEY, chained), (None, plain)):
        found = [flaw for flaw in flaws(tamper(await runs(3, key))) if flaw.is_fault]
        assert found == expected, key


async def test_without_the_key_links_are_not_looked_at_and_with_another_one_none_fits(
    autojump_clock: MockClock,
) -> None:
    lines = await runs(1, KEY)
    assert (flaws(lines, None), proved(lines, None).chained) == ([], 0)
    assert set(flaws(lines, b"x" * 32)) == {Flaw.CHANGED}


async def test_what_a_failing_disk_and_a_loss_of_power_leave_is_told_and_is_no_fault(autojump_clock: MockClock) -> None:
    log = Log(daily=False, chain_key=KEY, max_pending=2)
    await log.audit.open()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log.audit.run)
        await trio.sleep(10)
        log.world.files.plan(Trouble.SHORT_WRITE, call="write_at")
        log.world.files.plan(Trouble.IO_ERROR, call="write_at", at=2)
        for _ in range(4):
            log.audit.observe(attempted(at=log.now))
        await log.audit.settle()
        log.audit.observe(attempted(at=log.now))
        await log.audit.settle()
        nursery.cancel_scope.cancel()
    await log.world.world.disk.append(log.audit.archive.path, [b'{"timestamp":17'])  # as a loss of power leaves it
    log.restart()
    await run(log)
    proof = proved((await log.content("audit.jsonl")).splitlines())
    assert (proof.faults, proof.runs) == (0, 2)
    assert {one.flaw for one in proof.findings} == {Flaw.TWICE, Flaw.TORN, Flaw.DROPPED}


async def test_a_run_that_was_killed_is_told_and_is_no_fault(autojump_clock: MockClock) -> None:
    lines = await runs(2, KEY)
    found = proved([*lines[:4], *lines[5:9]])
    assert [one.flaw for one in found.findings if not one.flaw.is_fault] == [Flaw.UNFINISHED, Flaw.UNFINISHED]


async def test_lines_that_were_written_twice_after_the_disk_had_failed_are_no_fault(autojump_clock: MockClock) -> None:
    lines = await runs(1, KEY)
    again = [*lines[:3], lines[3][:40], b"", *lines[1:]]
    assert flaws(again) == [Flaw.TWICE, Flaw.TWICE, Flaw.TORN]
    assert proved(again).faults == 0
    assert flaws([*lines, lines[1][:40]]) == [Flaw.TORN]  # which a daemon is about to write
    assert flaws([lines[1][:40], *lines]) == [Flaw.TORN]
    assert flaws([b'{"timestamp":7,', *lines]) == [Flaw.MALFORMED]


def test_a_file_that_cannot_be_unpacked_is_a_fault_and_findings_are_bounded() -> None:
    proof = Proof(key=None)
    for number in range(MOST_FINDINGS + 5):
        proof.begin(f"audit-{number}.jsonl.gz")
        proof.unreadable("it is cut off")
    proof.end()
    assert (proof.faults, len(proof.findings)) == (MOST_FINDINGS + 5, MOST_FINDINGS)
