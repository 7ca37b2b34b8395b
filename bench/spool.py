"""Measure what the spool costs for each message: just bench spool --help.

Without SMTP and without Trio: the store alone, in one thread, as the daemon's writer uses it. A round accepts a batch
of messages in one durable transaction, claims them in a second one and records them as delivered in a third; so a
message pays for all three. The rows ``file`` do what a mail server without a queue database would: for each message a
file is written, synced, renamed, its directory synced, and the file removed.

CPU is that of the process, and of the database server if there is one, in user and system mode. A long queue is made of
messages that wait for tomorrow.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count, product
from math import inf
from pathlib import Path
from typing import Final

from attrs import field, frozen

from bench.backends import BACKENDS, Backend, backend
from bench.cases import KIB
from bench.table import simple_table
from empath.mail.envelope import Envelope, Recipient
from empath.mail.ids import MessageId
from empath.mail.record import encode_envelope
from empath.smtp import Address
from empath.spool import Acceptance, Claimed, Finished
from empath.spool.store import Store

ServerCpu = Callable[[], float]
"""What a server has spent so far, in seconds."""

DAY_S: Final = 86_400.0
_FILL_BATCH: Final = 500
_MOST_IN_FILES: Final = 100_000
"""Messages that the backend of files is for: a longer queue is cut to this."""


@frozen(kw_only=True)
class Figures:
    """What one kind of round has shown."""

    rounds_per_s: float
    cpu_us: float
    """For each message."""


@frozen
class Source:
    """Messages, each with a name of its own."""

    now: float
    numbers: Iterator[int]

    def message(self, size_bytes: int, *, next_attempt: float) -> Acceptance:
        """One for a single recipient."""
        number = next(self.numbers)
        sender, recipient = f"sender{number % 1000}@client.example", f"user{number}@{number % 1000}.example"
        envelope = Envelope(
            reverse_path=Address.parse(sender), recipients=(Recipient(Address.parse(recipient)),), received=self.now
        )
        return Acceptance(
            mid=MessageId.make(self.now, number),
            received=self.now,
            envelope=encode_envelope(envelope),
            body=b"x" * size_bytes,
            domains=(recipient.partition("@")[2],),
            sender=sender,
            recipients=(recipient,),
            next_attempt=next_attempt,
        )


def fill(store: Store, source: Source, messages: int) -> None:
    """Let so many messages wait for tomorrow."""
    for first in range(0, messages, _FILL_BATCH):
        some = range(first, min(messages, first + _FILL_BATCH))
        batch = [source.message(KIB, next_attempt=source.now + DAY_S / 2 + number % 1000) for number in some]
        for result in store.commit([lambda store, one=one: store.accept(one) for one in batch], durable=True):
            result.unwrap()


def round_of(store: Store, source: Source, batch: list[Acceptance]) -> None:
    """Accept, claim and record."""
    for result in store.commit([lambda store, one=one: store.accept(one) for one in batch], durable=True):
        result.unwrap()

    def claim(store: Store) -> Claimed:
        until = source.now + DAY_S
        return store.claim(now=source.now, until=until, latest=inf, room=len(batch))

    claimed = store.commit([claim], durable=False)[0].unwrap()
    assert isinstance(claimed, Claimed)
    fates = [[Finished(key=each.key) for each in one.deliveries] for one in claimed.claims]
    for result in store.commit([lambda store, some=some: store.record(some) for some in fates], durable=False):
        result.unwrap()


def files_of(directory: Path, batch: list[Acceptance]) -> None:
    """Write a file for each message, make it durable, and remove it."""
    for one in batch:
        assert isinstance(one.body, bytes)
        path = directory / str(one.mid)
        handle = os.open(f"{path}.tmp", os.O_CREAT | os.O_WRONLY, 0o600)
        os.write(handle, one.envelope + one.body)
        os.fsync(handle)
        os.close(handle)
        os.rename(f"{path}.tmp", path)
        top = os.open(directory, os.O_RDONLY)
        os.fsync(top)
        os.close(top)
        path.unlink()


def measure(
    act: Callable[[list[Acceptance]], None],
    batches: Iterator[list[Acceptance]],
    seconds: float,
    server_cpu_s: ServerCpu,
) -> Figures:
    """Do it again and again for so long."""
    act(next(batches))
    rounds = messages = 0
    spent_s, cpu_s = 0.0, -server_cpu_s()
    while spent_s < seconds:
        batch = next(batches)  # made outside what is measured
        began, cpu_began = time.perf_counter(), time.process_time()
        act(batch)
        spent_s += time.perf_counter() - began
        cpu_s += time.process_time() - cpu_began
        rounds, messages = rounds + 1, messages + len(batch)
    cpu_s += server_cpu_s()
    return Figures(rounds_per_s=rounds / spent_s, cpu_us=cpu_s / messages * 1e6)


@contextmanager
def a_store(kept: Backend, below: Path, source: Source, messages: int) -> Iterator[Store]:
    """A store with a queue of this length."""
    with tempfile.TemporaryDirectory(dir=below) as name:
        directory = Path(name)
        kept.lay_out(directory)
        store = kept.open(directory)
        fill(store, source, messages)
        kept.come_to_rest(directory)
        yield store
        store.close()


@frozen
class Bench:
    """What is measured, and the lines of the table so far."""

    options: argparse.Namespace
    source: Source
    rows: list[list[str]] = field(factory=list)

    def play(self, name: str, queue: int, act: Callable[[list[Acceptance]], None], server_cpu_s: ServerCpu) -> None:
        """Do it with messages of each size, in batches of each length."""
        for size_kib, batch in product(self.options.size, self.options.batch):
            figures = measure(act, self._batches(size_kib, batch), self.options.seconds, server_cpu_s)
            cells = [name, str(queue), str(size_kib), str(batch), f"{figures.rounds_per_s:.0f}"]
            self.rows.append([*cells, f"{figures.rounds_per_s * batch:.0f}", f"{figures.cpu_us:.0f}"])
            print(*self.rows[-1], file=sys.stderr)

    def _batches(self, size_kib: int, batch: int) -> Iterator[list[Acceptance]]:
        while True:
            yield [self.source.message(size_kib * KIB, next_attempt=self.source.now) for _ in range(batch)]

    def play_store(self, name: str) -> None:
        """Do it with each length of the queue."""
        with backend(name, self.options.directory) as kept:
            for queue in self.options.queue:
                held = min(queue, _MOST_IN_FILES) if name == "files" else queue
                with a_store(kept, self.options.directory, self.source, held) as store:
                    self.play(name, held, partial(round_of, store, self.source), kept.cpu_s)


def main() -> None:
    """Measure each case once and print a table."""
    options = _parser().parse_args()
    bench = Bench(options, Source(float(int(time.time())), count()))
    with tempfile.TemporaryDirectory(dir=options.directory) as name:
        bench.play("file", 0, partial(files_of, Path(name)), lambda: 0.0)
    for name in options.store or BACKENDS:
        bench.play_store(name)
    header = ["store", "waiting", "KiB", "batch", "rounds/s", "messages/s", "CPU us"]
    print(simple_table(header, bench.rows))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Accepts, claims and records messages, and does nothing else.")
    parser.add_argument("--store", action="append", choices=BACKENDS, help="only this; may be repeated")
    parser.add_argument("--queue", type=int, nargs="+", default=[0, 1_000_000], help="how many wait (0 1000000)")
    parser.add_argument("--size", type=int, nargs="+", default=[1, 10, 100], help="KiB of a body (1 10 100)")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 10, 100], help="messages together (1 10 100)")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long to do each (3)")
    parser.add_argument(
        "--directory",
        type=Path,
        default=Path(tempfile.gettempdir()),
        help="below which the spool is made (the temporary directory)",
    )
    return parser


if __name__ == "__main__":
    main()
