"""How lines of the log get to standard error: those of one turn of the event loop with one write.

A line of its own write costs a system call, and a message has three lines. So a line waits for the end of the turn, a
few hundred microseconds at most when mail is about; a warning or an error waits for nothing, and takes those before it
along. What is written outside of the event loop, in a thread say, is written at once too. So a process that is killed
loses the lines of one turn, none of which anybody has been promised.
"""

from __future__ import annotations

import logging
from typing import TextIO

import trio
from typing_extensions import override

_MOST = 1000
"""Lines that may wait."""


class LineWriter(logging.Handler):
    """A handler. It writes to a stream that it does not own."""

    def __init__(self, stream: TextIO) -> None:
        """To ``stream``, which is flushed after each write."""
        super().__init__()
        self._stream = stream
        self._lines: list[str] = []
        self._is_asked = False
        """Whether a write is on its way."""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Take a record."""
        try:
            self._lines.append(self.format(record))
            if record.levelno > logging.INFO or len(self._lines) >= _MOST or not self._ask():
                self.flush()
        except Exception:  # logging's own rule: a log that cannot be written must not stop the work
            self.handleError(record)

    @override
    def flush(self) -> None:
        """Write what waits."""
        self.acquire()
        try:
            self._is_asked = False
            lines, self._lines = self._lines, []
            if lines:
                self._stream.write("\n".join(lines) + "\n")
                self._stream.flush()
        finally:
            self.release()

    def _ask(self) -> bool:
        """See to it that there is a write soon; False outside of the event loop."""
        if self._is_asked:
            return True
        try:
            trio.lowlevel.current_trio_token().run_sync_soon(self.flush, idempotent=True)
        except RuntimeError:
            return False
        self._is_asked = True
        return True


def leave_out_what_no_line_shows() -> None:
    """Spare `logging` what it would find out for each record: caller, thread, process and task.

    The manual of `logging` names these switches, under "Optimization". They hold for the whole process.
    """
    logging._srcfile = None
    logging.logThreads = False
    logging.logProcesses = False
    logging.logMultiprocessing = False
