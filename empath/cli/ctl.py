"""The command ``empathctl``."""

import click

from empath.cli.program import Program
from empath.cli.version import version


@click.group(cls=Program)
def main() -> None:
    """Control a running Empath."""


main.add_command(version)
