"""Tables: with columns and a heading on a terminal, with tabs and nothing else in a pipe."""

import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

NARROW: Final = 6
"""Columns that a cell keeps when all are cut."""
_GAP: Final = 2


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows. On a terminal long cells are cut to its width; in a pipe they are whole."""
    safe = [[printable(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        size = shutil.get_terminal_size()
        # A dumb terminal has a width too, which rich believes only if it is told the height as well.
        console = Console(width=size.columns, height=size.lines)
        console.print(as_table(columns, safe, room=size.columns))
        return
    for row in safe:
        click.echo("\t".join(row))


def as_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, room: int) -> Table:
    """Lay rows out for a terminal of so many columns. The longest cells are cut first, the first column never."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    widest = [max(len(text) for text in (name, *(row[at] for row in rows))) for at, name in enumerate(columns)]
    for column, width in zip(columns, _fitted(widest, room - _GAP * (len(columns) - 1)), strict=True):
        table.add_column(column, width=width, no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell, no_wrap=True, overflow="ellipsis") for cell in row))
    return table


def _fitted(widest: Sequence[int], room: int) -> list[int]:
    """The widths of columns that fit, or nearly: what has to be cut is cut from those that are longest."""
    first, *others = widest
    bound = max(others, default=0)
    while bound > NARROW and first + sum(min(width, bound) for width in others) > room:
        bound -= 1
    return [first, *(min(width, bound) for width in others)]


def printable(text: str) -> str:
    """Return text that cannot steer a terminal: whatever is no plain character is written as an escape."""
    if text.isprintable():
        return text
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in text)
