"""One TOML file: what it says, and where it says it."""

import re
import tomllib
from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

from empath.config.faults import Code, ConfigError, Fault
from empath.config.lines import line_numbers
from empath.config.places import KeyPath, Origin

MAX_BYTES: Final = 16 << 20
"""The largest file that is read. A table for each of a hundred thousand domains fits."""

_PLAINER: Final = {
    "Invalid value": "no value that TOML knows: text, sizes and durations stand in quotes",
    "Cannot overwrite a value": "a key that has a value already",
}
"""Faults that say too little in the words of `tomllib`."""
_POSITION: Final = re.compile(r"(.*) \(at line ([0-9]+), column ([0-9]+)\)", re.DOTALL)


@frozen
class Document:
    """A file that was read."""

    source: str
    """Its path, as it was found or given."""
    tree: Mapping[str, Any]
    """What `tomllib` returned."""
    _lines: Mapping[KeyPath, int]

    def origin(self, path: KeyPath) -> Origin:
        """Return where a key of this file stands."""
        return Origin(self.source, self._lines.get(path))


def parse(source: str, content: bytes) -> Document:
    """Return what a file says. Raises ConfigError if it is too large, not UTF-8 or not TOML."""
    if len(content) > MAX_BYTES:
        raise _unusable(f"larger than {MAX_BYTES >> 20} MiB", "no configuration needs that much", Origin(source))
    try:
        text = content.decode("utf-8")
        return Document(source, tomllib.loads(text), line_numbers(text))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        why = "TOML is written in UTF-8, in comments too"
        raise _unusable("this is not UTF-8", why, Origin(source, line)) from None
    except tomllib.TOMLDecodeError as error:
        placed = _POSITION.fullmatch(str(error))
        if placed is None:
            raise _unusable(str(error), "the text ends too early", Origin(source)) from None
        what, place = _PLAINER.get(placed[1], placed[1]), Origin(source, int(placed[2]))
        raise _unusable(what, f"see column {placed[3]}", place) from None
    except RecursionError:
        raise _unusable("arrays or tables are nested too deep", "no key needs that", Origin(source)) from None


def _unusable(what: str, why: str, origin: Origin) -> ConfigError:
    what = what[:1].lower() + what[1:]
    remedy = "mend this first; the rest of the file was not looked at"
    return ConfigError([Fault(code=Code.NOT_TOML, what=what, why=why, remedy=remedy, origin=origin)])
