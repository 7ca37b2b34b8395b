"""The Disk port: a directory of this machine and a disk in memory."""

from collections.abc import Iterator
from pathlib import Path, PurePath, PurePosixPath

import pytest
import trio
from attrs import frozen

from empath.sim.disk import SimulatedFiles
from empath.sim.entropy import SeededEntropy
from empath.sim.offload import InlineOffload
from empath.world import TEMPORARY_SUFFIX, Disk, DiskFailed, DiskFull, FileMissing, LockHeld
from empath.world.disk import GATHER_BYTES, DurableDisk
from empath.world.entropy import SystemEntropy
from empath.world.files import SystemFiles
from empath.world.offload import ThreadOffload


@frozen
class Drive:
    """A disk and an empty directory on it."""

    disk: Disk
    root: PurePath

    async def content(self, path: PurePath) -> bytes:
        """Return all of a file."""
        async with await self.disk.open(path) as file:
            parts = []
            while part := await file.read(100_000):
                parts.append(part)
            return b"".join(parts)


@pytest.fixture(params=["real", "simulated"])
def drive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Drive]:
    if request.param == "simulated":
        files = SimulatedFiles()
        files.make_directory("/spool")
        yield Drive(DurableDisk(files, InlineOffload(), SeededEntropy(1)), PurePosixPath("/spool"))
        return
    offload = ThreadOffload("disk", threads=2)
    yield Drive(DurableDisk(SystemFiles(), offload, SystemEntropy()), tmp_path)
    offload.close()


SIZES = [0, 1, GATHER_BYTES - 1, GATHER_BYTES, 3 * GATHER_BYTES + 7]


@pytest.mark.parametrize("size_bytes", SIZES)
async def test_what_is_written_in_pieces_is_read_as_a_whole(drive: Drive, size_bytes: int) -> None:
    content = bytes(number % 251 for number in range(size_bytes))
    async with await drive.disk.create(drive.root / "body") as file:
        for start in range(0, size_bytes, 50_000):
            await file.write(content[start : start + 50_000])
        assert await file.commit() == size_bytes
    assert await drive.content(drive.root / "body") == content
    assert await drive.disk.size_bytes(drive.root / "body") == size_bytes


async def test_what_is_in_memory_is_written_in_one_go(drive: Drive) -> None:
    assert await drive.disk.write(drive.root / "note", [b"one ", b"two"]) == 7
    assert await drive.content(drive.root / "note") == b"one two"


async def test_what_is_appended_stands_behind_what_was_there(drive: Drive) -> None:
    await drive.disk.append(drive.root / "log", [b"one\n", b"two\n"])
    await drive.disk.append(drive.root / "log", [b"three\n"])
    assert await drive.content(drive.root / "log") == b"one\ntwo\nthree\n"


async def test_a_log_in_a_directory_that_is_missing_cannot_be_appended_to(drive: Drive) -> None:
    with pytest.raises(FileMissing):
        await drive.disk.append(drive.root / "nowhere" / "log", [b"one\n"])


async def test_a_file_is_not_there_before_it_is_committed(drive: Drive) -> None:
    async with await drive.disk.create(drive.root / "body") as file:
        await file.write(bytes(2 * GATHER_BYTES))
        (temporary,) = await drive.disk.list(drive.root)
        assert temporary.startswith("body.")
        assert temporary.endswith(TEMPORARY_SUFFIX)
        with pytest.raises(FileMissing):
            await drive.disk.open(drive.root / "body")
        await file.commit()
    assert await drive.disk.list(drive.root) == ("body",)


async def test_leaving_without_a_commit_leaves_nothing(drive: Drive) -> None:
    async with await drive.disk.create(drive.root / "body") as file:
        await file.write(b"half")
    assert await drive.disk.list(drive.root) == ()
    with pytest.raises(trio.ClosedResourceError):
        await file.commit()


async def test_cancellation_leaves_nothing(drive: Drive) -> None:
    with trio.CancelScope() as scope:
        async with await drive.disk.create(drive.root / "body") as file:
            await file.write(bytes(2 * GATHER_BYTES))
            scope.cancel()
            await trio.lowlevel.checkpoint()
    assert scope.cancelled_caught
    assert await drive.disk.list(drive.root) == ()


