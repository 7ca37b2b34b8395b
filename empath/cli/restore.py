"""The command ``empath restore``: a backup, into a spool that is empty."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from empath.cli.audit.writing import note
from empath.cli.audit_trail import ended_deliveries
from empath.cli.backend import refuse_mail_of_others, store_of
from empath.cli.complaint import Code, Complaint
from empath.cli.queue import opened_alone
from empath.cli.settings import config_option, configuration
from empath.cli.spool import alone
from empath.config.schema import Config
from empath.spool.belonging import BODIES
from empath.spool.contract import SpoolError
from empath.spool.open import LOCK
from empath.spool.restoring import NOTE, Restoration, manifest_of
from empath.spool.snapshots import Manifest
from empath.world.errors import DiskError
from empath.world.files import SystemFiles


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--audit",
    type=click.Path(path_type=Path, exists=True),
    multiple=True,
    metavar="PATH",
    help="The audit log since the backup: a file, or a directory with some. Can be repeated.",
)
@config_option
def restore(directory: Path, audit: tuple[Path, ...], config_file: Path | None) -> None:
    """Bring the backup in DIRECTORY back into a spool that is empty. The daemon must not run.

    What the audit log knows to have ended since is left out. All that would go out is put on hold, and goes out once it
    is released.
    """
    config, files = configuration(config_file), SystemFiles()
    with _explaining():
        manifest = manifest_of(files, directory.absolute())
        _check_backend(config, manifest)
        ended = ended_deliveries(audit)
        config.spool_path.mkdir(mode=0o700, parents=True, exist_ok=True)
        (config.spool_path / LOCK).touch(mode=0o600)
    restoration = Restoration(
        calls=files, source=directory.absolute(), spool=config.spool_path, queue=config.queue_path
    )
    with alone(config), _explaining():
        if not restoration.is_begun():
            _check_empty(config)
        restoration.bring()
        with opened_alone(config, files) as (store, _):
            restoration.settle(store, ended, time.time())
        restoration.end()
    done = {"selector": str(directory.absolute()), "count": restoration.held + restoration.kept}
    note(config, "restore", {**done, "skipped": restoration.left_out})
    click.echo(_summary(restoration, manifest, knows_ends=bool(audit)), err=True)


def _check_backend(config: Config, manifest: Manifest) -> None:
    backend = config.delivery.queue_backend.value
    if manifest.backend != backend:
        raise _refused(
            f"the backup is one of {manifest.backend}, and delivery.queue_backend is {backend}",
            f'set delivery.queue_backend = "{manifest.backend}"; `empath spool convert` moves the mail afterwards',
        )


def _check_empty(config: Config) -> None:
    """Raise Complaint if there is any mail. Of an empty queue nothing is needed any more."""
    refuse_mail_of_others(config)
    bodies = config.spool_path / BODIES
    some = len(list(bodies.iterdir())) if bodies.exists() else 0
    messages = 0
    if config.queue_path.exists():
        store = store_of(config)()
        try:
            messages = store.statistics().messages
        finally:
            store.close()
    if messages or some:
        raise _refused(
            f"the spool has {messages} messages and {some} bodies already",
            "set spool.path and delivery.queue_path to new directories, or move what is in these away",
        )


@contextmanager
def _explaining() -> Iterator[None]:
    try:
        yield
    except (SpoolError, DiskError, OSError) as problem:
        raise _refused(str(problem), "repair that, and call it again: it begins anew") from None


def _refused(what: str, remedy: str) -> Complaint:
    why = "a backup is brought back as a whole, into a spool that has nothing else"
    return Complaint(Code.RESTORE, what, why=why, remedy=remedy, status=os.EX_UNAVAILABLE)


def _summary(restoration: Restoration, manifest: Manifest, *, knows_ends: bool) -> str:
    held = restoration.held
    lines = [
        f"{manifest.messages} messages were read; {restoration.left_out} deliveries had ended since, {held} are on "
        f"hold ({NOTE}), {restoration.kept} are as they were",
    ]
    if not knows_ends and held:
        lines.append("no --audit was given, so what has gone out since the backup would go out once more")
    if held:
        lines.append(f"start the daemon, look at them, and let them go: empathctl queue release --hold {NOTE}")
    return "\n".join(lines)
