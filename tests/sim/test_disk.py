"""What the simulated disk remembers and forgets. How files become durable on top of it is in ``tests/world``."""

import errno
import os
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.sim.disk import SimulatedFiles, Trouble
from empath.sim.entropy import SeededEntropy


@pytest.fixture
def files() -> SimulatedFiles:
    return SimulatedFiles()


def write(files: SimulatedFiles, path: str, content: bytes, *, sync: bool = True) -> int:
    handle = files.create(path)
    files.write_at(handle, content, 0)
    if sync:
        files.sync(handle)
    return handle


def read(files: SimulatedFiles, path: str) -> bytes:
    return files.read_at(files.open(path), 1_000_000, 0)


def test_content_without_a_synced_name_is_gone(files: SimulatedFiles) -> None:
    write(files, "/a", b"content")
    files.crash()
    assert files.names("/") == []


def test_a_synced_name_without_synced_content_is_an_empty_file(files: SimulatedFiles) -> None:
    write(files, "/a", b"content", sync=False)
    files.sync_directory("/")
    files.crash()
    assert read(files, "/a") == b""


def test_both_synced_are_there(files: SimulatedFiles) -> None:
    write(files, "/a", b"content")
    files.sync_directory("/")
    files.crash()
    assert read(files, "/a") == b"content"


def test_what_was_written_after_the_sync_is_forgotten(files: SimulatedFiles) -> None:
    handle = write(files, "/a", b"content")
    files.sync_directory("/")
    files.write_at(handle, b"CON", 0)
    files.resize(handle, 5)
    assert read(files, "/a") == b"CONte"
    files.crash()
    assert read(files, "/a") == b"content"


def test_a_removed_file_comes_back_unless_the_removal_was_synced(files: SimulatedFiles) -> None:
    write(files, "/a", b"content")
    files.sync_directory("/")
    files.unlink("/a")
    files.crash()
    assert files.names("/") == ["a"]
    files.unlink("/a")
    files.sync_directory("/")
    files.crash()
    assert files.names("/") == []


def test_a_rename_is_forgotten_as_a_whole_or_kept_as_a_whole() -> None:
    seen = set()
    for seed in range(30):
        files = SimulatedFiles()
        write(files, "/new", b"new")
        write(files, "/name", b"old")
        files.sync_directory("/")
        files.rename("/new", "/name")
        files.crash(SeededEntropy(seed))
        seen.add((tuple(sorted(files.names("/"))), read(files, "/name")))
    assert seen == {(("name", "new"), b"old"), (("name",), b"new")}


def test_by_chance_any_part_of_what_was_not_synced_may_survive() -> None:
    seen = set()
    for seed in range(60):
        files = SimulatedFiles()
        handle = write(files, "/a", b"....")
        files.sync_directory("/")
        files.write_at(handle, b"AB", 0)
        files.write_at(handle, b"CD", 2)
        files.crash(SeededEntropy(seed))
        seen.add(read(files, "/a"))
    assert seen == {b"....", b"AB..", b"..CD", b"ABCD"}


@given(st.lists(st.tuples(st.integers(0, 30), st.binary(max_size=10)), max_size=20))
def test_programs_see_every_write_at_once_and_a_sync_keeps_exactly_that(writes: list[tuple[int, bytes]]) -> None:
    files, model = SimulatedFiles(), bytearray()
    handle = files.create("/a")
    files.sync_directory("/")
    for offset, data in writes:
        if data:
            model.extend(bytes(max(0, offset + len(data) - len(model))))
            model[offset : offset + len(data)] = data
            files.write_at(handle, data, offset)
        assert read(files, "/a") == model
    files.sync(handle)
    files.crash()
    assert read(files, "/a") == model


def test_a_sync_that_failed_once_has_lost_the_bytes_even_if_the_next_succeeds(files: SimulatedFiles) -> None:
    handle = write(files, "/a", b"content", sync=False)
    files.sync_directory("/")
    files.plan(Trouble.IO_ERROR, call="sync")
    with pytest.raises(OSError, match="Input/output error"):
        files.sync(handle)
    files.sync(handle)
    assert read(files, "/a") == b"content"
    files.crash()
    assert read(files, "/a") == b""


def test_trouble_comes_at_the_call_that_was_planned(files: SimulatedFiles) -> None:
    files.plan(Trouble.IO_ERROR, at=3)
    files.create("/a")
    files.create("/b")
    with pytest.raises(OSError, match="Input/output error"):
        files.create("/c")
    files.plan(Trouble.NO_SPACE, at=2, call="create")
    files.create("/d")
    files.sync_directory("/")
    with pytest.raises(OSError, match="No space left"):
        files.create("/e")
    assert sorted(files.names("/")) == ["a", "b", "d"]


def test_without_power_nothing_works_and_nothing_happens(files: SimulatedFiles) -> None:
    handle = write(files, "/a", b"content")
    files.plan(Trouble.POWER_OFF)
    for _ in range(2):
        with pytest.raises(OSError, match="Input/output error"):
            files.sync_directory("/")
    with pytest.raises(OSError, match="Input/output error"):
        files.write_at(handle, b"x", 0)
    files.crash()
    assert files.names("/") == []
    with pytest.raises(OSError, match="Bad file descriptor"):
        files.write_at(handle, b"x", 0)


def test_a_crash_lets_go_of_locks(files: SimulatedFiles) -> None:
    files.lock("/lock", "me")
    with pytest.raises(BlockingIOError):
        files.lock("/lock", "you")
    assert files.holder("/lock") == "me"
    files.crash()
    files.lock("/lock", "you")


@pytest.mark.parametrize(
    ("call", "number"),
    [
        (lambda files: files.open("/missing"), errno.ENOENT),
        (lambda files: files.open("/file/below"), errno.ENOTDIR),
        (lambda files: files.open("/directory"), errno.EISDIR),
        (lambda files: files.names("/file"), errno.ENOTDIR),
        (lambda files: files.create("/file"), errno.EEXIST),
        (lambda files: files.create("/missing/file"), errno.ENOENT),
        (lambda files: files.make_directory("/"), errno.EEXIST),
        (lambda files: files.make_directory("/directory"), errno.EEXIST),
        (lambda files: files.rename("/file", "/directory/file"), errno.EXDEV),
        (lambda files: files.close(99), errno.EBADF),
    ],
)
def test_errors_are_those_of_the_system(
    files: SimulatedFiles, call: Callable[[SimulatedFiles], object], number: int
) -> None:
    files.create("/file")
    files.make_directory("/directory")
    with pytest.raises(OSError, match=re.escape(os.strerror(number))):
        call(files)


def test_the_history_names_the_calls(files: SimulatedFiles) -> None:
    files.close(write(files, "/a", b"x"))
    assert list(files.history) == [("create", "/a"), ("write_at", "/a"), ("sync", "/a"), ("close", "/a")]
