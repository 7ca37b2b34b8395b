"""What both commands share: a click group whose exit statuses are those of ``sysexits.h``."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import click


class Program(click.Group):
    """A command with subcommands that ends with status 64 (``EX_USAGE``) when its command line is wrong."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        with _ex_usage():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        with _ex_usage():
            return super().invoke(ctx)


@contextmanager
def _ex_usage() -> Iterator[None]:
    # click's own status is 2, which is none of sysexits.h: a caller could not tell it from a failure that may pass.
    try:
        yield
    except click.UsageError as error:
        error.show()
        raise click.exceptions.Exit(os.EX_USAGE) from error
