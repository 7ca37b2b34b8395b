"""The real file calls, where the contract of the disk does not see them one by one."""

import os
from pathlib import Path

import pytest

from empath.world.files import SystemFiles

CONTENT = bytes(range(256)) * 64


def handle_of(path: Path) -> int:
    path.write_bytes(CONTENT)
    return SystemFiles().open(str(path))


def test_what_is_read_at_once_is_what_would_have_been_read_in_time(tmp_path: Path) -> None:
    files, handle = SystemFiles(), handle_of(tmp_path / "body")
    for size_bytes, offset in ((100, 0), (len(CONTENT) + 1, 0), (1000, len(CONTENT) - 10), (10, len(CONTENT))):
        assert files.read_at_once(handle, size_bytes, offset) in (None, files.read_at(handle, size_bytes, offset))
    files.close(handle)


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="this system has no way to drop a file from memory")
def test_what_is_not_in_memory_is_not_waited_for(tmp_path: Path) -> None:
    files, handle = SystemFiles(), handle_of(tmp_path / "body")
    descriptor = os.open(tmp_path / "body", os.O_RDWR)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)
    assert files.read_at_once(handle, 100, 0) in (None, CONTENT[:100])  # a file system in memory has it always
    assert files.read_at(handle, 100, 0) == CONTENT[:100]
    files.close(handle)


def test_a_system_that_cannot_tell_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files, handle = SystemFiles(), handle_of(tmp_path / "body")
    monkeypatch.delattr(os, "RWF_NOWAIT", raising=False)
    assert files.read_at_once(handle, 100, 0) is None
    files.close(handle)


def test_another_error_is_not_passed_over(tmp_path: Path) -> None:
    handle = os.open(tmp_path / "body", os.O_WRONLY | os.O_CREAT)
    with pytest.raises(OSError, match="Bad file descriptor"):
        SystemFiles().read_at_once(handle, 100, 0)
    os.close(handle)
