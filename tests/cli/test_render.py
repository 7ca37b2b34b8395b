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
    Console(file=shown, width=30).print(as_table(("A", "LONG"), [("1", "x" * 200), ("22", "[bold]y")], room=30))
    lines = [line.rstrip() for line in shown.getvalue().splitlines()]
    assert lines[0].split() == ["A", "LONG"]
    assert lines[1].endswith("x…")
    assert lines[2].split() == ["22", "[bold]y"]
    assert max(map(len, lines)) <= 30


def test_what_is_too_wide_is_cut_where_it_is_longest_and_never_in_its_name() -> None:
    shown = StringIO()
    row = ("6911c5b5-2a00000000.0", "retry", "451 greylisted, " * 9, "ann@example.org")
    Console(file=shown, width=70).print(as_table(("DELIVERY", "STATUS", "REPLY", "TO"), [row], room=70))
    heading, line = (one.rstrip() for one in shown.getvalue().splitlines())
    assert heading.split() == ["DELIVERY", "STATUS", "REPLY", "TO"]
    assert line.startswith("6911c5b5-2a00000000.0  retry   451 greylis")
    assert line.endswith("ann@example.org")
    assert len(line) <= 70


@pytest.mark.parametrize("text", ["\x1b[31m", "\x9b31m", "\u202egpj.exe", "a\r\nb", "\udcff"])
def test_what_could_steer_a_terminal_is_escaped(text: str) -> None:
    assert printable(text).isprintable()
    assert printable(text).isascii() or "\\" in printable(text)


def test_plain_text_of_any_language_is_left_alone() -> None:
    assert printable("Grüße, 世界") == "Grüße, 世界"
