"""What the kernel was asked for: before every 250 to a final dot, the message is on the disk.

The system calls of all threads are traced, each with its path, start and duration. The data of a write shows which
message it is about; that a flush *covers* it means that it began after the write had ended, and had ended before the
reply was begun.
"""

import re
import smtplib
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from attrs import frozen

from tests.peers import find, needs
from tests.process.daemon import Daemon, live
from tests.process.load import Load
from tests.process.sink import Sink

_LINE = re.compile(
    r"(?P<start>[\d.]+) (?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+)[^<]*(<[^>]*>)? <(?P<took>[\d.]+)>$"
)
_PATH = re.compile(r"\d+<([^>]*)>")
_PROMISE = re.compile(r'"250 2\.0\.0 ([0-9a-f]+-[0-9a-f]+) queued')
TRACED = "trace=fsync,fdatasync,write,pwrite64,writev,pwritev,sendto,sendmsg,rename,renameat,renameat2"


@frozen
class Call:
    """One system call that succeeded."""

    start: float
    end: float
    name: str
    arguments: str

    @property
    def path(self) -> str:
        """What its descriptor stands for."""
        found = _PATH.match(self.arguments)
        return found[1] if found else ""

    @property
    def is_flush(self) -> bool:
        """Whether it returns when data is on the disk."""
        return self.name in ("fsync", "fdatasync")


@pytest.fixture
def traced(sink: Sink, tmp_path: Path) -> Daemon:
    """A daemon whose system calls are written down, not started yet."""
    options = ("-D", "-ff", "-ttt", "-T", "-y", "-s", "5000", "-e", TRACED, "-o", str(tmp_path / "trace"))
    return Daemon(tmp_path, live(tmp_path, next_hop=sink.address), wrapper=(str(find("strace")), *options))


@needs("strace")
def test_a_flush_of_the_queue_covers_each_message_before_its_250(sink: Sink, traced: Daemon) -> None:
    with traced, Load(1, lambda: traced.port):
        sink.wait(100)
        assert traced.stop() == 0
    calls = read_trace(traced.home)
    promises = [(call, found[1]) for call in calls if (found := _PROMISE.search(call.arguments))]
    assert len(promises) >= 100
    flushes = [call for call in calls if call.is_flush]
    for reply, mid in promises:
        assert covered(first_write(calls, mid), flushes, reply), f"{mid} was promised before it was on the disk"


@needs("strace")
def test_a_large_body_is_on_the_disk_with_its_name_before_its_row_is_written(sink: Sink, traced: Daemon) -> None:
    body = b"Subject: large\r\n\r\n" + (b"x" * 70 + b"\r\n") * 5000
    with traced, smtplib.SMTP("127.0.0.1", traced.port, timeout=30) as client:
        client.sendmail("ann@example.com", ["bob@example.org"], body)
        client.quit()
        assert traced.stop() == 0
    calls = read_trace(traced.home)
    [mid] = [found[1] for call in calls if (found := _PROMISE.search(call.arguments))]
    bodies = f"{traced.home}/spool/bodies"
    name = f"{bodies}/{mid}"
    written = the(calls, lambda call: call.name == "pwrite64" and call.path.startswith(name))
    content = the(calls, lambda call: call.is_flush and call.path.startswith(name))
    renamed = the(calls, lambda call: call.name.startswith("rename") and name in call.arguments)
    directory = the(calls, lambda call: call.is_flush and call.path == bodies and call.start >= renamed.end)
    assert written.end <= content.start
    assert content.end <= renamed.start
    assert directory.end <= first_write(calls, mid).start


def read_trace(directory: Path) -> list[Call]:
    """Return the calls of all threads in the order of their start."""
    found = [_LINE.match(line) for path in directory.glob("trace.*") for line in path.read_text().splitlines()]
    calls = [
        Call(start, start + float(line["took"]), line["name"], line["arguments"])
        for line in found
        if line and int(line["result"]) >= 0
        for start in [float(line["start"])]
    ]
    return sorted(calls, key=lambda call: call.start)


def the(calls: Iterable[Call], wanted: Callable[[Call], bool]) -> Call:
    """Return the first call that is wanted."""
    return next(call for call in calls if wanted(call))


def first_write(calls: Iterable[Call], mid: str) -> Call:
    """Return the write that brought a message into the queue."""
    return the(calls, lambda call: call.name == "pwrite64" and "/spool/queue/" in call.path and mid in call.arguments)


def covered(write: Call, flushes: Iterable[Call], reply: Call) -> bool:
    """Tell whether a flush of the same file lies between the write and the reply."""
    own = [flush for flush in flushes if flush.path == write.path]
    return any(write.end <= flush.start and flush.end <= reply.start for flush in own)
