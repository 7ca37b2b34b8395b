"""``empathctl log``: look closer at one part of the daemon, for a while."""

import click

from empath.cli.ctl.answers import client_of, json_option, print_json, print_rows
from empath.cli.ctl.client import Record
from empath.cli.ctl.units import age


@click.group()
def log() -> None:
    """See and set what is written to the log."""


@log.command()
@click.argument("setting", metavar="[PART=]LEVEL")
@click.option("--for", "duration", metavar="TIME", help="Let it end by itself after this time: 10m, 1h.")
@json_option
@click.pass_context
def level(context: click.Context, setting: str, duration: str | None, as_json: bool) -> None:
    """Write lines from LEVEL upwards, for PART (as delivery.finding) or for all of Empath."""
    part, _, wanted = setting.rpartition("=")
    content = {"part": part, "level": wanted, **({} if duration is None else {"for": duration})}
    answer = client_of(context).ask("PUT", "/log/levels", content=content)
    print_json(answer) if as_json else _print(answer)


@log.command(name="list")
@json_option
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """List the levels that differ from log.level."""
    answer = client_of(context).get("/log/levels")
    print_json(answer) if as_json else _print(answer)


@log.command()
@click.argument("part", required=False, default="")
@json_option
@click.pass_context
def reset(context: click.Context, part: str, as_json: bool) -> None:
    """Let log.level hold again for PART, or for all of Empath."""
    answer = client_of(context).ask("DELETE", "/log/levels", query={"part": part})
    print_json(answer) if as_json else click.echo(f"log.level holds again for {part or 'all of Empath'}")


def _print(answer: Record) -> None:
    rows = [(one["part"] or "(all)", one["level"], age(one["ends_in_s"])) for one in answer["levels"]]
    print_rows(("PART", "LEVEL", "ENDS IN"), rows, nothing="log.level holds everywhere")
