"""The audit log at the start of a worker: it is opened, or the worker does not start."""

from __future__ import annotations

from pathlib import PurePath

from empath.config.schema import Config, Redaction
from empath.ops.archive import Archive
from empath.ops.audit import AuditLog
from empath.ops.records import Recorder
from empath.ops.redaction import Redactor, read_or_make_key
from empath.world.errors import DiskError
from empath.world.ports import World


class AuditUnusable(Exception):
    """The audit log cannot be written."""


async def open_audit(config: Config, world: World) -> AuditLog | None:
    """Open it; None: there is to be none. Raises AuditUnusable."""
    settings = config.audit
    if not settings.enabled:
        return None
    disk, key = world.disk, b""
    try:
        if Redaction.HASH in (settings.redact_sender, settings.redact_recipients):
            path = PurePath(config.spool_path) / "audit.key"
            key = await read_or_make_key(disk, world.entropy, path)
        redactor = Redactor(sender=settings.redact_sender, recipients=settings.redact_recipients, key=key)
        audit = AuditLog(
            archive=Archive(
                disk=disk,
                offload=world.offload.own("audit", threads=1),
                path=PurePath(settings.log_path),
                daily=settings.rotate_daily,
                retain_days=settings.retain_days,
            ),
            recorder=Recorder(node=str(config.hostname), redactor=redactor),
            clock=world.clock,
            max_pending=settings.max_pending,
        )
        await audit.open()
    except DiskError as problem:
        raise AuditUnusable(str(problem)) from problem
    return audit
