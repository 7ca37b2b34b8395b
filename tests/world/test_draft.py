"""The order of calls behind a durable file: every crash and every fault at every call."""

from collections.abc import Awaitable, Callable
from pathlib import PurePosixPath
from typing import TypeAlias

import pytest
import trio

from empath.sim.disk import SimulatedFiles, Trouble
from empath.sim.entropy import SeededEntropy
from empath.sim.offload import InlineOffload
from empath.world import TEMPORARY_SUFFIX, Disk, DiskError, DiskFailed, DiskFull
from empath.world.disk import GATHER_BYTES, DurableDisk

PATH = PurePosixPath("/spool/body")
CONTENT = [b"a" * GATHER_BYTES, b"b" * 10, b"c" * GATHER_BYTES, b"d"]
WHOLE = b"".join(CONTENT)
OLD = b"what was there before"

Writer: TypeAlias = Callable[[Disk], Awaitable[None]]


def drive() -> tuple[SimulatedFiles, Disk]:
    """Return a disk with a durable directory, and its port."""
    files = SimulatedFiles()
    files.make_directory("/spool")
    files.sync_directory("/")
    return files, DurableDisk(files, InlineOffload(), SeededEntropy(1))


async def in_pieces(disk: Disk) -> None:
    async with await disk.create(PATH) as file:
        for piece in CONTENT:
            await file.write(piece)
        await file.commit()


async def at_once(disk: Disk) -> None:
    await disk.write(PATH, CONTENT)


async def content_of(disk: Disk, path: PurePosixPath) -> bytes:
    async with await disk.open(path) as file:
        return await file.read(10 * GATHER_BYTES)


async def count_calls(writer: Writer) -> int:
    files, disk = drive()
    files.history.clear()
    await writer(disk)
    return len(files.history)


writers = pytest.mark.parametrize("writer", [in_pieces, at_once])


async def test_the_calls_come_in_the_order_that_durability_needs() -> None:
    files, disk = drive()
    files.history.clear()
    await in_pieces(disk)
    calls = [call for call, _ in files.history]
    assert calls == ["create", *["write_at"] * 3, "sync", "close", "rename", "sync_directory"]
    assert files.history[-1] == ("sync_directory", "/spool")


@writers
async def test_a_file_that_was_committed_survives_a_loss_of_power(writer: Writer) -> None:
    files, disk = drive()
    await writer(disk)
    files.crash()
    assert await disk.list(PATH.parent) == ("body",)
    assert await content_of(disk, PATH) == WHOLE


@writers
@pytest.mark.parametrize("replaces", [False, True])
async def test_power_may_fail_at_any_call_and_leaves_all_or_nothing(writer: Writer, replaces: bool) -> None:
    for call in range(1, await count_calls(writer) + 1):
        for seed in (None, *range(20)):
            files, disk = drive()
            if replaces:
                await disk.write(PATH, [OLD])
            files.plan(Trouble.POWER_OFF, at=call)
            with pytest.raises(DiskError):
                await writer(disk)
            files.crash(None if seed is None else SeededEntropy(seed))
            names = await disk.list(PATH.parent)
            assert all(name.endswith(TEMPORARY_SUFFIX) for name in names if name != PATH.name)
            if replaces or PATH.name in names:
                assert await content_of(disk, PATH) in ({OLD, WHOLE} if replaces else {WHOLE})


@writers
@pytest.mark.parametrize(("trouble", "kind"), [(Trouble.NO_SPACE, DiskFull), (Trouble.IO_ERROR, DiskFailed)])
async def test_a_fault_at_any_call_is_reported_and_leaves_nothing(
    writer: Writer, trouble: Trouble, kind: type[DiskError]
) -> None:
    for call in range(1, await count_calls(writer) + 1):
        files, disk = drive()
        files.plan(trouble, at=call)
        with pytest.raises(kind, match="/spool/body"):
            await writer(disk)
        assert await disk.list(PATH.parent) == ()
        files.crash()
        assert await disk.list(PATH.parent) == ()


@writers
async def test_a_write_that_takes_only_a_part_is_continued(writer: Writer) -> None:
    files, disk = drive()
    for call in range(1, 6):
        files.plan(Trouble.SHORT_WRITE, at=call, call="write_at")
    await writer(disk)
    assert await content_of(disk, PATH) == WHOLE


async def test_nothing_goes_on_after_an_error() -> None:
    files, disk = drive()
    async with await disk.create(PATH) as file:
        files.plan(Trouble.IO_ERROR, call="sync")
        with pytest.raises(DiskFailed, match="cannot sync"):
            await file.commit()
        with pytest.raises(trio.ClosedResourceError):
            await file.commit()
    assert await disk.list(PATH.parent) == ()


async def test_a_fault_while_throwing_away_leaves_rubbish_and_nothing_worse() -> None:
    files, disk = drive()
    async with await disk.create(PATH) as file:
        await file.write(b"half")
        files.plan(Trouble.IO_ERROR, call="close")
        files.plan(Trouble.IO_ERROR, call="unlink")
    (name,) = await disk.list(PATH.parent)
    assert name.endswith(TEMPORARY_SUFFIX)


async def test_a_directory_that_was_made_is_there_after_a_loss_of_power() -> None:
    files, disk = drive()
    await disk.make_directory(PurePosixPath("/spool/a/b"))
    files.crash()
    assert await disk.list(PurePosixPath("/spool/a")) == ("b",)


async def test_a_disk_that_fills_up_says_so_and_takes_more_when_there_is_room() -> None:
    files, disk = drive()
    await disk.write(PATH, [bytes(1000)])
    files.capacity_bytes = 1500
    assert await disk.free_bytes(PATH.parent) == 500
    with pytest.raises(DiskFull, match="No space left"):
        await disk.write(PATH.with_name("next"), [bytes(501)])
    assert await disk.free_bytes(PATH.parent) == 500
    await disk.write(PATH.with_name("next"), [bytes(500)])
    await disk.unlink(PATH)
    assert await disk.free_bytes(PATH.parent) == 1000
