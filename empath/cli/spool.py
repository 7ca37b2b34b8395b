"""The subcommands ``spool verify`` and ``spool release``: the spool of a daemon that does not run."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import attrs
import click
import msgspec

from empath.cli.complaint import Code, Complaint
from empath.cli.launch import DATABASE
from empath.cli.program import Program
from empath.cli.queue import opened_alone
from empath.cli.render import print_table
from empath.cli.settings import config_option, configuration
from empath.config.schema import Config, QueueBackend
from empath.config.units import format_size
from empath.spool.contract import Fault, Finding, SpoolError
from empath.spool.open import LOCK
from empath.spool.stopped import StoppedVerification
from empath.spool.store import Store
from empath.spool.verify import Verification, open_to_look
from empath.world.files import SystemFiles

VERIFY_SCHEMA: Final = "empath.spool-verify/1"

FINDINGS: Final = 1
"""The status of a command that has done its work, and found something."""


@click.group(cls=Program)
def spool() -> None:
    """Look after the mail that is kept, while the daemon does not run."""


spool.add_later("convert", "empath.cli.convert")


@spool.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help=f"Print one JSON object ({VERIFY_SCHEMA}).")
@click.pass_context
def verify(context: click.Context, config_file: Path | None, as_json: bool) -> None:
    """Look at every message, and whether all that it needs is there. Nothing is changed.

    The status is 0 if all is well, and 1 if something was found. Files that nobody needs are named, and are no harm.
    """
    config = configuration(config_file)
    with alone(config), _looked_at(config) as verification:
        findings = list(verification.findings())
    if as_json:
        click.echo(msgspec.json.encode(_record(verification, findings)))
    else:
        print_table(("STATE", "NAME", "WHAT"), [(one.state.value, one.name, one.detail) for one in findings])
        click.echo(_summary(verification, findings), err=True)
    if any(one.state is not Fault.LEFTOVER for one in findings):
        context.exit(FINDINGS)


@spool.command()
@click.argument("names", metavar="ID...", nargs=-1, required=True)
@config_option
def release(names: tuple[str, ...], config_file: Path | None) -> None:
    """Let messages out of quarantine, named as `empath spool verify` names them, once they were mended.

    A message that is still damaged goes there again when it is due.
    """
    config = configuration(config_file)
    with alone(config), _queue(config) as store:
        for name in names:
            (result,) = store.commit([lambda store, name=name: store.release(name)], durable=True)
            if not result.unwrap():
                raise Complaint(
                    Code.NOT_IN_QUARANTINE,
                    f"there is no message {name} in quarantine",
                    why="it never was, or was released already",
                    remedy="`empath spool verify` names those that are",
                    status=os.EX_NOINPUT,
                )
            click.echo(f"{name} goes out when the daemon runs", err=True)


@contextmanager
def _looked_at(config: Config) -> Iterator[Verification | StoppedVerification]:
    """The spool, to be looked at. A SpoolError: it cannot be opened.

    A queue in SQLite is left as it is. What another backend does when it opens its own, it does: what was claimed waits
    again, and what was begun is completed or undone.
    """
    files = SystemFiles()
    if config.delivery.queue_backend is QueueBackend.SQLITE:
        with closing(open_to_look(str(config.queue_path / DATABASE), files)) as database:
            yield Verification(database, files, config.spool_path)
        return
    with opened_alone(config, files) as (store, calls):
        yield StoppedVerification(store, calls, config.spool_path)


@contextmanager
def _queue(config: Config) -> Iterator[Store]:
    """The queue, open. One that is not there is not made. A SpoolError: it cannot be opened."""
    if config.delivery.queue_backend is QueueBackend.SQLITE:
        open_to_look(str(config.queue_path / DATABASE), SystemFiles()).close()
    with opened_alone(config, SystemFiles()) as (store, _):
        yield store


@contextmanager
def alone(config: Config) -> Iterator[None]:
    """Hold the lock of a spool, as the daemon does, and say what keeps us from looking at it."""
    files, path = SystemFiles(), config.spool_path
    lock = str(path / LOCK)
    if not (path / LOCK).exists():
        raise Complaint(
            Code.NO_SPOOL,
            f"there is no spool in {path}",
            why="no daemon with this configuration has run yet, or you may not see it",
            remedy="give the daemon's configuration with --config, and run this as its user",
            status=os.EX_NOINPUT,
        )
    try:
        handle = files.lock(lock, f"empath spool (pid {os.getpid()})")
        try:
            yield
        finally:
            files.close(handle)
    except BlockingIOError:
        raise Complaint(
            Code.SPOOL,
            f"the spool in {path} is in use by {files.holder(lock) or 'another process'}",
            why="a running daemon has its queue for itself alone",
            remedy="stop it first; clients try again later, and nothing is lost",
            status=os.EX_UNAVAILABLE,
        ) from None
    except PermissionError as problem:
        raise _unreadable(str(problem), os.EX_NOPERM) from None
    except (SpoolError, OSError) as problem:
        raise _unreadable(str(problem), os.EX_IOERR) from None


def _unreadable(what: str, status: int) -> Complaint:
    why = "what is kept belongs to the user of the daemon, and every message has to be read"
    remedy = "run this as that user, with the configuration of the daemon, and look after the disk"
    return Complaint(Code.SPOOL_UNREADABLE, what, why=why, remedy=remedy, status=status)


def _summary(verification: Verification | StoppedVerification, findings: list[Finding]) -> str:
    states = [one.state for one in findings]
    lines = [
        f"{verification.messages} messages with {verification.deliveries} deliveries, {verification.files} of them "
        f"with a body file, {format_size(verification.size_bytes)} in all: {states.count(Fault.DAMAGED)} are damaged, "
        f"{states.count(Fault.QUARANTINED)} in quarantine; {states.count(Fault.LEFTOVER)} files are left over",
    ]
    if Fault.DAMAGED in states or Fault.QUARANTINED in states:
        lines.append(
            "damaged messages are kept and not sent, all others are; put back from a backup what is missing, then "
            "`empath spool release ID`"
        )
    if Fault.DATABASE in states:
        lines.append("the database itself is damaged: keep a copy of it, and restore a backup")
    return "\n".join(lines)


def _record(verification: Verification | StoppedVerification, findings: list[Finding]) -> dict[str, object]:
    return {
        "schema": VERIFY_SCHEMA,
        "messages": verification.messages,
        "deliveries": verification.deliveries,
        "body_files": verification.files,
        "size_bytes": verification.size_bytes,
        "findings": [{**attrs.asdict(one), "state": one.state.value} for one in findings],
    }
