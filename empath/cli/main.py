"""The command ``empath``."""

import click

from empath.cli.program import Program
from empath.cli.version import version


@click.group(cls=Program)
def main() -> None:
    """Empath, a mail transfer agent."""


main.add_command(version)
main.add_later("audit", "empath.cli.audit.group")
main.add_later("captured", "empath.cli.captured")
main.add_later("completion", "empath.cli.man")
main.add_later("config", "empath.cli.config")
main.add_later("help", "empath.cli.codes", "explain")
main.add_later("man", "empath.cli.man")
main.add_later("restore", "empath.cli.restore")
main.add_later("send", "empath.cli.send")
main.add_later("sendmail", "empath.cli.sendmail")
main.add_later("serve", "empath.cli.serve")
main.add_later("service", "empath.cli.service")
main.add_later("spool", "empath.cli.spool")
main.add_later("token", "empath.cli.token")
main.add_later("user", "empath.cli.user")
