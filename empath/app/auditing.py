"""The audit log at the start of a worker: it is opened, or the worker does not start; and how it is asked."""

from __future__ import annotations

from pathlib import PurePath
from typing import Final, Protocol

import empath
from empath.config.schema import Config, Redaction
from empath.ops.api.routes.history import HistoryRoutes
from empath.ops.audit import Archive, AuditLog, Mark, Recorder, Redactor, read_or_make_key
from empath.ops.audit.history import History
from empath.ops.audit.redaction import read_key
from empath.ops.audit.search import Search
from empath.ops.views.settings import config_hash
from empath.world.errors import DiskError
from empath.world.ports import Clock, Disk, Entropy, Offload, World

KEY: Final = "audit.key"
"""The file of the key, in the directory of the spool."""


class Means(Protocol):
    """What of a world the log is written with."""

    @property
    def clock(self) -> Clock:
        """The wall clock."""

    @property
    def entropy(self) -> Entropy:
        """For the key."""

    @property
    def disk(self) -> Disk:
        """Where it lies."""

    @property
    def offload(self) -> Offload:
        """For packing."""


class AuditUnusable(Exception):
    """The audit log cannot be written."""


async def open_audit(config: Config, world: World) -> AuditLog | None:
    """Open it; None: there is to be none. Raises AuditUnusable."""
    more = {"version": empath.__version__, "config": config_hash(config), "mode": config.mode.value}
    return await begin_audit(config, world, Mark(world.clock.now(), "start", more))


async def begin_audit(config: Config, world: Means, mark: Mark) -> AuditLog | None:
    """Open it with this as the first record of a run. Raises AuditUnusable."""
    settings = config.audit
    if not settings.enabled:
        return None
    disk, key = world.disk, b""
    hides = Redaction.HASH in (settings.redact_sender, settings.redact_recipients)
    try:
        if hides or settings.hash_chain:
            key = await read_or_make_key(disk, world.entropy, PurePath(config.spool_path) / KEY)
        redactor = Redactor(sender=settings.redact_sender, recipients=settings.redact_recipients, key=key)
        audit = AuditLog(
            archive=archive_of(config, world),
            recorder=Recorder(node=str(config.hostname), redactor=redactor),
            clock=world.clock,
            max_pending=settings.max_pending,
            chain_key=key if settings.hash_chain else None,
        )
        await audit.open(mark)
    except DiskError as problem:
        raise AuditUnusable(str(problem)) from problem
    return audit


def archive_of(config: Config, world: Means, name: str = "audit") -> Archive:
    """Return the files of the log. ``name``: of the thread that packs and unpacks."""
    settings = config.audit
    return Archive(
        disk=world.disk,
        offload=world.offload.own(name, threads=1),
        path=PurePath(settings.log_path),
        daily=settings.rotate_daily,
        retain_days=settings.retain_days,
    )


def history_of(config: Config, world: World, audit: AuditLog | None, *, gives_way: bool) -> History:
    """Return who looks things up in the log. ``audit``: who writes it at the same time; None: nobody does."""

    async def settle() -> None:
        if audit is not None:
            await audit.settle()

    return History(
        search=Search(archive=archive_of(config, world, "history"), gives_way=gives_way),
        settle=settle,
        key=lambda: read_key(world.disk, PurePath(config.spool_path) / KEY),
        timeout_s=config.audit.history_timeout_s,
        max_records=config.audit.history_records,
    )


def history_routes(config: Config, world: World, audit: AuditLog | None) -> HistoryRoutes:
    """Return the routes by which it is asked."""
    settings = config.audit
    return HistoryRoutes(
        history=None if audit is None else history_of(config, world, audit, gives_way=True),
        hides_addresses=Redaction.LOCAL in (settings.redact_sender, settings.redact_recipients),
        clock=world.clock,
    )
