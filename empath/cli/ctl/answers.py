"""Printing what the API has answered, and the options that say how."""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import click
import msgspec

from empath.cli.ctl.client import Client, Record
from empath.cli.ctl.connection import Where
from empath.cli.render import print_table, printable

HOME_AND_CLEAR: Final = "\x1b[H\x1b[J"

json_option: Final = click.option("--json", "as_json", is_flag=True, help="Print the answer of the API as it is.")
jsonl_option: Final = click.option("--jsonl", "as_lines", is_flag=True, help="Print one JSON object on each line.")
watch_option: Final = click.option(
    "--watch",
    "every_s",
    type=click.FloatRange(min=0.2, max=3600),
    is_flag=False,
    flag_value=2.0,
    metavar="SECONDS",
    help="Show it again and again.  [2, unless said]",
)


def client_of(context: click.Context) -> Client:
    """Return the client of the daemon that the command line means. Raises Complaint."""
    where: Where = context.find_root().obj
    return where.client()


def print_json(answer: Record) -> None:
    """Print an answer."""
    click.echo(msgspec.json.encode(answer))


def print_lines(rows: Iterable[Record]) -> None:
    """Print each object on its own line."""
    for row in rows:
        click.echo(msgspec.json.encode(row))


def print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Print names and values: side by side on a terminal, with a tab between them in a pipe."""
    pairs = [(name, printable(value)) for name, value in facts]
    width = max((len(name) for name, _ in pairs), default=0)
    for name, value in pairs:
        click.echo(f"{name:{width}}  {value}" if sys.stdout.isatty() else f"{name}\t{value}")


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[str]], *, nothing: str) -> None:
    """Print a table, or say that there is nothing to print."""
    if rows:
        print_table(columns, rows)
    else:
        click.echo(nothing, err=True)


def repeat(show: Callable[[], None], every_s: float | None) -> None:
    """Call once, or again and again until Ctrl-C; on a terminal each time in place of the last."""
    show() if every_s is None else _again(show, every_s)


def _again(show: Callable[[], None], every_s: float) -> None:
    while True:
        if sys.stdout.isatty():
            click.echo(HOME_AND_CLEAR, nl=False)
        show()
        time.sleep(every_s)