async def test_a_source_that_fails_leaves_nothing(drive: Drive) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"half"
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        await drive.disk.write(drive.root / "note", chunks())
    assert await drive.disk.list(drive.root) == ()


async def test_a_new_file_takes_the_place_of_an_old_one_at_once(drive: Drive) -> None:
    await drive.disk.write(drive.root / "note", [b"old"])
    async with await drive.disk.open(drive.root / "note") as reader:
        await drive.disk.write(drive.root / "note", [b"new!"])
        assert await reader.read(10) == b"old"
    assert await drive.content(drive.root / "note") == b"new!"


async def test_reading_knows_the_size_and_goes_on_where_it_stopped(drive: Drive) -> None:
    await drive.disk.write(drive.root / "note", [b"abcdef"])
    async with await drive.disk.open(drive.root / "note") as file:
        assert file.size_bytes == 6
        assert [await file.read(4) for _ in range(3)] == [b"abcd", b"ef", b""]
    with pytest.raises(trio.ClosedResourceError):
        await file.read(1)


async def test_reading_goes_on_elsewhere(drive: Drive) -> None:
    await drive.disk.write(drive.root / "a", [b"0123456789"])
    async with await drive.disk.open(drive.root / "a") as file:
        file.seek(7)
        assert await file.read(2) == b"78"
        file.seek(1)
        assert await file.read(2) == b"12"
        file.seek(99)
        assert await file.read(2) == b""


async def test_names_are_listed_in_order_and_removed(drive: Drive) -> None:
    for name in ("b", "a", "c"):
        await drive.disk.write(drive.root / name, [b""])
    await drive.disk.unlink(drive.root / "b")
    assert await drive.disk.list(drive.root) == ("a", "c")


async def test_what_is_missing_is_said_to_be_missing(drive: Drive) -> None:
    nothing = drive.root / "nothing"
    for call in (drive.disk.open, drive.disk.size_bytes, drive.disk.unlink, drive.disk.list, drive.disk.free_bytes):
        with pytest.raises(FileMissing, match=r"cannot .*nothing: No such file") as failure:
            await call(nothing)
        assert failure.value.path == str(nothing)
    with pytest.raises(FileMissing):
        await drive.disk.create(nothing / "body")


async def test_directories_are_made_with_those_above_and_may_exist(drive: Drive) -> None:
    deep = drive.root / "a" / "b" / "c"
    await drive.disk.make_directory(deep)
    await drive.disk.make_directory(deep)
    await drive.disk.write(deep / "note", [b"here"])
    assert await drive.disk.list(drive.root / "a" / "b") == ("c",)
    assert await drive.content(deep / "note") == b"here"


async def test_a_directory_is_no_file(drive: Drive) -> None:
    await drive.disk.make_directory(drive.root / "a")
    with pytest.raises(DiskFailed):
        await drive.disk.unlink(drive.root / "a")
    await drive.disk.write(drive.root / "file", [b""])
    with pytest.raises(DiskFailed):
        await drive.disk.list(drive.root / "file")


async def test_free_room_is_known(drive: Drive) -> None:
    assert await drive.disk.free_bytes(drive.root) > 0


async def test_a_lock_is_exclusive_and_names_its_holder(drive: Drive) -> None:
    path = drive.root / "lock"
    lock = await drive.disk.lock(path, holder="empath serve, pid 42")
    with pytest.raises(LockHeld, match=r"held by empath serve, pid 42") as failure:
        await drive.disk.lock(path, holder="another")
    assert failure.value.holder == "empath serve, pid 42"
    await lock.release()
    await lock.release()
    again = await drive.disk.lock(path, holder="me")
    with pytest.raises(LockHeld, match=r"held by me$"):
        await drive.disk.lock(path, holder="you")
    await again.release()


def test_a_full_disk_is_a_kind_of_its_own() -> None:
    assert not issubclass(DiskFull, DiskFailed)
