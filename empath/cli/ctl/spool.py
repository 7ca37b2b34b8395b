"""The care of the spool of a running daemon: ``spool verify`` and ``backup``."""

import os
from pathlib import Path
from typing import Final

import click

from empath.cli.ctl.answers import client_of, json_option, print_json
from empath.cli.ctl.client import Client, Record
from empath.cli.ctl.units import age, count, moment, size
from empath.cli.render import print_table

FINDINGS: Final = 1
"""The exit status for: it was looked at, and something is not in order."""
LONG_S: Final = 24 * 3600.0
"""How long a daemon may take for a backup, or to read some large bodies."""
_COUNTED: Final = ("messages", "deliveries", "body_files", "size_bytes")


@click.group()
def spool() -> None:
    """Look after the mail that is kept, while the daemon runs."""


@spool.command()
@json_option
@click.pass_context
def verify(context: click.Context, as_json: bool) -> None:
    """Look at every message, and whether all that it needs is there. Nothing is changed, and mail goes on.

    The status is 0 if all is well, and 1 if something was found. Files that nobody needs are named, and are no harm.
    """
    answer = _all(client_of(context))
    found = answer["findings"]
    if as_json:
        print_json(answer)
    else:
        print_table(("STATE", "NAME", "WHAT"), [(one["state"], one["name"], one["detail"]) for one in found])
        click.echo(_summary(answer), err=True)
    if any(one["state"] != "leftover" for one in found):
        context.exit(FINDINGS)


def _all(client: Client) -> Record:
    """What all looks have found, in the form of ``empath spool verify``."""
    total: Record = {"schema": "empath.spool-verify/1", **dict.fromkeys(_COUNTED, 0), "findings": []}
    cursor = None
    while True:
        part = client.ask("POST", "/spool/verify", content={"cursor": cursor}, timeout_s=LONG_S)
        for name in _COUNTED:
            total[name] += part[name]
        total["findings"] += part["findings"]
        cursor = part["cursor"]
        if cursor is None:
            return total


def _summary(answer: Record) -> str:
    states = [one["state"] for one in answer["findings"]]
    return (
        f"{count(answer['messages'])} messages with {count(answer['deliveries'])} deliveries, "
        f"{count(answer['body_files'])} of them with a body file, {size(answer['size_bytes'])} in all: "
        f"{states.count('damaged')} are damaged, {states.count('quarantined')} in quarantine; "
        f"{states.count('leftover')} files are left over"
    )


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@json_option
@click.pass_context
def backup(context: click.Context, directory: Path, as_json: bool) -> None:
    """Copy all mail into DIRECTORY of the daemon's machine, which is new or empty. Mail goes on meanwhile.

    The user of the daemon must be able to write there. `empath restore` brings it back. The status is 1 if a body was
    damaged, and so is not in it.
    """
    path = os.path.abspath(directory)
    answer = client_of(context).ask("POST", "/backup", content={"directory": path}, timeout_s=LONG_S)
    if as_json:
        print_json(answer)
    else:
        click.echo(
            f"{count(answer['messages'])} messages, {count(answer['body_files'])} of them with a body file, as they "
            f"were at {moment(answer['at'])} or later, in {age(answer['duration_s'])}; delivery was not paused"
        )
        for name in answer["missing"]:
            click.echo(f"the body {name} is damaged, and is not in it", err=True)
    if answer["missing"]:
        context.exit(FINDINGS)
