"""The command ``config``: would the daemon start with this configuration, and what does it come to?"""

import os
from pathlib import Path

import click

from empath.cli import named_files
from empath.cli.schedule import explain
from empath.cli.settings import config_option
from empath.cli.why import why
from empath.config import ConfigError, Fault, Loaded, Sources, as_json, as_text, load


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
