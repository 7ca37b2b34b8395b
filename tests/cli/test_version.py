"""``empath version`` and ``empathctl version``."""

import json
import platform

import apsw
import click
import pytest
import trio
from click.testing import CliRunner

import empath
from empath.cli import ctl, main

BOTH = pytest.mark.parametrize("program", [main.main, ctl.main], ids=["empath", "empathctl"])


@BOTH
def test_the_first_line_names_the_product_and_its_version(program: click.Group) -> None:
    result = CliRunner().invoke(program, ["version"])
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == f"empath {empath.__version__}"


@BOTH
def test_json_is_one_object_with_a_schema_and_every_version(program: click.Group) -> None:
    result = CliRunner().invoke(program, ["version", "--json"])
    assert json.loads(result.stdout) == {
        "schema": "empath.version/1",
        "empath": empath.__version__,
        "python": platform.python_version(),
        "trio": trio.__version__,
        "apsw": apsw.apsw_version(),
        "sqlite": apsw.sqlite_lib_version(),
    }
