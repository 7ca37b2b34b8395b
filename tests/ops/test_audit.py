import gzip
import json
from pathlib import PurePosixPath
from typing import Any

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from empath.config.schema import Redaction
from empath.ops.archive import Archive
from empath.ops.audit import AGAIN_S, GATHER_S, AuditLog
from empath.ops.records import Recorder
from empath.ops.redaction import Redactor
from empath.sim import SimulatedWorld
from empath.sim.disk import Trouble
from empath.world import DiskError
from tests.ops.facts import accepted, attempted, breaker

DAY_S = 86_400.0
DIRECTORY = PurePosixPath("/var/log/empath")


@define
class Log:
    """An audit log on a disk in memory."""

    daily: bool = True
    retain_days: int = 90
    max_pending: int = 100
    world: SimulatedWorld = field(init=False, factory=lambda: SimulatedWorld(1))
    audit: AuditLog = field(init=False)

    def __attrs_post_init__(self) -> None:
        world = self.world.world
        archive = Archive(
            disk=world.disk,
            offload=world.offload,
            path=DIRECTORY / "audit.jsonl",
            daily=self.daily,
            retain_days=self.retain_days,
        )
        redactor = Redactor(sender=Redaction.NONE, recipients=Redaction.NONE, key=b"")
        recorder = Recorder(node="mx1", redactor=redactor)
        self.audit = AuditLog(archive=archive, recorder=recorder, clock=world.clock, max_pending=self.max_pending)

    @property
    def now(self) -> float:
        return self.world.clock.now()

    async def names(self) -> list[str]:
        return list(await self.world.world.disk.list(DIRECTORY))

    async def content(self, name: str) -> bytes:
        async with await self.world.world.disk.open(DIRECTORY / name) as file:
            return await file.read(1_000_000)

    async def records(self, name: str = "audit.jsonl") -> list[dict[str, Any]]:
        return [json.loads(line) for line in (await self.content(name)).splitlines() if line]


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
    assert [one["seq"] for one in await log.records()] == [1, 2, 3, 4, 7]
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
    counts = [(len(day), sum(name.endswith(".jsonl") for name in day)) for day in names]
    assert counts == [(1, 1), (2, 1), (3, 1), (3, 1)]
    first = names[0][0]
    assert first.startswith("audit-20")
    assert f"{first}.gz" in names[1]
    assert f"{first}.gz" not in names[3]


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
