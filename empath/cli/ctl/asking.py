"""What all commands have in common that change something: they can be tried out, need not ask, and say why.

``--dry-run`` says what would be done and does nothing, ``--yes`` asks nothing, ``--reason`` goes to the audit log.
"""

import os
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import click
from attrs import frozen

from empath.cli.complaint import Code, Complaint
from empath.cli.ctl.answers import json_option, print_json
from empath.cli.ctl.client import Query, Record

F = TypeVar("F", bound=Callable[..., object])
How = str | bool
"""What an option of `changes` gives: for ``**how`` of a command that has them all."""

REASON: Final = click.option("--reason", default="", metavar="TEXT", help="Why, for the audit log.")
DRY_RUN: Final = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
YES: Final = click.option("--yes", is_flag=True, help="Do not ask.")


def changes(function: F) -> F:
    """Give a command the options of all that change something."""
    for option in (json_option, YES, DRY_RUN, REASON):
        function = option(function)
    return function


@frozen
class Asked:
    """What these options say."""

    reason: str
    dry_run: bool
    yes: bool
    as_json: bool

    @classmethod
    def of(cls, how: Mapping[str, How]) -> "Asked":
        """Take them from what click gives."""
        flags = {name: bool(how[name]) for name in ("dry_run", "yes", "as_json")}
        return cls(reason=str(how["reason"]), **flags)

    @property
    def query(self) -> Query:
        """The reason, for a request that has no content."""
        return {"reason": self.reason or None}

    def would(self, what: str) -> None:
        """Say what would be done."""
        if self.as_json:
            print_json({"schema": "empath.dry-run/1", "would": what})
        else:
            click.echo(f"would {what}")

    def tell(self, answer: Record, words: str) -> None:
        """Print what was answered, or in words what was done."""
        print_json(answer) if self.as_json else click.echo(words)

    def confirm(self, question: str) -> None:
        """Ask, on a terminal, before something that stops more than one message. Raises Abort."""
        if not self.yes and not self.dry_run:
            click.confirm(question, abort=True, err=True)


def nothing_chosen(what: str, remedy: str) -> Complaint:
    """Say that nothing says to what something is to be done."""
    return Complaint(
        Code.NOTHING_CHOSEN,
        f"nothing says {what}",
        why="a choice that was forgotten would mean everything, so nothing was done",
        remedy=remedy,
        status=os.EX_USAGE,
    )
