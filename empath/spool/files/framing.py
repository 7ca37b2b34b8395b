"""Records in files: JSON that a person can read, and that says itself whether it is whole.

The value stands in front; its length, its checksum and an end mark come last, so a file that was cut, overwritten with
zeros or changed in one bit is told from one that was written. Octets that are no text of their own stand as a string in
the one of two encodings that can hold them: every octet is a character of Latin-1.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from sys import float_info
from typing import Any, Final

import msgspec

_HEAD: Final = b'{\n"record": '
_TAIL: Final = re.compile(rb',\n"octets": (\d{1,12}), "crc32": "([0-9a-f]{8})", "end": true\n}\n')
_TAIL_MOST_OCTETS: Final = 80

Value = Mapping[str, object]


class NotWhole(Exception):
    """A file is not what was written. The text says in which way."""


def frame(value: Value) -> bytes:
    """The content of a file that holds a value. Octets may stand anywhere in it."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=1)
    return b'%b%b,\n"octets": %d, "crc32": "%08x", "end": true\n}\n' % (_HEAD, text, len(text), zlib.crc32(text))


def unframe(content: bytes) -> dict[str, Any]:
    """The value in the content of a file. Raises NotWhole."""
    if not content.strip(b"\0"):
        raise NotWhole("it is empty")
    at = max(content.rfind(b',\n"octets": ', -_TAIL_MOST_OCTETS), 0)
    tail = _TAIL.fullmatch(content, at)
    if tail is None or not content.startswith(_HEAD):
        raise NotWhole("its end is missing" if tail is None else "its beginning is missing")
    text = content[len(_HEAD) : at]
    if len(text) != int(tail[1]):
        raise NotWhole(f"it has {len(text)} octets; {int(tail[1])} were written")
    if zlib.crc32(text) != int(tail[2], 16):
        raise NotWhole("it is not what was written (checksum)")
    try:
        value: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as problem:
        raise NotWhole(f"it has another form: {problem}") from None
    return value


def as_json(value: object) -> object:
    """A column of a row as JSON can hold it."""
    if isinstance(value, float):
        return min(value, float_info.max)  # JSON knows no infinity
    if not isinstance(value, bytes):
        return value
    try:
        return {"utf-8": value.decode()}
    except UnicodeDecodeError:
        return {"latin-1": value.decode("latin-1")}


def from_json(value: object) -> Any:
    """What `as_json` was given. Raises NotWhole."""
    if not isinstance(value, dict):
        return value
    try:
        ((encoding, text),) = value.items()
        return str(text).encode({"utf-8": "utf-8", "latin-1": "latin-1"}[encoding])
    except (KeyError, ValueError):
        raise NotWhole("it has a column of another form") from None
