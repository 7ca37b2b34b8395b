"""Measure what a long queue costs everybody else: just bench million --help.

Two daemons run side by side, one on an empty queue and one on a long one, all of which waits for tomorrow. Each round
sends the same new mail through both, in turn; which of them is first changes with each round. Then people look for mail
in the long queue (`LOOKS`): how long the first page takes, and how long it takes to go through all pages. At last new
mail goes through at a fixed rate, once undisturbed, and once while somebody goes through the whole queue all the time.

Ready is when the greeting comes, counted from the start of the process. Memory is that of the daemon. Processor time is
that of the daemon, and of the database server if there is one.
"""

import argparse
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Final

from attrs import define, field, frozen

from bench import batch, process_tree
from bench.backends import BACKENDS, Backend, EmpathOn, backend, control_socket
from bench.batch import Report
from bench.cases import MIB, RELAY, Case
from bench.long_queue import Queue, fill
from bench.mta import Place, Running, fresh_place, running
from bench.table import simple_table
from empath.cli.ctl.client import Client, Query, Record, UnixConnection

_CASES: Final = {case.name: case for case in RELAY}
LOAD: Final = _CASES["relay-1k"]
STEADY: Final = _CASES["rate-100"]
LIMIT_S: Final = 120
_PAGE: Final = 100
_PAUSE_S: Final = 0.02
"""Between two pages, or two backups."""
_PATIENCE_S: Final = 300.0

LOOKS: Final[Mapping[str, Query]] = {
    "nothing chosen": {},
    "status held": {"status": ["held"]},
    "status failed": {"status": ["failed"]},
    "status pending": {"status": ["pending"]},
    "status in_progress": {"status": ["in_progress"]},
    "status uncertain": {"status": ["uncertain"]},
    "domain, rare": {"domain": ["rare.example"]},
    "domain, one of 1000": {"domain": ["site7.example"]},
    "sender": {"sender": "needle@rare.example"},
    "recipient": {"recipient": "needle@site0.example"},
    "older than 95 h": {"older_than": "95h"},
    "newer than 1 m": {"newer_than": "1m"},
    "reply 452*": {"reply": "452*"},
    "reply *needles": {"reply": "*needles"},
    "reply, none": {"reply": "*nobody says so*"},
    "wait due": {"wait": ["due"]},
    "wait in_flight": {"wait": ["in_flight"]},
    "wait held": {"wait": ["held"]},
    "wait scheduled": {"wait": ["scheduled"]},
    "wait retry_backoff": {"wait": ["retry_backoff"]},
    "wait uncertain": {"wait": ["uncertain"]},
    "priority 5": {"priority": ["5"]},
    "trash": {"deleted": "true"},
}
"""What people look for, in the words of the API."""


@frozen(kw_only=True)
class Started:
    """A daemon, and what its start has cost."""

    place: Place
    live: Running
    client: Client
    ready_s: float
    start_cpu_s: float


@frozen(kw_only=True)
class Run:
    """What became of one batch of new mail."""

    report: Report
    cpu_ms: float
    """For each message, in the daemon and the server."""

    @property
    def rate_per_s(self) -> float:
        """Messages that have arrived, by the time it took."""
        return self.report.arrived / self.report.last_arrival_s if self.report.last_arrival_s else 0.0


