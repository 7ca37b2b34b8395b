"""``empathctl`` as an operator has it, and its output without what differs from run to run."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import msgspec
from click.testing import CliRunner

from empath.cli.ctl import main
from tests.process.daemon import START_S, Finished, environment

_INSTALLED: Final = os.environ.get("EMPATH_INSTALLED")
_COMMAND: Final = (
    (f"{_INSTALLED}/bin/empathctl",)
    if _INSTALLED
    else (sys.executable, "-c", "from empath.cli.ctl import main; main()")
)
_VOLATILE: Final = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{1,10}\b"), "MID"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)?(e-\d+)?( ?ms| ?[dhms])(\d+[dhms])?\b"), "AGE"),
    (re.compile(r"(?<=127\.0\.0\.1:)\d+|(?<=127\.0\.0\.1\]:)\d+"), "PORT"),
)


def ctl(home: Path, *arguments: str, stdin: str = "") -> Finished:
    """Run a subcommand to its end, in this very process: starting Python costs half a second each time."""
    done = CliRunner().invoke(main, arguments, input=stdin, env=environment(home))
    return Finished(done.exit_code, done.stdout, done.stderr)


def program(home: Path, *arguments: str) -> Finished:
    """Run a subcommand as an operator does."""
    done = subprocess.run(
        [*_COMMAND, *arguments],
        check=False,
        env=environment(home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_S,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def said(home: Path, *arguments: str, status: int = 0) -> str:
    """What a subcommand prints, without what differs from run to run."""
    done = ctl(home, *arguments)
    assert done.status == status, done
    return steady(done.stdout)


def record(home: Path, *arguments: str) -> Any:
    """What a subcommand prints as JSON."""
    done = ctl(home, *arguments, "--json")
    assert done.status == 0, done
    return msgspec.json.decode(done.stdout)


def steady(text: str) -> str:
    """A text with names, moments, ages and ports replaced by what they are."""
    for pattern, word in _VOLATILE:
        text = pattern.sub(word, text)
    return text
