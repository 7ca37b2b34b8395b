"""What both commands promise about their command line."""

import os
import subprocess
import sys
from importlib import metadata

import click
import pytest
from click.testing import CliRunner

from empath.cli import ctl, main
from empath.cli.program import Program

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


def test_ctrl_c_ends_with_the_status_that_shells_have_for_it() -> None:
    @click.group(cls=Program)
    def program() -> None:
        pass

    @program.command()
    def wait() -> None:
        raise KeyboardInterrupt

    result = CliRunner().invoke(program, ["wait"])
    assert (result.exit_code, result.output) == (130, "")


def test_a_module_is_imported_when_its_subcommand_is_called_and_not_earlier() -> None:
    script = (
        "import sys; from empath.cli.main import main; main(['version'], standalone_mode=False); print(*sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "empath.cli.version" in result.stdout.split()
    assert "empath.cli.send" not in result.stdout.split()


@pytest.mark.parametrize("command", ["captured", "send", "sendmail"])
def test_a_subcommand_that_is_added_later_is_listed_and_has_help(command: str) -> None:
    assert f"  {command} " in CliRunner().invoke(main.main, ["--help"]).stdout
    assert CliRunner().invoke(main.main, [command, "--help"]).exit_code == 0