@frozen
class Bench:
    """One backend, and what is measured on it."""

    backend: Backend
    program: Path
    rows: list[list[str]] = field(factory=list)

    def note(self, what: str, *figures: str) -> None:
        """A line of the table, at once on standard error as well."""
        self.rows.append([self.backend.name, what, *figures])
        print(*self.rows[-1], sep="  ", file=sys.stderr)

    @contextmanager
    def daemon(self, below: Path, messages: int) -> Iterator[Started]:
        """Fill a queue and start a daemon on it."""
        with ExitStack() as stack:
            place = stack.enter_context(fresh_place(below, holds=False))
            self.backend.lay_out(place.directory)
            if messages:
                store = self.backend.open(place.directory)
                fill(store, Queue(messages, time.time()))
                store.close()
                self.backend.come_to_rest(place.directory)
            began = time.monotonic()
            live = stack.enter_context(running(EmpathOn(backend=self.backend), place))
            ready_s = time.monotonic() - began
            path = control_socket(place)
            yield Started(
                place=place,
                live=live,
                client=Client(lambda timeout_s: UnixConnection(path, timeout_s), "the daemon", control_socket=path),
                ready_s=ready_s,
                start_cpu_s=process_tree.cpu_s(live.pid),
            )

    def send(self, started: Started, case: Case) -> Run:
        """Relay a batch of new mail."""
        place, live = started.place, started.live
        with batch.started(
            self.program, case, target_port=place.port, sink_port=place.sink_port, limit_s=LIMIT_S
        ) as load:
            load.await_warm()
            live.settle()
            before_s = self._cpu_s(live)
            load.go()
            report = load.report()
            live.settle()
        if report.faults:
            raise RuntimeError(f"mail was not treated right: {report}")
        return Run(report=report, cpu_ms=1000 * (self._cpu_s(live) - before_s) / report.arrived)

    def _cpu_s(self, live: Running) -> float:
        return process_tree.cpu_s(live.pid) + self.backend.cpu_s()

    def compare(self, empty: Started, long: Started, case: Case, rounds: int) -> None:
        """Send new mail through both, in turn."""
        runs: dict[str, list[Run]] = {"empty": [], "long": []}
        for number in range(rounds):
            pair = [("empty", empty), ("long", long)]
            for name, started in pair if number % 2 == 0 else reversed(pair):
                runs[name].append(self.send(started, case))
        for name, some in runs.items():
            rate, cpu_ms = median(run.rate_per_s for run in some), median(run.cpu_ms for run in some)
            self.note(f"new mail, {name} queue", f"{rate:.0f} /s", f"{cpu_ms:.3f} ms CPU each")
        ratios = [long.cpu_ms / empty.cpu_ms for empty, long in zip(runs["empty"], runs["long"], strict=True)]
        rates = [long.rate_per_s / empty.rate_per_s for empty, long in zip(runs["empty"], runs["long"], strict=True)]
        self.note("long / empty, medians of rounds", f"{median(rates):.2f} x rate", f"{median(ratios):.2f} x CPU")

    def look(self, long: Started) -> None:
        """Look for mail in all the ways that people do."""
        for name, query in LOOKS.items():
            began = time.monotonic()
            first = _page(long.client, query, None)
            first_s = time.monotonic() - began
            found, cursor = len(first["deliveries"]), first["cursor"]
            is_much = found == _PAGE
            while cursor is not None and not is_much:
                page = _page(long.client, query, cursor)
                found, cursor = found + len(page["deliveries"]), page["cursor"]
            all_s = time.monotonic() - began
            more = "more" if is_much else f"all {found} in {all_s * 1000:.0f} ms"
            self.note(f"find: {name}", f"{first_s * 1000:.0f} ms", more)

    def disturb(self, long: Started, case: Case) -> None:
        """Send new mail while somebody goes through the whole queue, or copies it, again and again."""
        self._steady(long, case, "undisturbed")
        for name, query in (("all pages", {}), ("a reply that none has", LOOKS["reply, none"])):
            with _again_and_again(_Looking(long.client, query)):
                self._steady(long, case, f"while somebody looks: {name}")
        if self.backend.server is None:
            backups = _BackingUp(long.client, long.place.directory)
            with _again_and_again(backups):
                self._steady(long, case, "during backups")
            self.note("backup", f"{median(backups.took_s):.1f} s", f"median of {len(backups.took_s)}")

    def _steady(self, long: Started, case: Case, what: str) -> None:
        report = self.send(long, case).report
        assert report.reply_ms is not None
        assert report.transit_ms is not None
        self.note(
            f"{case.rate_per_s} messages /s, {what}",
            f"250 after {report.reply_ms.p50:.1f} ms, {report.reply_ms.p99:.1f} in 99 of 100",
            f"arrived after {report.transit_ms.p50:.1f}, {report.transit_ms.p99:.1f} ms",
        )


