"""An audit log on a disk in memory, as a daemon writes it, and as files of some days."""

import json
from pathlib import PurePosixPath
from typing import Any

import msgspec
import trio
from attrs import define, evolve, field

from empath.config.schema import Redaction
from empath.ops.audit.archive import Archive
from empath.ops.audit.attempts import Attempts
from empath.ops.audit.history import History
from empath.ops.audit.log import AuditLog
from empath.ops.audit.packing import pack
from empath.ops.audit.records import Auditable, Recorder
from empath.ops.audit.redaction import Redactor
from empath.ops.audit.search import Search
from empath.sim import SimulatedWorld
from tests.ops.facts import NOW

DIRECTORY = PurePosixPath("/var/log/empath")
DAY_S = 86_400.0
KEY = b"k" * 32


def told(fact: Auditable | Attempts, seq: int = 1, redactor: Redactor | None = None) -> dict[str, Any]:
    """A record as one reads it."""
    plain = Redactor(sender=Redaction.NONE, recipients=Redaction.NONE, key=b"")
    found: dict[str, Any] = json.loads(Recorder(node="mx1", redactor=redactor or plain).line(seq, fact))
    return found


@define
class Log:
    """An audit log on a disk in memory."""

    daily: bool = True
    retain_days: int = 90
    max_pending: int = 100
    chain_key: bytes | None = None
    world: SimulatedWorld = field(init=False, factory=lambda: SimulatedWorld(1))
    audit: AuditLog = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin a run of the daemon, on the same disk."""
        world = self.world.world
        archive = Archive(
            disk=world.disk,
            offload=world.offload,
            path=DIRECTORY / "audit.jsonl",
            daily=self.daily,
            retain_days=self.retain_days,
        )
        redactor = Redactor(sender=Redaction.NONE, recipients=Redaction.NONE, key=b"")
        recorder = Recorder(node="mx1", redactor=redactor)
        self.audit = AuditLog(
            archive=archive,
            recorder=recorder,
            clock=world.clock,
            max_pending=self.max_pending,
            chain_key=self.chain_key,
        )

    @property
    def now(self) -> float:
        return self.world.clock.now()

    async def names(self) -> list[str]:
        return list(await self.world.world.disk.list(DIRECTORY))

    async def content(self, name: str) -> bytes:
        async with await self.world.world.disk.open(DIRECTORY / name) as file:
            return await file.read(1_000_000)

    async def records(self, name: str = "audit.jsonl") -> list[dict[str, Any]]:
        return [json.loads(line) for line in (await self.content(name)).splitlines() if line]


@define
class Shelf:
    """The files of some days."""

    world: SimulatedWorld = field(init=False, factory=lambda: SimulatedWorld(1))
    archive: Archive = field(init=False)

    def __attrs_post_init__(self) -> None:
        world = self.world.world
        path = DIRECTORY / "audit.jsonl"
        self.archive = Archive(disk=world.disk, offload=world.offload, path=path, daily=True, retain_days=90)

    @property
    def search(self) -> Search:
        return Search(archive=self.archive, gives_way=False)

    def history(self, *, max_records: int = 1000, timeout_s: float = 20.0, key: bytes | None = None) -> History:
        async def settle() -> None:
            await trio.lowlevel.checkpoint()

        async def found() -> bytes | None:
            await trio.lowlevel.checkpoint()
            return key

        return History(
            search=evolve(self.search, gives_way=True),
            settle=settle,
            key=found,
            timeout_s=timeout_s,
            max_records=max_records,
        )

    async def put(self, day: str, *records: dict[str, Any] | bytes, packed: bool = False) -> PurePosixPath:
        """Write the file of a day."""
        disk, file = self.world.world.disk, DIRECTORY / f"audit-{day}.jsonl"
        await disk.make_directory(DIRECTORY)
        lines = [one if isinstance(one, bytes) else msgspec.json.encode(one) + b"\n" for one in records]
        await disk.append(file, lines)
        if packed:
            await pack(disk, self.archive.offload, file)
        return file

    async def names(self) -> list[str]:
        return list(await self.world.world.disk.list(DIRECTORY))


TODAY = "2025-11-10"
YESTERDAY = "2025-11-09"
EARLIER = NOW - DAY_S
