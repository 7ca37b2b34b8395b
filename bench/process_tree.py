"""What a program and all its descendants cost, read from /proc."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from attrs import define, field, frozen

TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
PROC: Final = Path("/proc")


@frozen(kw_only=True)
class Process:
    """One process at one moment. Pid and start together name it; a pid alone is used again."""

    pid: int
    parent: int
    start_ticks: int
    is_zombie: bool
    own_s: float
    """Its user and system time, cut off at ticks of the clock."""
    waited_for_s: float
    """Those of the descendants that it has waited for."""

    @property
    def lives(self) -> bool:
        """Whether this process, and not another one with its pid, still runs."""
        now = _read(self.pid)
        return now is not None and now.start_ticks == self.start_ticks and not now.is_zombie


@frozen(kw_only=True)
class Memory:
    """The memory of several processes, as sums over them."""

    processes: int = 0
    rss_bytes: int = 0
    """Resident; what they share is counted for each of them."""
    pss_bytes: int = 0
    """Resident; what n of them share is counted as an n-th for each."""

    def peak_with(self, other: "Memory") -> "Memory":
        """Return the larger of each figure."""
        return Memory(
            processes=max(self.processes, other.processes),
            rss_bytes=max(self.rss_bytes, other.rss_bytes),
            pss_bytes=max(self.pss_bytes, other.pss_bytes),
        )


def tree(root: int) -> list[Process]:
    """Return the process and its descendants."""
    children: dict[int, list[Process]] = {}
    for name in os.listdir(PROC):
        if name.isdigit() and (process := _read(int(name))):
            children.setdefault(process.parent, []).append(process)
    top = _read(root)
    found = [top] if top else []
    for process in found:
        found.extend(children.get(process.pid, ()))
    return found


def cpu_s(root: int) -> float:
    """Return the seconds of user and system time of a process and all descendants it ever had.

    A descendant that outlives its parent is lost from sight; a program that stays in the foreground has none.
    """
    # Ticks are cut off, up to 10 ms for each process; the scheduler's nanoseconds leave out threads that ended.
    # Both are too low, so the larger one is nearer.
    return sum(max(process.own_s, _scheduled_s(process.pid)) + process.waited_for_s for process in tree(root))


def memory(root: int) -> Memory:
    """Return what a process and its descendants hold now."""
    processes, rss_bytes, pss_bytes = 0, 0, 0
    for process in tree(root):
        with suppress(OSError):
            lines = (PROC / str(process.pid) / "smaps_rollup").read_text().splitlines()
            sizes = dict(line.split()[:2] for line in lines[1:])
            processes += 1
            rss_bytes += 1024 * int(sizes["Rss:"])
            pss_bytes += 1024 * int(sizes["Pss:"])
    return Memory(processes=processes, rss_bytes=rss_bytes, pss_bytes=pss_bytes)


@define
class PeakMemory:
    """The largest figures seen so far."""

    _root: int
    seen: Memory = field(factory=Memory)

    def look(self) -> None:
        """Compare with what is held now."""
        self.seen = self.seen.peak_with(memory(self._root))


@contextmanager
def watched(root: int, every_s: float = 1.0) -> Iterator[PeakMemory]:
    """Look at the memory of a tree again and again in a thread, and once more at the end of the block.

    A look at a hundred processes takes some 25 ms of a processor that they could use. Hence not more often.
    """
    peak = PeakMemory(root)
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(every_s):
            peak.look()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()
    peak.look()


def _read(pid: int) -> Process | None:
    """Read what proc(5) says of a process; None if it is gone."""
    try:
        # The name in parentheses may hold anything, parentheses too. What follows starts with field 3 of proc(5).
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return Process(
        pid=pid,
        parent=int(fields[1]),
        start_ticks=int(fields[19]),
        is_zombie=fields[0] == "Z",
        own_s=(int(fields[11]) + int(fields[12])) / TICKS_PER_S,
        waited_for_s=(int(fields[13]) + int(fields[14])) / TICKS_PER_S,
    )


def _scheduled_s(pid: int) -> float:
    total_ns = 0
    with suppress(OSError):
        for thread in (PROC / str(pid) / "task").iterdir():
            total_ns += int((thread / "schedstat").read_text().split()[0])
    return total_ns / 1e9
