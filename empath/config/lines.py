"""On which line of a TOML text each key stands. `tomllib` gives values without places, and an operator needs the place.

This is no second parser: `tomllib` has accepted the text before, so that the scanner here only has to find its way. It
knows what can hide a key or look like one: strings of all four forms, comments, arrays, inline tables, dotted keys,
headers of tables and of arrays of tables (TOML 1.0.0).
"""

import re
import tomllib
from typing import Final

from attrs import define, field

from empath.config.places import KeyPath

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_STEP: Final = r"(?:[A-Za-z0-9_-]+|\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*')"
_KEY: Final = re.compile(rf"{_STEP}(?:[ \t]*\.[ \t]*{_STEP})*")
_STRING: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'  # up to two quotes of the content may stand before the closing three
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR: Final = re.compile(r"[^,\]}#\n]*")


def line_numbers(text: str) -> dict[KeyPath, int]:
    """Return the line, from 1, of every key, table and array element of a text that `tomllib` accepts.

    A table that is named more than once, or only as part of other names, stands where it was named first.
    """
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


def split_key(key: str) -> tuple[str, ...]:
    """Return the steps of a dotted key, unquoted. Raises `tomllib.TOMLDecodeError` for what is no key."""
    steps: list[str] = []
    inner: object = tomllib.loads(f"{key} = 0")
    while isinstance(inner, dict):
        step, inner = next(iter(inner.items()))
        steps.append(step)
    return tuple(steps)


@define
class _Scanner:
    text: str
    at: int = 0
    lines: dict[KeyPath, int] = field(factory=dict)
    _line: int = 1
    _counted_to: int = 0
    _array_lengths: dict[KeyPath, int] = field(factory=dict)

    def document(self) -> None:
        table: KeyPath = ()
        while self._skip_blank():
            if self.text.startswith("[", self.at):
                table = self._header()
            else:
                self._assignment(table)

    def _header(self) -> KeyPath:
        brackets = 2 if self.text.startswith("[[", self.at) else 1
        self.at += brackets
        self._skip_blank()
        *outer, last = self._key()
        table = self._inside((), (*outer, last))
        if brackets == 2:
            array = (*self._inside((), tuple(outer)), last)
            number = self._array_lengths.get(array, 0)
            self._array_lengths[array] = number + 1
            table = (*array, number)
            self._note(table)
        self._skip_blank()
        self.at += brackets
        return table

    def _assignment(self, table: KeyPath) -> None:
        path = self._inside(table, self._key())
        self._skip_blank()
        self.at += 1  # the equals sign
        self._skip_blank()
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        if self.text.startswith("[", self.at):
            self._array(path)
        elif self.text.startswith("{", self.at):
            self._inline_table(path)
        else:
            found = _STRING.match(self.text, self.at) or _SCALAR.match(self.text, self.at)
            self.at = found.end() if found else len(self.text)

    def _array(self, path: KeyPath) -> None:
        self.at += 1
        number = 0
        while self._skip_blank() and not self.text.startswith("]", self.at):
            self._note((*path, number))
            self._value((*path, number))
            number += 1
            self._skip_comma()
        self.at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self.at += 1
        while self._skip_blank() and not self.text.startswith("}", self.at):
            self._assignment(path)
            self._skip_comma()
        self.at += 1

    def _key(self) -> tuple[str, ...]:
        found = _KEY.match(self.text, self.at)
        if found is None:
            raise ValueError(f"no key at character {self.at}, where TOML must have one")
        self.at = found.end()
        return split_key(found[0])

    def _inside(self, table: KeyPath, key: tuple[str, ...]) -> KeyPath:
        """Return the path of a key, noting each part; a name of an array of tables means its last element."""
        path = table
        for step in key:
            path = (*path, step)
            self._note(path)
            if path in self._array_lengths:
                path = (*path, self._array_lengths[path] - 1)
        return path

    def _note(self, path: KeyPath) -> None:
        self._line += self.text.count("\n", self._counted_to, self.at)
        self._counted_to = self.at
        self.lines.setdefault(path, self._line)

    def _skip_blank(self) -> bool:
        found = _BLANK.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.at < len(self.text)

    def _skip_comma(self) -> None:
        self._skip_blank()
        if self.text.startswith(",", self.at):
            self.at += 1
