"""The subcommands ``captured list`` and ``captured show``: the mail of the sandbox, read from its files."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

import attrs
import click
import msgspec
import trio

from empath.capture import DIRECTORY, Captured, CapturedMessage, content_path, find, listing, load
from empath.cli.complaint import Code, Complaint
from empath.cli.render import print_table, printable
from empath.cli.settings import config_option, configuration
from empath.config.schema import Mode
from empath.world import Disk, DiskError
from empath.world.disk import DurableDisk
from empath.world.entropy import SystemEntropy
from empath.world.files import SystemFiles
from empath.world.offload import ThreadOffload

LIST_SCHEMA: Final = "empath.captured-list/1"

T = TypeVar("T")


@click.group()
def captured() -> None:
    """Look at the mail that the sandbox has captured."""


@captured.command(name="list")
@config_option
@click.option("--json", "as_json", is_flag=True, help=f"Print one JSON object ({LIST_SCHEMA}).")
def list_(config_file: Path | None, as_json: bool) -> None:
    """List captured messages, oldest first."""
    directory = captured_directory(config_file)
    records = _read(lambda disk: listing(disk, directory))
    if as_json:
        messages = [_with_file(record, directory) for record in records]
        click.echo(msgspec.json.encode({"schema": LIST_SCHEMA, "directory": str(directory), "messages": messages}))
        return
    if not records:
        click.echo(f"nothing is captured in {directory}", err=True)
        return
    print_table(
        ("NUMBER", "TIME", "FROM", "TO", "BYTES", "SUBJECT"),
        [
            (
                *(str(record.number), _moment(record), record.sender or "<>"),
                *(", ".join(record.recipients), str(record.size_bytes), record.subject),
            )
            for record in records
        ],
    )


@captured.command()
@click.argument("name", metavar="ID")
@config_option
@click.option("--source", is_flag=True, help="Print the message and nothing else, octet for octet.")
@click.option("--json", "as_json", is_flag=True, help="Print the record as one JSON object (empath.captured/1).")
def show(name: str, config_file: Path | None, source: bool, as_json: bool) -> None:
    """Show one captured message: by its number, or by the id that `empath send` has printed."""
    if source and as_json:
        raise click.UsageError("--source and --json exclude each other")
    directory = captured_directory(config_file)
    message = _read(lambda disk: _the_one(disk, directory, name))
    if source:
        click.echo(message.content, nl=False)
    elif as_json:
        click.echo(msgspec.json.encode(_with_file(message.record, directory)))
    else:
        _print(message, directory)


def captured_directory(config_file: Path | None) -> Path:
    """Return where the sandbox of this configuration captures, also when its mode is another one now."""
    return attrs.evolve(configuration(config_file), mode=Mode.SANDBOX).spool_path / DIRECTORY


async def _the_one(disk: Disk, directory: Path, name: str) -> CapturedMessage:
    """Load the message that ``name`` means. Raises `Complaint` unless there is exactly one."""
    found = await find(disk, directory, name)
    if len(found) > 1:
        raise Complaint(
            Code.AMBIGUOUS,
            f"{name} was captured {len(found)} times",
            why="a message goes out once to each site that it has recipients at",
            remedy=f"name one by its number: {', '.join(str(record.number) for record in found)}",
            status=os.EX_USAGE,
        )
    message = await load(disk, directory, found[0].number) if found else None
    if message is None:
        raise Complaint(
            Code.NOT_CAPTURED,
            f"there is no captured message {name} in {directory}",
            why="it was never captured, not delivered yet, or removed to make room for newer ones",
            remedy="`empath captured list` shows what there is",
            status=os.EX_NOINPUT,
        )
    return message


def _read(reader: Callable[[Disk], Awaitable[T]]) -> T:
    async def run() -> T:
        offload = ThreadOffload("captured", threads=1)
        try:
            return await reader(DurableDisk(SystemFiles(), offload, SystemEntropy()))
        finally:
            offload.close()

    try:
        return trio.run(run)
    except DiskError as error:
        raise Complaint(
            Code.ARCHIVE,
            str(error),
            why="captured mail belongs to the user that the daemon runs as",
            remedy="run this as that user, with the configuration of the daemon",
            status=os.EX_IOERR,
        ) from error


def _print(message: CapturedMessage, directory: Path) -> None:
    record = message.record
    for label, value in (
        ("number", str(record.number)),
        ("time", _moment(record)),
        ("hello", record.hello),
        ("from", record.sender or "<>"),
        ("to", ", ".join(record.recipients)),
        ("bytes", str(record.size_bytes)),
        ("mid", record.mid or "-"),
        ("file", str(content_path(directory, record.number))),
    ):
        click.echo(f"{label:8}{printable(value)}")
    click.echo()
    text = message.content.decode("utf-8", "backslashreplace")
    for line in text.removesuffix("\r\n").split("\r\n"):
        click.echo(printable(line.expandtabs()))


def _moment(record: Captured) -> str:
    return record.time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _with_file(record: Captured, directory: Path) -> dict[str, object]:
    return {**attrs.asdict(record), "file": str(content_path(directory, record.number))}
