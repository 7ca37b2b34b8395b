import gzip
import json

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from empath.mail.ids import DeliveryId
from empath.ops.audit.log import AGAIN_S, GATHER_S
from empath.ops.audit.packing import entries_of, pack, signature_of
from empath.sim.disk import Trouble
from empath.world import DiskError
from tests.ops.audit.shelf import DAY_S, DIRECTORY, Log
from tests.ops.facts import MESSAGE, accepted, attempted, breaker


async def test_records_are_written_soon_in_order_and_numbered(autojump_clock: MockClock) -> None:
    log = Log(daily=False)
    await log.audit.open()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log.audit.run)
        log.audit.observe(accepted(at=log.now))
        log.audit.observe(breaker("open"))
        log.audit.observe(attempted(at=log.now))
        await trio.sleep(2 * GATHER_S)
        written = await log.records()
        nursery.cancel_scope.cancel()
    assert [(one["event"], one["seq"]) for one in written] == [("start", 1), ("received", 2), ("attempt", 3)]
    assert (await log.records())[-1]["event"] == "stop"


async def test_what_waits_at_the_end_is_written(autojump_clock: MockClock) -> None:
    log = Log(daily=False)
    await log.audit.open()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log.audit.run)
        await trio.sleep(10)
        log.audit.observe(attempted(at=log.now))
        nursery.cancel_scope.cancel()
    assert [one["event"] for one in await log.records()] == ["start", "attempt", "stop"]


async def test_while_the_disk_fails_records_wait_and_beyond_the_limit_are_dropped_and_counted(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    log = Log(daily=False, max_pending=3)
    await log.audit.open()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log.audit.run)
        await trio.sleep(10)
        log.world.files.plan(Trouble.NO_SPACE, call="extend")
        for _ in range(5):
            log.audit.observe(attempted(at=log.now))
        await trio.sleep(2 * GATHER_S)
        assert (log.audit.writable, log.audit.dropped) == (False, 2)
        await trio.sleep(AGAIN_S + 2 * GATHER_S)
        assert log.audit.writable
        nursery.cancel_scope.cancel()
    records = await log.records()
    assert [one["seq"] for one in records] == [1, 2, 3, 4, 7]
    assert [one.get("dropped") for one in records] == [None, None, None, None, 2]
    said = [message for message in caplog.messages if "audit log" in message]
    assert len(said) == 2, said


async def test_half_a_line_does_not_spoil_the_next(autojump_clock: MockClock) -> None:
    log = Log(daily=False)
    await log.audit.open()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log.audit.run)
        await trio.sleep(10)
        log.world.files.plan(Trouble.SHORT_WRITE, call="write_at")
        log.world.files.plan(Trouble.IO_ERROR, call="write_at", at=2)
        log.audit.observe(attempted(at=log.now))
        await trio.sleep(2 * AGAIN_S)
        nursery.cancel_scope.cancel()
    lines = (await log.content("audit.jsonl")).splitlines()
    events = [json.loads(line)["event"] for line in lines if line.startswith(b"{") and line.endswith(b"}")]
    assert events == ["start", "attempt", "stop"]


async def test_a_log_that_cannot_be_written_at_the_start_is_an_error() -> None:
    log = Log()
    log.world.files.plan(Trouble.IO_ERROR)
    with pytest.raises(DiskError):
        await log.audit.open()


async def test_each_day_has_its_file_and_past_ones_are_compressed_and_in_the_end_removed(
    autojump_clock: MockClock,
) -> None:
    log = Log(retain_days=2)
    await log.audit.open()
    names = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log.audit.run)
        for _ in range(4):
            log.audit.observe(attempted(at=log.now))
            await trio.sleep(2 * GATHER_S)
            names.append(await log.names())
            await trio.sleep(DAY_S - 2 * GATHER_S)
        nursery.cancel_scope.cancel()
    counts = [[sum(name.endswith(end) for name in day) for end in (".jsonl", ".gz", ".idx")] for day in names]
    assert counts == [[1, 0, 0], [1, 1, 1], [1, 2, 2], [1, 2, 2]]
    first = names[0][0]
    assert first.startswith("audit-20")
    assert f"{first}.gz" in names[1]
    assert f"{first}.gz" not in names[3]
    assert f"{first}.idx" not in names[3]


