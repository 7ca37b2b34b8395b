"""Transcripts: what somebody types at a terminal, and what is printed, word for word.

A line that begins with ``$`` is typed; what follows up to the next one is printed, with a last line ``[69]`` if the
status is not 0. What differs from run to run stands there as what it is: MID, TIME, AGE, PORT, SIZE. In what is typed
MID is the message that was named last. With ``TRANSCRIPTS=write`` in the environment the files are written anew, to be
looked at.
"""

import difflib
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from attrs import define
from click.testing import CliRunner

from empath import __version__
from empath.cli.ctl import main as steers
from empath.cli.main import main as works_alone
from tests.process.control import steady
from tests.process.daemon import environment

HERE: Final = Path(__file__).parent / "transcripts"
_COLUMNS: Final = "150"
_MID: Final = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{1,10}\b")
_PROGRESS: Final = re.compile(r"\r[^\r\n]*(?=\r)|\r(\x1b\[K)?")
_VOLATILE: Final = (
    (re.compile(r"\b\d\d:\d\d:\d\d\b(\.\d+)?"), "TIME"),
    (re.compile(r"unix:\w+"), "unix:USER"),
    (re.compile(r"\b(SIZE=|BDAT )\d+"), r"\1SIZE"),
    (re.compile(r"\b\d+(\.\d+)? (B|kB|MB|GB|TB)\b"), "SIZE"),
    (re.compile(r"\b\d+ octets"), "SIZE octets"),
    (re.compile(r"\b(queue|dns|connect|tls|mail|rcpt|data) [0-9][0-9.e-]*"), r"\1 AGE"),
    (re.compile(r"(?m)^ +\d+\.\d{3} "), "  AGE "),
    (re.compile(r"#login=[A-Z0-9-]+"), "#login=CODE"),
    (re.compile(r"\b[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d{4} TIME \+0000|\b\d{4}-\d\d-\d\d TIME"), "DATE"),
    (re.compile(r"\b[0-9.e-]+/s\b"), "RATE"),
    (re.compile(r"(?m)^bytes +\d+|(?<=@example.org)  +\d+(?=  )"), "  SIZE"),
    (re.compile(r"\bhash [0-9a-f]+"), "hash HASH"),
    (re.compile(r"/tmp/\S*?/(?=[a-z.]+\b)"), "HOME/"),
    (re.compile(r"(?m) +$"), ""),
    (re.compile(r"  +"), "  "),
)


def settled(text: str, home: Path) -> str:
    """A text without what differs from run to run, and without the widths of columns that hang on it."""
    text = steady(_PROGRESS.sub("", text).replace(str(home), "HOME").replace(__version__, "VERSION"))
    for pattern, words in _VOLATILE:
        text = pattern.sub(words, text)
    return text


@define(eq=False)
class Terminal:
    """A terminal at which somebody types commands, one after the other, in this very process."""

    home: Path
    mid: str = ""
    port: str = "25"
    """Of the next hop."""

    def type(self, line: str, answers: str = "") -> str:
        """Run a command line; what is printed, and the status. ``answers``: what is typed when it asks."""
        line_now = line.replace("MID", self.mid or "MID").replace("HOME", str(self.home)).replace("NEXT", self.port)
        program, *arguments = shlex.split(line_now)
        main = {"empath": works_alone, "empathctl": steers}[program]
        variables = environment(self.home) | {"COLUMNS": _COLUMNS, "TERM": "dumb", "NO_COLOR": "1", "USER": "ann"}
        done = CliRunner().invoke(main, arguments, input=answers, env=variables)
        if found := _MID.findall(done.output):
            self.mid = found[0]
        status = f"[{done.exit_code}]\n" if done.exit_code else ""
        return f"$ {line}\n{settled(done.output, self.home)}{status}"


def play(name: str, terminal: Terminal, *, steps: dict[str, Callable[[], None]] | None = None) -> None:
    """Type all lines of a transcript, and compare what is printed. ``steps``: what is done at lines ``# NAME``."""
    path = HERE / f"{name}.txt"
    expected = path.read_text()
    said = ""
    for line in expected.splitlines():
        if line.startswith("$ "):
            typed, _, answers = line[2:].partition("   <<< ")
            said += terminal.type(typed, f"{answers}\n" if answers else "").replace(f"$ {typed}", line, 1)
        elif line.startswith("# "):
            (steps or {}).get(line[2:], lambda: None)()
            said += f"{line}\n"
    if os.environ.get("TRANSCRIPTS") == "write":
        path.write_text(said)
        return
    difference = difflib.unified_diff(expected.splitlines(), said.splitlines(), "expected", "said", lineterm="")
    assert said == expected, "\n".join(difference)


@pytest.fixture
def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands take their output for a terminal."""
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True)
