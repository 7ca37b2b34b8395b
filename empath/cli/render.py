"""Tables: with columns and a heading on a terminal, with tabs and nothing else in a pipe."""

import sys
from collections.abc import Iterable, Sequence
from typing import Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

ROOM: Final = 20
"""Columns that a cell keeps: as many as a time has, 2025-11-10T12:00:00Z."""


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows. On a terminal long cells are cut to its width; in a pipe they are whole."""
    safe = [[printable(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        Console().print(as_table(columns, safe))
        return
    for row in safe:
        click.echo("\t".join(row))


def as_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Lay rows out for a terminal. Cells that have to give way are cut, but never below `ROOM`."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        widest = max(len(text) for text in (column, *(row[index] for row in rows)))
        table.add_column(column, min_width=min(widest, ROOM))
    for row in rows:
        table.add_row(*(Text(cell, no_wrap=True, overflow="ellipsis") for cell in row))
    return table


def printable(text: str) -> str:
    """Return text that cannot steer a terminal: whatever is no plain character is written as an escape."""
    if text.isprintable():
        return text
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in text)