async def test_what_was_compressed_is_what_was_written(autojump_clock: MockClock) -> None:
    log = Log()
    await log.audit.open()
    [name] = await log.names()
    before = await log.content(name)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log.audit.run)
        await trio.sleep(DAY_S)
        log.audit.observe(attempted(at=log.now))
        await trio.sleep(2 * GATHER_S)
        nursery.cancel_scope.cancel()
    assert gzip.decompress(await log.content(f"{name}.gz")) == before


async def test_attempts_of_one_message_that_end_alike_are_one_record_unless_it_is_being_written(
    autojump_clock: MockClock,
) -> None:
    log = Log(daily=False)
    await log.audit.open()
    facts = [evolve(attempted(), delivery=DeliveryId(MESSAGE, ordinal)) for ordinal in range(4)]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log.audit.run)
        log.audit.observe(facts[0])
        log.audit.observe(facts[1])
        await trio.sleep(2 * GATHER_S)
        log.audit.observe(facts[2])
        log.audit.observe(facts[3])
        await log.audit.settle()
        nursery.cancel_scope.cancel()
    records = await log.records()
    assert [one["seq"] for one in records] == [1, 2, 3, 4]
    assert [one["deliveries"] for one in records[1:3]] == [
        [f"{MESSAGE}.0", f"{MESSAGE}.1"],
        [f"{MESSAGE}.2", f"{MESSAGE}.3"],
    ]


async def test_what_ended_before_midnight_and_is_told_after_it_stays_in_the_newer_file(
    autojump_clock: MockClock,
) -> None:
    log = Log()
    await log.audit.open()
    midnight = (log.now // DAY_S + 1) * DAY_S
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log.audit.run)
        await trio.sleep(midnight - log.now + 1)
        log.audit.observe(attempted(at=midnight + 0.001))
        await log.audit.settle()
        log.audit.observe(attempted(at=midnight - 0.001))
        await trio.sleep(60)
        nursery.cancel_scope.cancel()
    names = await log.names()
    assert [name.partition(".")[2] for name in names] == ["jsonl.gz", "jsonl.idx", "jsonl"]
    assert [one["event"] for one in await log.records(names[2])] == ["attempt", "attempt", "stop"]


async def test_what_turns_up_in_the_file_of_a_day_that_was_compressed_is_put_behind_it(
    autojump_clock: MockClock,
) -> None:
    log = Log()
    await log.audit.open()
    disk, archive = log.world.world.disk, log.audit.archive
    plain = DIRECTORY / "audit-2001-01-01.jsonl"
    for text in (b'{"mid":"1-1"}\n', b'{"mid":"1-2"}\n'):
        await disk.write(plain, [text])
        await pack(disk, archive.offload, plain)
    # As after a loss of power between the last two steps of it.
    await disk.write(plain, [b'{"mid":"1-2"}\n'])
    await pack(disk, archive.offload, plain)
    assert gzip.decompress(await log.content(f"{plain.name}.gz")) == b'{"mid":"1-1"}\n{"mid":"1-2"}\n'
    entries = [one async for one in entries_of(disk, plain.with_name(f"{plain.name}.idx"))]
    assert [one.may_have(signature_of("1-2")) for one in entries] == [False, True]
    assert plain.name not in await log.names()


async def test_files_of_others_in_the_directory_are_left_alone(autojump_clock: MockClock) -> None:
    log = Log(retain_days=1)
    await log.audit.open()
    for name in ("audit-notes.txt", "audit-2001-01-01.jsonl.bak", "audit-2001-99-99.jsonl", "audit-2001-01-01.jsonl"):
        await log.world.world.disk.write(DIRECTORY / name, [b"old\n"])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(log.audit.run)
        await trio.sleep(2 * GATHER_S)
        nursery.cancel_scope.cancel()
    left = [name for name in await log.names() if "2001" in name or "notes" in name]
    assert left == ["audit-2001-01-01.jsonl.bak", "audit-2001-99-99.jsonl", "audit-notes.txt"]
