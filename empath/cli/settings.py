"""The configuration, for commands that need a key or two of it."""

import os
from pathlib import Path
from typing import IO, Any, Final

import click
from typing_extensions import override

from empath.config import ConfigError, Loaded, Sources, load
from empath.config.schema import Config

config_option: Final = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Read this configuration file, and none from the usual places.",
)


class Misconfigured(click.ClickException):
    """Ends a command with status 78 and everything that is wrong with the configuration."""

    exit_code = os.EX_CONFIG

    @override
    def show(self, file: IO[Any] | None = None) -> None:
        """Print the report, by default on stderr."""
        click.echo(self.message, file=file, err=file is None)


def configuration(config_file: Path | None) -> Config:
    """Return the configuration of the daemon, for a user who need not be able to read its keys. Raises `Misconfigured`.

    The files that it names are not looked at.
    """
    return loaded(config_file, looks_at_files=False).config


def loaded(config_file: Path | None, *, looks_at_files: bool = True) -> Loaded:
    """Return the configuration, with its warnings and where it was read from. Raises `Misconfigured`."""
    try:
        return load(Sources.of_process(file=config_file, looks_at_files=looks_at_files))
    except ConfigError as error:
        raise Misconfigured(str(error)) from error
