"""What both commands share: a click group whose exit statuses are those of ``sysexits.h``."""

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from empath.cli.complaint import Complaint

INTERRUPTED = 130
"""The status that a shell reports for a program which Ctrl-C has ended."""


class Program(click.Group):
    """A command with subcommands.

    It ends with status 64 (``EX_USAGE``) when its command line is wrong, with that of a `Complaint`, and with 130 after
    Ctrl-C.
    """

    def __init__(self, name: str | None = None, **attributes: Any) -> None:
        """``attributes`` are click's own, each of another type."""
        super().__init__(name, **attributes)
        self._later: dict[str, tuple[str, str]] = {}

    def add_later(self, name: str, module: str, attribute: str = "") -> None:
        """Add the subcommand ``name``, which is ``attribute`` of ``module``; if not said: its name, with underscores.

        The module is imported when the subcommand is called, or listed, and not earlier: the others need not wait.
        """
        self._later[name] = (module, attribute or name.replace("-", "_"))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self._later})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if (found := self._later.get(cmd_name)) is not None:
            module, attribute = found
            command: click.Command = getattr(importlib.import_module(module), attribute)
            return command
        return super().get_command(ctx, cmd_name)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        with _statuses():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        with _statuses():
            return super().invoke(ctx)


class Listing(click.Group):
    """A group of commands about things of one kind. Without a command it lists them, as its ``list`` does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        is_list = not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names)
        return super().parse_args(ctx, ["list", *args] if is_list else args)


@contextmanager
def _statuses() -> Iterator[None]:
    # click's own status is 2, which is none of sysexits.h: a caller could not tell it from a failure that may pass.
    try:
        yield
    except click.UsageError as error:
        error.show()
        raise click.exceptions.Exit(os.EX_USAGE) from error
    except Complaint as complaint:
        click.echo(str(complaint), err=True)
        raise click.exceptions.Exit(complaint.status) from complaint
    except KeyboardInterrupt as interrupt:
        raise click.exceptions.Exit(INTERRUPTED) from interrupt
