"""Measure what the audit log costs to pack and to search: just bench history --help.

Two days of mail are written as the daemon writes them, two records for each message, without sending any. The first day
is packed. Then somebody is looked for who has no mail, so all of it must be gone through: as the daemon does, which
pauses as long as it works, and as ``empath audit grep`` does, which does not.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Awaitable, Iterator
from functools import partial
from pathlib import Path, PurePath
from typing import Final, TypeVar

import trio
from attrs import frozen

from bench.table import simple_table
from empath.config.schema import Redaction
from empath.mail.envelope import Envelope, Origin, Recipient
from empath.mail.facts import DeliveryAttempted, MessageAccepted
from empath.mail.ids import NUMBER_BITS, DeliveryId, MessageId
from empath.mail.outcome import Delivered
from empath.ops.audit import Archive, Recorder, Redactor
from empath.ops.audit.history import History
from empath.ops.audit.packing import pack
from empath.ops.audit.search import Search
from empath.smtp import Address, Reply
from empath.world.disk import DurableDisk
from empath.world.entropy import SystemEntropy
from empath.world.files import SystemFiles
from empath.world.offload import ThreadOffload

T = TypeVar("T")
DAY_S: Final = 86_400
YESTERDAY: Final = 1_762_646_400  # 2025-11-09
_NOBODY: Final = "nobody@example.org"
_TAKEN: Final = Delivered(Reply(250, "ok id=77", "2.0.0"), "mx1.example.org")


@frozen
class Took:
    """How long something took, and how much of the processor."""

    wall_s: float
    cpu_s: float

    @property
    def cells(self) -> tuple[str, str]:
        return f"{self.wall_s:.2f}", f"{self.cpu_s:.2f}"


def lines(messages: int, begins: int) -> Iterator[bytes]:
    """The records of a day."""
    redactor = Redactor(sender=Redaction.NONE, recipients=Redaction.NONE, key=b"")
    recorder, chance = Recorder(node="mx1", redactor=redactor), random.Random(begins)
    sender = Address.parse("billing@example.com")
    origin = Origin(client_ip="192.0.2.50", hello="app1", protocol="ESMTPS", listener="[::]:25", tls_version="TLSv1.3")
    for number in range(messages):
        at = begins + number * DAY_S / messages
        mid = MessageId(int(at), chance.getrandbits(NUMBER_BITS))
        to = Address.parse(f"u{chance.randrange(10**7)}@d{chance.randrange(2000)}.example")
        envelope = Envelope(reverse_path=sender, recipients=(Recipient(to),), received=at, origin=origin)
        yield recorder.line(
            2 * number + 1,
            MessageAccepted(at=at, message=mid, session=None, envelope=envelope, size_bytes=4198, commit_s=0.002),
        )
        yield recorder.line(
            2 * number + 2,
            DeliveryAttempted(
                at=at + 1,
                delivery=DeliveryId(mid, 0),
                reverse_path=sender,
                recipient=to,
                site=str(to).partition("@")[2],
                attempt=1,
                outcome=_TAKEN,
                address="192.0.2.7:25",
                tls_version="TLSv1.3",
                waited_s=0.03,
                took_s=0.6,
                stages=(("rcpt", 0.05), ("data", 0.4)),
                tls_verified=True,
                size_bytes=4198,
            ),
        )


async def timed(doing: Awaitable[T]) -> Took:
    began, cpu = time.perf_counter(), time.process_time()
    await doing
    return Took(time.perf_counter() - began, time.process_time() - cpu)


async def measure(directory: Path, messages: int) -> None:
    """Do all of it, and print what it took."""
    offload = ThreadOffload("bench", threads=1)
    disk = DurableDisk(SystemFiles(), offload, SystemEntropy())
    path = PurePath(directory / "audit.jsonl")
    archive = Archive(disk=disk, offload=offload, path=path, daily=True, retain_days=90)
    before, today = directory / "audit-2025-11-09.jsonl", directory / "audit-2025-11-10.jsonl"
    before.write_bytes(b"".join(lines(messages, YESTERDAY)))
    plain = before.stat().st_size
    rows: list[tuple[str, str, str]] = [("pack a day", *(await timed(pack(disk, offload, before))).cells)]
    packed, index = [before.with_name(f"{before.name}{end}").stat().st_size for end in (".gz", ".idx")]
    for gives_way in (True, False):
        history = History(
            search=Search(archive=archive, gives_way=gives_way),
            settle=trio.lowlevel.checkpoint,
            key=_no_key,
            timeout_s=1000,
            max_records=10,
        )
        who = "as the daemon does" if gives_way else "as grep does"
        rows.append((f"search the packed day, {who}", *(await timed(history.find(_NOBODY, since=0.0))).cells))
        today.write_bytes(b"".join(lines(messages, YESTERDAY + DAY_S)))
        rows.append((f"search it and today, {who}", *(await timed(history.find(_NOBODY, since=0.0))).cells))
        today.unlink()
    print(f"{messages} messages a day: {plain >> 20} MiB plain, {packed >> 20} packed, index {index / 2**20:.1f}\n")
    print(simple_table(("what", "seconds", "CPU seconds"), rows))
    offload.close()


async def _no_key() -> None:
    await trio.lowlevel.checkpoint()


def main() -> None:
    """Measure in a directory that is removed afterwards."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--messages", type=int, default=200_000, help="how many a day")
    with tempfile.TemporaryDirectory() as directory:
        trio.run(partial(measure, Path(directory), options.parse_args().messages))


if __name__ == "__main__":
    main()
