"""Tables for terminals and for pipes."""

from io import StringIO

import pytest
from rich.console import Console

from empath.cli.render import as_table, print_table, printable


def test_in_a_pipe_there_are_tabs_and_no_heading(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("A", "B"), [("1", "x" * 200), ("22", "\t\x1b[2J")])
    assert capsys.readouterr().out == f"1\t{'x' * 200}\n22\t\\t\\x1b[2J\n"


def test_on_a_terminal_columns_have_headings_and_long_cells_are_cut() -> None:
    shown = StringIO()
    Console(file=shown, width=30).print(as_table(("A", "LONG"), [("1", "x" * 200), ("22", "[bold]y")]))
    lines = [line.rstrip() for line in shown.getvalue().splitlines()]
    assert lines[0].split() == ["A", "LONG"]
    assert lines[1].endswith("x…")
    assert lines[2].split() == ["22", "[bold]y"]
    assert max(map(len, lines)) <= 30


@pytest.mark.parametrize("text", ["\x1b[31m", "\x9b31m", "\u202egpj.exe", "a\r\nb", "\udcff"])
def test_what_could_steer_a_terminal_is_escaped(text: str) -> None:
    assert printable(text).isprintable()
    assert printable(text).isascii() or "\\" in printable(text)


def test_plain_text_of_any_language_is_left_alone() -> None:
    assert printable("Grüße, 世界") == "Grüße, 世界"
