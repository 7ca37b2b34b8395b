"""A record by a command that does, without a daemon, what the audit log is to tell."""

import os
import pwd
from collections.abc import Mapping
from pathlib import Path

import click
import trio
from attrs import field, frozen

from empath.app.auditing import AuditUnusable, begin_audit
from empath.config.schema import Config
from empath.ops.audit import Mark
from empath.world.clock import SystemClock
from empath.world.disk import DurableDisk
from empath.world.entropy import SystemEntropy
from empath.world.files import SystemFiles
from empath.world.offload import ThreadOffload


@frozen
class _Means:
    offload: ThreadOffload
    clock: SystemClock = field(init=False, factory=SystemClock)
    entropy: SystemEntropy = field(init=False, factory=SystemEntropy)
    disk: DurableDisk = field(init=False)

    @disk.default
    def _new_disk(self) -> DurableDisk:
        return DurableDisk(SystemFiles(), self.offload, self.entropy)


def note(config: Config, event: str, told: Mapping[str, object]) -> None:
    """Write one record, as a run of its own. Where that cannot be, it is said, and nothing else comes of it."""
    if not config.audit.enabled:
        return
    directory = Path(config.audit.log_path).parent
    if directory.exists() and directory.stat().st_uid != os.geteuid():
        # A file of ours there would keep the daemon from writing its own records.
        click.echo(f"the audit log in {directory} belongs to another user, so it does not tell of this", err=True)
        return
    by = f"unix:{pwd.getpwuid(os.getuid()).pw_name}"

    async def write() -> None:
        offload = ThreadOffload("audit", threads=1)
        try:
            means = _Means(offload)
            await begin_audit(config, means, Mark(means.clock.now(), event, {"by": by, **told}))
        finally:
            offload.close()

    try:
        trio.run(write)
    except AuditUnusable as problem:
        click.echo(f"the audit log does not tell of this: {problem}", err=True)
