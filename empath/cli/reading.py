"""Reads the message that a command is to send, from a file or from standard input."""

import os
import sys
from pathlib import Path
from typing import Final

from empath.cli.complaint import Code, Complaint

MAX_BYTES: Final = 256 * 1024 * 1024
"""More than any server takes; what is read here lies in memory."""

STDIN: Final = Path("-")


def read_file(path: Path) -> bytes:
    """Return what a file holds, or standard input for ``-``. Raises `Complaint`."""
    try:
        if path == STDIN:
            return read_stdin(until_dot=False)
        with path.open("rb") as file:
            return _bounded(file.read(MAX_BYTES + 1))
    except OSError as error:
        raise Complaint(
            Code.UNREADABLE,
            f"cannot read {path}: {error.strerror}",
            why="it was to be the message; nothing was sent",
            remedy="check the path, and that you may read it",
            status=os.EX_NOINPUT,
        ) from error


def read_stdin(*, until_dot: bool) -> bytes:
    """Return standard input; ``until_dot`` ends it at a line that is a dot, as people type it. Raises `Complaint`."""
    lines: list[bytes] = []
    size_bytes = 0
    for line in sys.stdin.buffer:
        if until_dot and line.rstrip(b"\r\n") == b".":
            break
        lines.append(line)
        size_bytes += len(line)
        if size_bytes > MAX_BYTES:
            break
    return _bounded(b"".join(lines))


def _bounded(content: bytes) -> bytes:
    if len(content) > MAX_BYTES:
        raise Complaint(
            Code.UNSENDABLE,
            f"the message is larger than {MAX_BYTES // 1024**2} MiB",
            why="no server takes so much; nothing was sent",
            remedy="send less, or a link to it",
            status=os.EX_DATAERR,
        )
    return content
