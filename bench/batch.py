"""One batch of messages: the load program (bench/load), built with the C compiler of the machine, and its report."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import cattrs
from attrs import define, field, frozen

from bench.cases import Case

HERE: Final = Path(__file__).parent
SOURCES: Final = HERE / "load"
BUILD: Final = HERE / "build"
FLAGS: Final = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror")
LIBRARIES: Final = ("-lssl", "-lcrypto")


@frozen
class Percentiles:
    """Nearest-rank percentiles, in milliseconds."""

    p50: float
    p95: float
    p99: float


@frozen(kw_only=True)
class Report:
    """What the load program says when it ends. Times count from the start of the measured part."""

    accepted: int
    """Messages that got their 250."""
    arrived: int
    """Messages all of whose recipients were served at the sink."""
    lost: int
    """Accepted, and not arrived in time."""
    doubled: int
    """Recipients that got a message again."""
    damaged: int
    """Arrivals whose content, or whose envelope, is not what was sent."""
    refused: int
    """Messages that got another reply than the one hoped for, or none."""
    strange: int
    """Arrivals that nobody sent."""
    timed_out: bool
    last_reply_s: float
    last_arrival_s: float
    reply_ms: Percentiles | None
    """From MAIL to the 250 for the content."""
    transit_ms: Percentiles | None
    """From that 250 to the final dot at the sink."""
    behind_ms: float
    """By how much the source was late at most, when it had a rate to keep."""
    sink_connections: int
    """Connections that the sink saw during the measured part."""
    load_cpu_s: float
    complaint: str
    """The first reply, or event, that the source did not hope for."""

    @property
    def faults(self) -> int:
        """How much is wrong in all. A result with any is no result."""
        return self.lost + self.doubled + self.damaged + self.refused + self.strange + self.timed_out


def build(into: Path = BUILD) -> Path:
    """Compile the load program unless it is newer than all its sources, and return its path."""
    program = into / "load"
    sources = sorted(SOURCES.glob("*.c"))
    newest = max(path.stat().st_mtime for path in SOURCES.iterdir())
    if not program.exists() or program.stat().st_mtime < newest:
        into.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cc", *FLAGS, "-o", program, *sources, *LIBRARIES], check=True)
    return program


@define
class Batch:
    """A load program that runs. Its warm-up goes on until `await_warm`, its measured part until `report`."""

    _process: subprocess.Popen[str]
    _limit_s: int = field(kw_only=True)

    def await_warm(self) -> None:
        """Wait until the messages of the warm-up are through. The program then waits for `go`."""
        assert self._process.stdout
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError("the load program ended during its warm-up; its message stands above")

    def go(self) -> None:
        """Start the measured part."""
        self._process.send_signal(signal.SIGUSR1)

    def report(self) -> Report:
        """Wait for the end of the measured part."""
        output, _ = self._process.communicate(timeout=self._limit_s + 10)
        if self._process.returncode:
            raise RuntimeError(f"the load program ended with status {self._process.returncode}")
        return cattrs.structure(json.loads(output), Report)


@contextmanager
def started(program: Path, case: Case, *, target_port: int, sink_port: int, limit_s: int) -> Iterator[Batch]:
    """Start a batch, and end it if it still runs when the block is left. Sink port 0: there is no sink."""
    options = {
        "target": target_port,
        "sink": sink_port,
        "messages": case.messages,
        "warm-up": case.warm_up_messages,
        "size": case.size_bytes,
        "sessions": case.sessions,
        "per-connection": case.per_connection,
        "rate": case.rate_per_s,
        "domains": case.domains,
        "in-a-row": case.in_a_row,
        "tls": int(case.is_encrypted),
        "sink-tls": int(case.is_hop_encrypted),
        "limit": limit_s,
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    with subprocess.Popen([os.fspath(program), *words], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Batch(process, limit_s=limit_s)
        finally:
            process.kill()
