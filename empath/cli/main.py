"""The command ``empath``."""

import click

from empath.cli.program import Program
from empath.cli.version import version


@click.group(cls=Program)
def main() -> None:
    """Empath, a mail transfer agent."""


main.add_command(version)
