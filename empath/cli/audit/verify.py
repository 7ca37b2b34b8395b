"""``empath audit verify``: whether a log is whole."""

import os
from contextlib import aclosing
from pathlib import Path
from typing import Final

import click
import msgspec

from empath.cli.audit.files import Reading, read
from empath.cli.render import print_table
from empath.cli.settings import config_option, configuration
from empath.ops.audit.archive import Volume
from empath.ops.audit.blocks import Unreadable
from empath.ops.audit.proof import Proof
from empath.ops.audit.seeking import Sought

SCHEMA: Final = "empath.audit-verify/1"
FAULTS: Final = 1
"""The status of a command that has done its work, and found something."""


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True), metavar="[FILE|DIRECTORY]...")
@config_option
@click.option("--json", "as_json", is_flag=True, help=f"Print one JSON object ({SCHEMA}).")
@click.pass_context
def verify(context: click.Context, paths: tuple[Path, ...], config_file: Path | None, as_json: bool) -> None:
    """Look whether every line is a record, none is missing, and none was changed, as far as they are chained.

    The status is 0 if so, and 1 if not. What the daemon could not write, and says so, is told and is no fault.
    """
    proof = read(configuration(config_file), paths, _prove)
    if as_json:
        click.echo(msgspec.json.encode(_record(proof)))
    else:
        rows = [(one.flaw.value, f"{one.file}:{one.line}", one.detail) for one in proof.findings]
        print_table(("FLAW", "WHERE", "WHAT"), rows)
        click.echo(_summary(proof), err=True)
    if proof.faults:
        context.exit(FAULTS)


async def _prove(reading: Reading) -> Proof:
    proof = Proof(key=reading.key)
    for volume in reversed(reading.volumes):
        proof.begin(os.path.basename(_file(volume)))
        try:
            async with aclosing(reading.search.blocks(volume, Sought())) as blocks:
                async for lines in blocks:
                    for line in lines.removesuffix(b"\n").split(b"\n"):
                        proof.take(line)
        except Unreadable as problem:
            proof.unreadable(str(problem))
    proof.end()
    return proof


def _file(volume: Volume) -> str:
    return str(volume.plain or volume.packed)


def _summary(proof: Proof) -> str:
    said = f"{proof.records} records of {proof.runs} runs, {proof.faults} faults"
    if proof.chained:
        return f"{said}; {proof.chained} records are as they were written, the newest link is {proof.last_link}"
    if proof.last_link:
        return f"{said}; the links were not looked at, since the key of the spool (audit.key) cannot be read"
    return f"{said}; records are not chained (audit.hash_chain), so a change inside of one would not show"


def _record(proof: Proof) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "records": proof.records,
        "runs": proof.runs,
        "chained": proof.chained,
        "newest_link": proof.last_link or None,
        "faults": proof.faults,
        "findings": [
            {
                "flaw": one.flaw.value,
                "is_fault": one.flaw.is_fault,
                "file": one.file,
                "line": one.line,
                "detail": one.detail,
            }
            for one in proof.findings
        ],
    }
