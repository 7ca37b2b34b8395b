"""A record of `logging` that is made of a sentence, with nothing in it that no line shows."""

from __future__ import annotations

import logging
import re
from typing import Final

from empath.ops.logbook.sentences import Pairs, Sentence

_PLAIN: Final = re.compile(r"[!#-<>-~]+")
"""A value that needs no quotes: printable ASCII without space, quotation mark and equals sign."""


_NOWHERE: Final[dict[str, object]] = dict(logging.makeLogRecord({"args": ()}).__dict__)
"""What every record has. Handlers that are not ours read a record as a table, so it must all be there."""


class SentenceRecord(logging.LogRecord):
    """What `logging` hands to its handlers. The attributes that say where in the source a call stands are empty."""

    said: Sentence

    def __init__(self, name: str, said: Sentence, at: float) -> None:
        """``at``: wall clock, seconds since 1970. The base class would look for what no line shows."""
        self.__dict__ |= _NOWHERE
        self.name = name
        self.said = said
        self.levelno = said.level
        self.levelname = logging.getLevelName(said.level)
        self.created = at
        self.msg = f"{said.event} {logfmt(said.pairs)}"

    def getMessage(self) -> str:  # noqa: N802  as the base class has it
        """The sentence without level and part."""
        return str(self.msg)


def logfmt(pairs: Pairs) -> str:
    """Pairs as text: ``key=value``, quoted where a reader would not find the end."""
    return " ".join(
        [
            f"{key}={value}" if isinstance(value, int) or _PLAIN.fullmatch(value) else f"{key}={_quoted(value)}"
            for key, value in pairs
        ]
    )


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    if not escaped.isprintable():
        escaped = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in escaped)
    return f'"{escaped}"'
