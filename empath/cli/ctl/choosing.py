"""Choosing mail on the command line, and making sure that it is what was meant."""

import os
import sys
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import click

from empath.cli.complaint import Code, Complaint
from empath.cli.ctl import completing
from empath.cli.ctl.answers import json_option
from empath.cli.ctl.client import Record

F = TypeVar("F", bound=Callable[..., object])
Filters = str | tuple[str, ...] | None
"""What an option of `filters` gives: for ``**filters`` of a command that takes them all."""

_FILTERS: Final = (
    click.option("--status", multiple=True, help="pending, retry, held, uncertain, failed, ... Can be repeated."),
    click.option("--wait", multiple=True, metavar="REASON", help="Why it waits: due, retry_backoff, breaker_open, ..."),
    click.option("--domain", multiple=True, metavar="NAME", help="A recipient domain. Can be repeated."),
    click.option("--lane", metavar="NAME", help="A destination site.", shell_complete=completing.lanes),
    click.option("--sender", metavar="ADDR", help="A reverse-path; <> is the null one."),
    click.option("--recipient", metavar="ADDR", help="A forward-path."),
    click.option("--older-than", metavar="AGE", help="Accepted longer ago than this: 30m, 4h, 2d."),
    click.option("--newer-than", metavar="AGE", help="Accepted less long ago than this."),
    click.option("--hold", metavar="REASON", help="On hold for exactly this reason: restored, ..."),
    click.option("--reply", metavar="GLOB", help="What the latest attempt came to, with * and ?."),
)
_OF_VERBS: Final = (
    click.option("--all", "everything", is_flag=True, help="Everything is meant."),
    click.option("--reason", default="", metavar="TEXT", help="Why, for the audit log."),
    click.option("--dry-run", is_flag=True, help="Say how much it would be, and do nothing."),
    click.option("--yes", is_flag=True, help="Do not ask."),
    json_option,
)


def filters(function: F) -> F:
    """Give a command the options that choose mail."""
    for option in reversed(_FILTERS):
        function = option(function)
    return function


def verb_options(function: F) -> F:
    """Give a command the names and options that all verbs have."""
    for option in reversed(_OF_VERBS):
        function = option(function)
    return click.argument("names", nargs=-1, metavar="[MID|DELIVERY]...", shell_complete=completing.messages)(
        filters(function)
    )


def selector_of(chosen: Mapping[str, Filters], names: tuple[str, ...] = ()) -> Record:
    """Return what the options say, as a selector of the API."""
    selector: Record = {"id": list(names)} if names else {}
    for name, value in chosen.items():
        if value == "<>":
            selector[name] = ""
        elif value is not None and value != ():
            selector[name] = list(value) if isinstance(value, tuple) else value
    return selector


def confirm(question: str, number: int) -> None:
    """Have a number typed before something is done to so much mail. Raises Complaint."""
    if not sys.stdin.isatty():
        raise Complaint(
            Code.NOT_CONFIRMED,
            f"{question}: nobody is there to confirm it",
            why="it changes mail, and standard input is no terminal; nothing was done",
            remedy="look at it with --dry-run, and say --yes",
            status=os.EX_USAGE,
        )
    typed = click.prompt(f"{question} · type the number to go on", err=True, default="", show_default=False)
    if typed.replace(" ", "") != str(number):
        raise Complaint(
            Code.NOT_CONFIRMED,
            "that is not the number",
            why="something else may have been meant; nothing was done",
            remedy="look at it with --dry-run",
            status=os.EX_USAGE,
        )
