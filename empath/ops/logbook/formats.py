"""How a line of the log is written: logfmt for people, JSON for programs. One record is one line, whatever is in it.

logfmt::

    2026-11-22T17:30:07.120Z info delivery delivered mid=6911c5b5-2a to=ann@example.org ...

The time is UTC. The second word is the level, the third the part of Empath. In the journal a priority stands in front
of it instead of the time, which the journal has itself (sd-daemon(3)).
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

import msgspec

from empath.config.schema import LogFormat
from empath.ops.logbook.record import SentenceRecord

_OWN: Final = "empath."
_MOST: Final = 8000
"""Characters of a line that is no sentence. What others have brought into it is not to fill disks."""
_PRIORITIES: Final = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}


class LogfmtFormatter(logging.Formatter):
    """For people."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return f"{_moment(record)} {_words(record)}"


class JournalFormatter(logging.Formatter):
    """For people, by way of the journal."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return f"<{_PRIORITIES.get(record.levelname, 5)}>{_words(record)}"


class JsonFormatter(logging.Formatter):
    """For programs."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        shown: dict[str, object] = {
            "time": _moment(record),
            "level": record.levelname.lower(),
            "logger": _part(record),
        }
        if isinstance(record, SentenceRecord):
            shown |= {"event": record.said.event, **dict(record.said.pairs)}
            return msgspec.json.encode(shown).decode()
        shown["message"] = _cut(record.getMessage())
        if record.exc_info:
            shown["exception"] = logging.Formatter().formatException(record.exc_info)
        return msgspec.json.encode(shown).decode()


def formatter(wanted: LogFormat, *, in_journal: bool, is_piped: bool) -> logging.Formatter:
    """Return what writes lines as configured. ``auto``: JSON where a program reads, which is a pipe's other end."""
    if wanted is LogFormat.JSON or (wanted is LogFormat.AUTO and is_piped and not in_journal):
        return JsonFormatter()
    return JournalFormatter() if in_journal else LogfmtFormatter()


def _words(record: logging.LogRecord) -> str:
    if isinstance(record, SentenceRecord):
        return f"{record.levelname.lower()} {_part(record)} {record.msg}"
    text = record.getMessage()
    if record.exc_info:
        text += f" {logging.Formatter().formatException(record.exc_info)}"
    return f"{record.levelname.lower()} {_part(record)} {_on_one_line(text)}"


def _on_one_line(text: str) -> str:
    text = _cut(text)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _cut(text: str) -> str:
    return text if len(text) <= _MOST else f"{text[:_MOST]} (and {len(text) - _MOST} characters more)"


def _part(record: logging.LogRecord) -> str:
    return record.name.removeprefix(_OWN)


def _moment(record: logging.LogRecord) -> str:
    second, part_us = divmod(round(record.created * 1e6), 1_000_000)
    return f"{_second(second)}.{part_us // 1000:03}Z"


# A busy second has thousands of lines.
@lru_cache(maxsize=2)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat().removesuffix("+00:00")
