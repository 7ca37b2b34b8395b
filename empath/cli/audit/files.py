"""Opening the files of the audit log for a command."""

import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path, PurePath
from typing import Final, TypeVar

import trio
from attrs import frozen

from empath.app.auditing import KEY
from empath.cli.complaint import Code, Complaint
from empath.config.schema import Config
from empath.ops.audit.archive import Archive, Volume
from empath.ops.audit.blocks import Unreadable
from empath.ops.audit.redaction import read_key
from empath.ops.audit.search import Search
from empath.world.disk import DurableDisk
from empath.world.entropy import SystemEntropy
from empath.world.errors import DiskError, FileMissing
from empath.world.files import SystemFiles
from empath.world.offload import ThreadOffload

T = TypeVar("T")
_PLAIN: Final = ".jsonl"
_PACKED: Final = ".jsonl.gz"


@frozen(kw_only=True)
class Reading:
    """What a command reads."""

    search: Search
    volumes: list[Volume]
    """The newest first."""
    key: bytes | None
    """Of the spool; None: there is none, or this user may not read it."""


def read(config: Config, paths: Sequence[Path], command: Callable[[Reading], Awaitable[T]]) -> T:
    """Run a command on these files, or on the log of the configuration. Raises Complaint."""

    async def run() -> T:
        offload = ThreadOffload("audit", threads=1)
        try:
            settings, disk = config.audit, DurableDisk(SystemFiles(), offload, SystemEntropy())
            archive = Archive(
                disk=disk,
                offload=offload,
                path=PurePath(settings.log_path),
                daily=settings.rotate_daily,
                retain_days=settings.retain_days,
            )
            volumes = _named(paths) if paths else await _all(archive)
            if not volumes:
                raise _nothing(", ".join(map(str, paths)) or str(settings.log_path))
            search = Search(archive=archive, gives_way=False)
            return await command(Reading(search=search, volumes=volumes, key=await _key(disk, config)))
        finally:
            offload.close()

    with explaining():
        return trio.run(partial(run))


@contextmanager
def explaining() -> Iterator[None]:
    """Say why files cannot be read."""
    try:
        yield
    except Unreadable as problem:
        raise Complaint(
            Code.AUDIT_UNREADABLE,
            f"a compressed file of the audit log is damaged: {problem}",
            why="the disk has lost or changed something",
            remedy="`empath audit verify` says which; name the other files",
            status=os.EX_DATAERR,
        ) from problem
    except (DiskError, OSError) as problem:
        raise Complaint(
            Code.AUDIT_UNREADABLE,
            f"the audit log cannot be read: {problem}",
            why="it belongs to the user that the daemon runs as, and has addresses in it",
            remedy="run this as that user, with the configuration of the daemon, or name files",
            status=os.EX_NOPERM if "Permission" in str(problem) else os.EX_IOERR,
        ) from problem


async def _all(archive: Archive) -> list[Volume]:
    try:
        return await archive.volumes()
    except FileMissing:
        return []


async def _key(disk: DurableDisk, config: Config) -> bytes | None:
    try:
        return await read_key(disk, PurePath(config.spool_path) / KEY)
    except DiskError:
        return None


def _named(paths: Sequence[Path]) -> list[Volume]:
    found: dict[str, Volume] = {}
    for path in paths:
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            if file.name.endswith(_PACKED):
                name = file.name.removesuffix(".gz")
                index = file.with_name(f"{name}.idx")
                volume = Volume(day=_day(name), plain=None, packed=file, index=index if index.exists() else None)
                found.setdefault(str(file.with_name(name)), volume)
            elif file.name.endswith(_PLAIN) or not path.is_dir():
                found[str(file)] = Volume(day=_day(file.name), plain=file)
    return [found[name] for name in sorted(found, reverse=True)]


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(name.removesuffix(_PLAIN)[-len("2026-11-22") :])
    except ValueError:
        return None


def _nothing(where: str) -> Complaint:
    return Complaint(
        Code.NO_AUDIT_LOG,
        f"there is no audit log at {where}",
        why="no daemon with this configuration has written one, or it lies elsewhere",
        remedy="give the daemon's configuration with --config, or name the files",
        status=os.EX_NOINPUT,
    )
