"""The commands ``empath audit grep``, ``report`` and ``verify``."""

import click

from empath.cli.audit.grep import grep
from empath.cli.audit.report import report
from empath.cli.audit.verify import verify
from empath.cli.program import Program


@click.group(cls=Program)
def audit() -> None:
    """Read the audit log, without a daemon."""


audit.add_command(grep)
audit.add_command(report)
audit.add_command(verify)