def _page(client: Client, query: Query, cursor: str | None) -> Record:
    asked = {**query, "limit": _PAGE} | ({} if cursor is None else {"cursor": cursor})
    return client.ask("GET", "/messages", asked, timeout_s=_PATIENCE_S)


@define
class _Looking:
    """Somebody who goes through pages."""

    client: Client
    query: Query
    cursor: str | None = None

    def __call__(self) -> None:
        further = {} if self.cursor is None else {"cursor": self.cursor}
        asked = {**self.query, "limit": _PAGE} | further
        self.cursor = self.client.ask("GET", "/messages", asked, timeout_s=_PATIENCE_S)["cursor"]


@define
class _BackingUp:
    """Somebody who copies all, and throws it away."""

    client: Client
    below: Path
    took_s: list[float] = field(factory=list)

    def __call__(self) -> None:
        directory, began = self.below / "backup", time.monotonic()
        self.client.ask("POST", "/backup", content={"directory": str(directory)}, timeout_s=_PATIENCE_S)
        self.took_s.append(time.monotonic() - began)
        shutil.rmtree(directory)


@contextmanager
def _again_and_again(act: Callable[[], None]) -> Iterator[None]:
    over = threading.Event()

    def run() -> None:
        while not over.wait(_PAUSE_S):
            act()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def measure(name: str, options: argparse.Namespace, program: Path) -> list[list[str]]:
    """Measure one backend; the lines of its table."""
    case, steady = LOAD.scaled(options.scale), STEADY.scaled(options.scale)
    with ExitStack() as stack:
        bench = Bench(stack.enter_context(backend(name, options.directory)), program)
        empty = stack.enter_context(bench.daemon(options.directory, 0))
        long = stack.enter_context(bench.daemon(options.directory, options.size))
        for which, started in (("empty", empty), ("long", long)):
            bench.note(f"start, {which} queue", f"{started.ready_s:.2f} s", f"{started.start_cpu_s:.2f} s CPU")
        with process_tree.watched(long.live.pid) as peak:
            long.live.settle(options.settle)
            bench.compare(empty, long, case, options.rounds)
            bench.look(long)
            bench.disturb(long, steady)
        bench.note(
            "memory, peak", f"{peak.seen.rss_bytes / MIB:.0f} MiB RSS", f"{peak.seen.pss_bytes / MIB:.0f} MiB PSS"
        )
    return bench.rows


def main() -> None:
    """Measure each backend and print a table."""
    options = _parser().parse_args()
    program = batch.build()
    rows: list[list[str]] = []
    for name in options.backend or ("sqlite", "postgres"):
        rows += measure(name, options, program)
    print(simple_table(["queue in", "what", "figure", "and"], rows))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Relays mail and looks for mail beside a long queue.")
    parser.add_argument("--backend", action="append", default=[], choices=BACKENDS, help="only this; may be repeated")
    parser.add_argument("--size", type=int, default=1_000_000, help="how many deliveries wait (1000000)")
    parser.add_argument("--rounds", type=int, default=7, help="batches of new mail through each daemon (7)")
    parser.add_argument("--scale", type=float, default=1.0, help="times the messages of a batch (1.0)")
    parser.add_argument("--settle", type=float, default=30.0, help="seconds to rest after the start, at most (30)")
    parser.add_argument(
        "--directory",
        type=Path,
        default=Path(tempfile.gettempdir()),
        help="below which the queues are made; it decides whose disk is measured (the temporary directory)",
    )
    return parser


if __name__ == "__main__":
    main()
