"""The command ``config``: would the daemon start with this configuration, and what does it come to?"""

import json
import os
from pathlib import Path

import click

from empath.cli import named_files
from empath.cli.schedule import explain
from empath.cli.settings import config_option, loaded
from empath.cli.why import why
from empath.config import ConfigError, Fault, Loaded, Sources, as_json, as_text, load
from empath.config.changes import changes
from empath.config.json_schema import json_schema


@click.group()
def config() -> None:
    """Look at the configuration."""


config.add_command(explain)
config.add_command(why)


@config.command()
@config_option
@click.option("--json", "as_record", is_flag=True, help="Print one JSON object (empath.config-check/1).")
@click.pass_context
def check(context: click.Context, config_file: Path | None, as_record: bool) -> None:
    """Say everything that is wrong with the configuration, and start nothing.

    It reads what `empath serve` would read, and may be used beside a running daemon. Status 0: it can be used, perhaps
    with warnings. 78: it cannot.
    """
    found, faults = _read(config_file)
    if as_record:
        click.echo(as_json(faults))
    elif faults:
        click.echo(as_text(faults))
    if found is None:
        context.exit(os.EX_CONFIG)
    if not as_record:
        click.echo(_good(found))


@config.command()
@click.argument("before", type=click.Path(path_type=Path), metavar="A")
@click.argument("after", type=click.Path(path_type=Path), metavar="B")
@click.pass_context
def diff(context: click.Context, before: Path, after: Path) -> None:
    """Say which keys have other values in B than in A, and whether a running daemon takes them.

    What is compared is what the files come to, with their defaults and the environment. Status 0: they mean the same.
    1: they differ.
    """
    found = changes(*(loaded(path, looks_at_files=False).config for path in (before, after)))
    for one in found:
        mark = "" if one.is_live else "  [R]"
        click.echo(f"{one.key}: {one.before or 'not set'} -> {one.after or 'not set'}{mark}")
    context.exit(1 if found else os.EX_OK)


@config.command()
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors that understand TOML."""
    click.echo(json.dumps(json_schema(), indent=2))


def _read(config_file: Path | None) -> tuple[Loaded | None, tuple[Fault, ...]]:
    try:
        found = load(Sources.of_process(file=config_file))
    except ConfigError as error:
        return None, error.faults
    faults = sorted((*found.warnings, *named_files.faults_in(found)), key=lambda fault: not fault.is_error)
    return (None if faults and faults[0].is_error else found), tuple(faults)


def _good(found: Loaded) -> str:
    config = found.config
    source = " ".join(map(str, found.files)) or "no configuration file"
    return f"{source}: can be used, {config.hostname} in {config.mode.value} mode"
