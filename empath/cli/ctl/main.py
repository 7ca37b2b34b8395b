"""The command ``empathctl`` and its options for all subcommands."""

from pathlib import Path

import click

from empath.cli.ctl.connection import Where
from empath.cli.program import Program
from empath.cli.version import version


@click.group(cls=Program)
@click.option("--socket", type=click.Path(path_type=Path), metavar="PATH", help="The control socket of the daemon.")
@click.option("--url", envvar="EMPATH_URL", metavar="URL", help="A daemon elsewhere: https://HOST:PORT.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    envvar="EMPATH_TOKEN_FILE",
    metavar="FILE",
    help="Where the token for --url stands.",
)
@click.option("--config", "config_file", type=click.Path(path_type=Path), metavar="FILE", help="Of the daemon.")
@click.pass_context
def main(
    context: click.Context, socket: Path | None, url: str | None, token_file: Path | None, config_file: Path | None
) -> None:
    """See and steer a running Empath."""
    context.obj = Where(socket=socket, url=url, token_file=token_file, config_file=config_file)


main.add_command(version)
main.add_later("backup", "empath.cli.ctl.spool")
main.add_later("breakers", "empath.cli.ctl.lanes")
main.add_later("config", "empath.cli.ctl.config")
main.add_later("dns", "empath.cli.ctl.dns")
main.add_later("drain", "empath.cli.ctl.service")
main.add_later("events", "empath.cli.ctl.watching")
main.add_later("explain", "empath.cli.ctl.lanes")
main.add_later("health", "empath.cli.ctl.daemon")
main.add_later("history", "empath.cli.ctl.history")
main.add_later("jobs", "empath.cli.ctl.jobs")
main.add_later("lanes", "empath.cli.ctl.lanes")
main.add_later("limit", "empath.cli.ctl.rules")
main.add_later("live", "empath.cli.ctl.watching")
main.add_later("log", "empath.cli.ctl.log")
main.add_later("login-code", "empath.cli.ctl.login")
main.add_later("ping", "empath.cli.ctl.daemon")
main.add_later("pool", "empath.cli.ctl.service")
main.add_later("queue", "empath.cli.ctl.queue")
main.add_later("resume", "empath.cli.ctl.rules")
main.add_later("send", "empath.cli.ctl.send")
main.add_later("spool", "empath.cli.ctl.spool")
main.add_later("status", "empath.cli.ctl.daemon")
main.add_later("stop", "empath.cli.ctl.daemon")
main.add_later("suspend", "empath.cli.ctl.rules")
main.add_later("suspensions", "empath.cli.ctl.rules")
main.add_later("tokens", "empath.cli.ctl.tokens")
main.add_later("top", "empath.cli.ctl.top")
main.add_later("trace", "empath.cli.ctl.trace")
main.add_later("undrain", "empath.cli.ctl.service")
