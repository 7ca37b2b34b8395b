"""What is read out of stacks."""

import pytest

from bench.profile import shares, table

FOLDED = ["<module> (a.py:1);run (a.py:7);check (b.py:3) 6", "<module> (a.py:1);run (a.py:9) 2", "idle (c.py:1) 2"]


def test_the_function_that_took_the_most_itself_stands_first() -> None:
    found = shares(FOLDED)
    assert [(share.function, share.own) for share in found] == [
        ("check (b.py)", 0.6),
        ("run (a.py)", 0.2),
        ("idle (c.py)", 0.2),
    ]


def test_what_a_function_called_counts_for_it_too_and_its_lines_are_one() -> None:
    assert {share.function: share.total for share in shares(FOLDED)}["run (a.py)"] == pytest.approx(0.8)


def test_the_table_has_a_line_for_each() -> None:
    assert table(shares(FOLDED)).splitlines()[1] == " 60.0%       60.0%  check (b.py)"
