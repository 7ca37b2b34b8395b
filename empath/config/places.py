"""Where a value stands: in the tree of keys, and in the file, variable or flag that set it."""

import json
import re
from collections.abc import Iterable
from typing import Final

from attrs import frozen

KeyPath = tuple[str | int, ...]
"""The way from the root to a value: names of tables and keys, and numbers (from 0) in arrays."""

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def dotted(path: Iterable[str | int]) -> str:
    """Write a path as TOML would: ``delivery.domains."gmail.com".rate_limit``, ``smtp.listeners[0].tls``."""
    written = ""
    for step in path:
        if isinstance(step, int):
            written += f"[{step}]"
        else:
            written += ("." if written else "") + (
                step if _BARE.fullmatch(step) else json.dumps(step, ensure_ascii=False)
            )
    return written


@frozen
class Origin:
    """Who set a value: a file and a line of it, a variable of the environment, the command line, or nobody."""

    source: str
    """The path of the file as it was found or given, ``$VARIABLE``, ``command line`` or ``default``."""
    line: int | None = None
    """From 1; None for what has no lines."""

    def __str__(self) -> str:
        """As compilers write it, so that editors can jump there."""
        return self.source if self.line is None else f"{self.source}:{self.line}"


DEFAULT: Final = Origin("default")
COMMAND_LINE: Final = Origin("command line")
