"""The manual is made from the commands, so it has all of them; and each of them says what one needs to know."""

import re
import subprocess
from shutil import which

import click
import pytest
from click.testing import CliRunner

from empath.cli.ctl import main as steers
from empath.cli.main import main as works_alone
from empath.cli.man import PROGRAMS, program, reference
from empath.cli.manual import Entry, entries
from empath.cli.manual import man as man_page

RUNNER = CliRunner()
ALL = [entry for name in PROGRAMS for entry in entries(program(name), name)]
COMMANDS = [entry for entry in ALL if not isinstance(entry.command, click.Group)]

CHANGING = {
    *("drain", "undrain", "stop", "suspend", "resume", "limit set", "limit clear", "pool close"),
    *("breakers open", "breakers close", "breakers reset", "lanes reset", "dns cache clear"),
    *("dns override set", "dns override remove", "queue freeze", "queue thaw"),
    *(f"queue {verb}" for verb in ("retry", "hold", "release", "delete", "undelete", "bounce")),
}
"""What changes mail, or how it is sent."""
ACTING = {
    "backup": "copies",
    "send": "hands a message in",
    "config reload": "has --dry-run; the files say what and why",
    "log level": "ends by itself",
    "log reset": "ends that",
    "jobs cancel": "ends what was begun with a reason",
    "jobs undo": "takes it back",
    "login-code": "lets a browser in",
    "spool verify": "reads",
    "tokens revoke": "names one token",
}
"""What does something else than look, and is no verb of mail: with the reason why it needs less."""
NO_JSON = {"live": "prints frames, which are JSON", "ping": "prints one line", "top": "has --json"}
LISTS = {"queue list", "lanes list", "dns cache list", "events", "pool list"}
"""What may be long."""


def options(entry: Entry) -> set[str]:
    """The options of a command, as they are typed."""
    return {name for one in entry.command.params for name in one.opts}


STEERING = [entry for entry in COMMANDS if entry.path.startswith("empathctl ") and entry.path != "empathctl version"]


@pytest.mark.parametrize("entry", STEERING, ids=lambda entry: entry.path)
def test_every_command_that_changes_something_can_be_tried_out_and_says_why(entry: Entry) -> None:
    name = entry.path.removeprefix("empathctl ")
    if name in CHANGING:
        assert options(entry) >= {"--dry-run", "--yes", "--reason", "--json"}
    elif name not in ACTING:
        # It only looks, which the methods of its requests show: nothing but GET, or a check that changes nothing.
        assert not options(entry) & {"--yes", "--reason", "--all"}
    if name in LISTS:
        assert "--jsonl" in options(entry)


@pytest.mark.parametrize("entry", STEERING, ids=lambda entry: entry.path)
def test_every_command_can_print_for_programs(entry: Entry) -> None:
    assert "--json" in options(entry) or entry.path.removeprefix("empathctl ") in NO_JSON


@pytest.mark.parametrize("entry", ALL, ids=lambda entry: entry.path)
def test_every_command_and_option_is_explained(entry: Entry) -> None:
    assert entry.text.endswith((".", ":", "`")), entry.text
    for names, meaning in entry.options:
        assert meaning, f"{entry.path} {names}"


def test_what_is_listed_here_is_there() -> None:
    assert {f"empathctl {name}" for name in (*CHANGING, *ACTING, *LISTS)} <= {entry.path for entry in COMMANDS}


@pytest.mark.parametrize("name", sorted(CHANGING - {"drain", "undrain", "stop", "queue freeze", "queue thaw"}))
def test_nothing_chosen_is_a_wrong_command_line_and_never_everything(name: str) -> None:
    done = RUNNER.invoke(steers, ["--socket", "/nowhere/control.sock", *name.split(), "--yes"])
    # Status 69 would mean that it has looked for a daemon, to do something to nothing or to everything.
    assert done.exit_code == 64, done.stderr


def test_the_page_is_proper_and_has_every_command() -> None:
    lines = reference().splitlines()
    headings = []
    for before, line, below in zip(["", *lines], [*lines, ""], [*lines[1:], "", ""], strict=True):
        if set(line) == {"~"}:
            headings.append(before)
            assert (len(line), below) == (len(before), "")
        if line.startswith("``--"):
            assert below.strip(), line  # else it would be no definition
    assert headings == [entry.path for entry in ALL if entry.path not in PROGRAMS]


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_pages_for_man_are_proper(name: str) -> None:
    text = man_page(program(name), name, version="1.0")
    for entry in entries(program(name), name):
        assert entry.path.replace("-", "\\-") in text
    if which("groff") is not None:
        done = subprocess.run(
            ["groff", "-man", "-ww", "-Tutf8", "-z"], input=text, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_scripts_for_completion_and_meanings_of_codes_are_printed() -> None:
    for shell in ("bash", "zsh", "fish"):
        done = RUNNER.invoke(works_alone, ["completion", shell])
        assert (done.exit_code, "_EMPATHCTL_COMPLETE" in done.stdout) == (0, True)
    known = RUNNER.invoke(works_alone, ["help"]).stdout.splitlines()
    assert len(known) > 60
    assert all(re.fullmatch(r"[A-Z]{3,4}\d{3}  \S.* \(said by .*\)", line) for line in known)
    assert (
        RUNNER.invoke(works_alone, ["help", "msg001"]).stdout == "MSG001  There is no such message. (said by the API)\n"
    )
    missed = RUNNER.invoke(works_alone, ["help", "MSG01"])
    assert (missed.exit_code, "did you mean MSG001" in missed.stderr) == (64, True)
