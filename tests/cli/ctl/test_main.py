"""Every subcommand is there, and those that cannot be right end before a daemon is asked."""

import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from empath.cli.ctl import main

RUNNER = CliRunner()
PAGE = (Path(__file__).parents[3] / "docs" / "empathctl.rst").read_text()


def commands(group: click.Group, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """All subcommands, as they are typed."""
    context = click.Context(group)
    found: list[tuple[str, ...]] = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        path = (*above, name)
        found += commands(command, path) if isinstance(command, click.Group) else [path]
    return found


def test_every_command_explains_itself() -> None:
    for path in commands(main):
        done = RUNNER.invoke(main, [*path, "--help"])
        assert done.exit_code == 0, path
        assert len(done.stdout.splitlines()) > 3, path


def test_the_page_names_every_command() -> None:
    for path in commands(main):
        assert path[0] in PAGE, path
        assert path[-1] in PAGE, path


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("fly",), os.EX_USAGE),
        (("--url", "mx.example.org", "status"), os.EX_USAGE),
        (("--url", "https://mx.example.org", "status"), os.EX_NOPERM),
        (("--url", "https://mx.example.org", "--token-file", "/nowhere/token", "status"), os.EX_NOPERM),
        (("--socket", "/nowhere/control.sock", "status"), os.EX_UNAVAILABLE),
        (("--socket", "/nowhere/control.sock", "suspend"), os.EX_USAGE),
        (("--socket", "/nowhere/control.sock", "lanes"), os.EX_UNAVAILABLE),
        (("--socket", "/nowhere/control.sock", "lanes", "--sort", "oldest"), os.EX_UNAVAILABLE),
        (("--socket", "/nowhere/control.sock", "lanes", "fly"), os.EX_USAGE),
        (("--socket", "/nowhere/control.sock", "limit", "set", "a.example", "speed=7"), os.EX_USAGE),
    ],
)
def test_what_cannot_be_done_has_its_status_and_a_reason(arguments: tuple[str, ...], status: int) -> None:
    done = RUNNER.invoke(main, arguments, env={"EMPATH_URL": None, "EMPATH_TOKEN_FILE": None})
    assert (done.exit_code, done.stdout) == (status, "")
    assert done.stderr
