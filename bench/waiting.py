"""Measure what a long queue for a dead site costs: just bench waiting --help.

A spool is filled through its own code, without SMTP, since that is not what is measured here. All of it is due when the
daemon starts. The next hop takes nothing: it refuses the connection, or takes it and never says a word.

Ready is when the greeting comes, counted from the start of the process. Memory is the peak of a look each second, from
the greeting on; processor time is that of the whole process, up to the greeting and in the time of watching after it.
"""

import argparse
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from attrs import evolve, frozen

from bench import process_tree
from bench.cases import KIB, MIB
from bench.empath_mta import Empath, configuration
from bench.mta import Place, fresh_place, running
from bench.process_tree import Memory
from bench.table import simple_table
from empath.mail.envelope import Envelope, Recipient
from empath.mail.ids import MessageId
from empath.mail.record import encode_envelope
from empath.smtp import Address
from empath.spool import Acceptance, open_database

BATCH: Final = 500
DEAD: Final = "dead.example"


@frozen(kw_only=True)
class Case:
    """One kind of queue."""

    name: str
    messages: int
    recipients: int = 1
    is_silent: bool = False
    """Whether the next hop takes connections and says nothing; otherwise it refuses them."""

    @property
    def deliveries(self) -> int:
        """One for each recipient."""
        return self.messages * self.recipients


CASES: Final = (
    Case(name="refused", messages=100_000),
    Case(name="silent", messages=100_000, is_silent=True),
    Case(name="refused-100-recipients", messages=1000, recipients=100),
    Case(name="silent-100-recipients", messages=1000, recipients=100, is_silent=True),
)


@frozen(kw_only=True)
class Waiting(Empath):
    """Empath with a next hop of its own for the dead domain."""

    def prepare(self, place: Place) -> Sequence[str | Path]:
        command = super().prepare(place)
        file = place.directory / "empath.toml"
        override = f'[delivery.domains."{DEAD}"]\nmx_override = "127.0.0.1:{place.sink_port}"\n'
        file.write_text(f"{configuration(place)}\n{override}")
        return command


@frozen(kw_only=True)
class Figures:
    """What one run has shown."""

    ready_s: float
    start_cpu_s: float
    watched_cpu_s: float
    peak: Memory


def fill(directory: Path, case: Case, size_bytes: int) -> None:
    """Put the messages of a case into the spool of a place, all due now."""
    queue = directory / "spool" / "queue"
    queue.mkdir(parents=True, mode=0o700)
    store = open_database(str(queue / "queue.sqlite3"))
    now = time.time()
    recipients = tuple(Recipient(Address.parse(f"user{number}@{DEAD}")) for number in range(case.recipients))
    envelope = encode_envelope(
        Envelope(reverse_path=Address.parse("sender@client.example"), recipients=recipients, received=now)
    )
    body = b"Subject: waiting\r\n\r\n" + b"x" * 76 + b"\r\n"
    body += (b"y" * 76 + b"\r\n") * max(0, (size_bytes - len(body)) // 78)

    def message(number: int) -> Acceptance:
        domains = (DEAD,) * case.recipients
        mid = MessageId.make(now, number)
        return Acceptance(mid=mid, received=now, envelope=envelope, body=body, domains=domains, next_attempt=now)

    for first in range(0, case.messages, BATCH):
        batch = [message(number) for number in range(first, min(case.messages, first + BATCH))]
        for result in store.commit([lambda store, one=one: store.accept(one) for one in batch], durable=True):
            result.unwrap()
    store.close()


@contextmanager
def dead_hop(port: int, *, is_silent: bool) -> Iterator[None]:
    """Hold a port whose clients get nowhere."""
    with socket.socket() as hop:
        hop.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        hop.bind(("127.0.0.1", port))
        if is_silent:
            hop.listen(1000)  # the kernel takes the connections
        yield


def measure(case: Case, *, size_bytes: int, watch_s: float, below: Path) -> Figures:
    """Fill a spool, start a daemon on it and look on."""
    with fresh_place(below, holds=False) as place, dead_hop(place.sink_port, is_silent=case.is_silent):
        fill(place.directory, case, size_bytes)
        began = time.monotonic()
        with running(Waiting(), place) as live:
            ready_s = time.monotonic() - began
            start_cpu_s = process_tree.cpu_s(live.pid)
            with process_tree.watched(live.pid) as peak:
                time.sleep(watch_s)
            if not process_tree.memory(live.pid).processes:
                log = (place.directory / "console.log").read_text()
                raise RuntimeError(f"the daemon has ended while it was watched. The end of its log:\n{log[-2000:]}")
            watched_cpu_s = process_tree.cpu_s(live.pid) - start_cpu_s
    return Figures(ready_s=ready_s, start_cpu_s=start_cpu_s, watched_cpu_s=watched_cpu_s, peak=peak.seen)


def row(case: Case, figures: Figures) -> list[str]:
    """Return the line of a table."""
    return [
        case.name,
        str(case.deliveries),
        f"{figures.ready_s:.2f}",
        f"{figures.start_cpu_s:.2f}",
        f"{figures.peak.pss_bytes / MIB:.0f}",
        f"{figures.peak.rss_bytes / MIB:.0f}",
        f"{figures.watched_cpu_s:.2f}",
    ]


def main() -> None:
    """Measure each case once and print a table."""
    options = _parser().parse_args()
    cases = [case for case in CASES if not options.case or case.name in options.case]
    rows = []
    for case in cases:
        scaled = evolve(case, messages=max(1, round(case.messages * options.scale)))
        figures = measure(scaled, size_bytes=options.size, watch_s=options.seconds, below=options.directory)
        rows.append(row(scaled, figures))
        print(*rows[-1], file=sys.stderr)
    header = ["queue", "deliveries", "ready s", "CPU s", "PSS MiB", "RSS MiB", f"CPU s in {options.seconds:g} s"]
    print(simple_table(header, rows))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Starts Empath on a long queue for a site that takes nothing.")
    names = [case.name for case in CASES]
    parser.add_argument("--case", action="append", default=[], choices=names, help="only this one; may be repeated")
    parser.add_argument("--scale", type=float, default=1.0, help="times the messages of each case (1.0)")
    parser.add_argument("--size", type=int, default=KIB, help="octets of a message (1024)")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to look on after the start (60)")
    parser.add_argument(
        "--directory",
        type=Path,
        default=Path(tempfile.gettempdir()),
        help="below which spools are made (the temporary directory)",
    )
    return parser


if __name__ == "__main__":
    main()
