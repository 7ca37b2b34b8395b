"""What both commands promise about their command line."""

import os
from importlib import metadata

import click
import pytest
from click.testing import CliRunner

from empath.cli import ctl, main

BOTH = pytest.mark.parametrize("program", [main.main, ctl.main], ids=["empath", "empathctl"])


@BOTH
def test_help_goes_to_stdout_and_succeeds(program: click.Group) -> None:
    result = CliRunner().invoke(program, ["--help"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert "version" in result.stdout


@BOTH
@pytest.mark.parametrize("arguments", [[], ["--no-such-option"], ["no-such-command"], ["version", "--no-such-option"]])
def test_a_wrong_command_line_ends_with_ex_usage_and_talks_on_stderr(
    program: click.Group, arguments: list[str]
) -> None:
    result = CliRunner().invoke(program, arguments)
    assert (result.exit_code, result.stdout) == (os.EX_USAGE, "")
    assert "Usage:" in result.stderr


@pytest.mark.parametrize(("command", "program"), [("empath", main.main), ("empathctl", ctl.main)])
def test_the_installed_command_is_the_program(command: str, program: click.Group) -> None:
    [script] = metadata.entry_points(group="console_scripts", name=command)
    assert script.load() is program
