"""The manual of the commands, made from the commands: a page of the documentation, and pages for ``man``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

import click
from attrs import frozen

STATUSES: Final = (
    ("0", "done, or all is well"),
    ("1", "it was looked at, and something is not as it should be"),
    ("64", "a wrong command line, nothing chosen, or not confirmed; nothing was done"),
    ("65", "something in it cannot be used: an address, a message, a selector"),
    ("66", "there is no such message, job or decision"),
    ("67", "there is no such user"),
    ("69", "no daemon, or a server refused for good"),
    ("70", "a fault in Empath, or a daemon of another version"),
    ("73", "a file cannot be written"),
    ("74", "a disk fails"),
    ("75", "it may work later"),
    ("77", "not allowed, or a wrong password"),
    ("78", "a wrong configuration"),
    ("130", "Ctrl-C"),
)
"""What a program that calls these commands can go by."""
VARIABLES: Final = (
    ("EMPATH_CONFIG", "the configuration, in place of --config"),
    ("EMPATH_URL", "a daemon on another machine, in place of --url"),
    ("EMPATH_TOKEN_FILE", "where the token for it stands, in place of --token-file"),
    ("EMPATH_SECTION__KEY", "any key of the configuration, as EMPATH_DELIVERY__MAX_ATTEMPTS=10"),
)
_CODE: Final = re.compile(r"`([^`]+)`")
_WIDTH: Final = 120


@frozen
class Entry:
    """One command as it is typed."""

    path: str
    command: click.Command

    @property
    def text(self) -> str:
        """What it does, in paragraphs."""
        return (self.command.help or "").replace("\b", "").replace("\f", "").strip()

    @property
    def usage(self) -> str:
        """Its synopsis."""
        return " ".join((self.path, *self.command.collect_usage_pieces(self._context())))

    @property
    def options(self) -> list[tuple[str, str]]:
        """Each option with its meaning, without ``--help``."""
        context = self._context()
        options = [one for one in self.command.params if isinstance(one, click.Option)]
        records = [one.get_help_record(context) for one in options]
        return [(" ".join(record[0].split()), " ".join(record[1].split())) for record in records if record is not None]

    def _context(self) -> click.Context:
        return click.Context(self.command, info_name=self.path, terminal_width=_WIDTH)


def entries(program: click.Command, name: str) -> Iterator[Entry]:
    """Yield a program and all its commands, in alphabetical order."""
    yield Entry(name, program)
    if isinstance(program, click.Group):
        context = click.Context(program)
        for below in program.list_commands(context):
            command = program.get_command(context, below)
            if command is not None and not command.hidden:
                yield from entries(command, f"{name} {below}")


def page(programs: Iterable[tuple[click.Command, str, str]]) -> str:
    """The page of the documentation, as reStructuredText. Each program with its name and a paragraph about it."""
    lines = ["Commands", "========", "", ".. Made from the commands themselves, when these pages are built.", ""]
    lines += ["All commands that can print for programs do so with ``--json`` (one object whose ``schema`` names its"]
    lines += ["form) or ``--jsonl`` (one object on each line). :doc:`empathctl` tells what one does with them.", ""]
    for program, name, about in programs:
        lines += [name, "-" * len(name), "", *about.splitlines(), ""]
        for entry in list(entries(program, name))[1:]:
            lines += [entry.path, "~" * len(entry.path), "", *_told(entry)]
    lines += ["Exit statuses", "-------------", ""]
    for status, meaning in STATUSES:
        lines += [f"{status}", f"    {meaning}"]
    lines += ["", "Variables of the environment", "----------------------------", ""]
    for variable, meaning in VARIABLES:
        lines += [f"``{variable}``", f"    {_escaped(meaning)}"]
    return "\n".join(lines) + "\n"


def _told(entry: Entry) -> Iterator[str]:
    yield from ("::", "", f"    {entry.usage}", "")
    for paragraph in entry.text.split("\n\n"):
        yield from (_escaped(" ".join(paragraph.split())), "")
    for names, meaning in entry.options:
        yield from (f"``{names}``", f"    {_escaped(meaning)}")
    if entry.options:
        yield ""


def _escaped(text: str) -> str:
    """Text whose signs mean nothing; what stands in backquotes becomes literal."""
    parts = _CODE.split(text)
    plain = [re.sub(r"([\\*|_])", r"\\\1", part) for part in parts[::2]]
    literal = [f"``{part}``" for part in parts[1::2]]
    return "".join(one for pair in zip(plain, [*literal, ""], strict=True) for one in pair)


def man(program: click.Command, name: str, *, version: str) -> str:
    """The page for ``man`` (section 1), with all commands."""
    first, *rest = entries(program, name)
    lines = [f'.TH "{name.upper()}" 1 "" "Empath {version}" "Empath"', ".SH NAME", f"{name} \\- {_roff(first.text)}"]
    lines += [".SH SYNOPSIS", f".B {_roff(first.usage)}", ".SH OPTIONS"]
    lines += [line for option in first.options for line in _term(*option)]
    lines += [".SH COMMANDS"]
    for entry in rest:
        lines += [".SS " + _roff(entry.path), f".B {_roff(entry.usage)}", ".PP"]
        for paragraph in entry.text.split("\n\n"):
            lines += [_roff(" ".join(paragraph.split())), ".PP"]
        lines += [line for option in entry.options for line in _term(*option)]
    lines += [".SH EXIT STATUS", *(line for one in STATUSES for line in _term(*one))]
    lines += [".SH ENVIRONMENT", *(line for one in VARIABLES for line in _term(*one))]
    return "\n".join(lines) + "\n"


def _term(name: str, meaning: str) -> tuple[str, ...]:
    return (".TP", f".B {_roff(name)}", _roff(meaning))


def _roff(text: str) -> str:
    """Text whose signs mean nothing to roff."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
