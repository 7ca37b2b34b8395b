"""The table of threats says the truth: each row has tests, and each of these exists."""

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.threats.delivery_rows import DNS, NEXT_HOP, REPORTS
from tests.threats.rows import INPUT, RESOURCES, SOURCE, Row

ROOT = Path(__file__).parents[2]
ROWS = (*INPUT, *SOURCE, *RESOURCES, *NEXT_HOP, *DNS, *REPORTS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.threat)
def test_every_threat_is_met_by_tests_that_exist(row: Row) -> None:
    assert row.tests
    assert len(set(row.tests)) == len(row.tests)
    assert [test for test in row.tests if not exists(test)] == []


def exists(test: str) -> bool:
    """Whether there is such a test, or a dialogue that fits."""
    path, _, name = test.partition("::")
    return name in functions(path) if name else any(ROOT.glob(path))


@cache
def functions(path: str) -> frozenset[str]:
    """The names of the functions in a file."""
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
