"""Whether a program can be run by a user who has no rights but those that everybody has."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path


def obstacle(program: Path) -> str | None:
    """Return what keeps others from running a program: it, its interpreter or a directory above; None: nothing.

    A virtual environment in a home directory is the usual case: the home is closed to everybody but its owner.
    """
    for path in _needed(program):
        try:
            mode = path.stat().st_mode
        except OSError as problem:
            return f"{path}: {os.strerror(problem.errno or 0)}"
        if not mode & stat.S_IXOTH:
            what = "directory" if stat.S_ISDIR(mode) else "file"
            return f"the {what} {path} is closed to other users (mode {stat.S_IMODE(mode):04o})"
    return None


def _needed(program: Path) -> Iterator[Path]:
    """A program with the directories that lead to it, as it is named and as it is; then its interpreter likewise."""
    for path in _named_by(program):
        yield from reversed(path.parents)
        yield path


def _named_by(program: Path) -> Iterator[Path]:
    yield program
    if program.is_symlink():
        yield program.resolve()
    interpreter = _interpreter(program)
    if interpreter is not None:
        yield interpreter
        if interpreter.is_symlink():
            yield interpreter.resolve()


def _interpreter(program: Path) -> Path | None:
    """What the first line of a script names (execve(2))."""
    try:
        first = program.read_bytes()[:512].partition(b"\n")[0]
    except OSError:
        return None
    if not first.startswith(b"#!"):
        return None
    words = os.fsdecode(first[2:]).split()
    return Path(words[0]) if words and Path(words[0]).is_absolute() else None
