"""Header fields that somebody wants on top of a message: checked once, so that none can become something else.

What a filter says of a message is made of what a stranger wrote, at least in part. A field is therefore written only if
it is one field: no line of it can begin another one, end the header section, or be longer than any host must take. What
is not fit is refused and never repaired, since nobody can know what was meant.
"""

from __future__ import annotations

import re
from typing import Final

MAX_LINE_OCTETS: Final = 998
"""RFC 5322 2.1.1: without the CRLF."""

_NAME: Final = re.compile(r"[!-9;-~]{1,100}", re.ASCII)
# RFC 5322 2.2 and 3.2.2: printable characters, tabs and spaces; a line that goes on an earlier one begins with white
# space and holds more than that.
_LINE: Final = re.compile(r"[\t -~]*", re.ASCII)
_FURTHER: Final = re.compile(r"[\t ]+[!-~][\t -~]*", re.ASCII)


def written(name: str, value: str) -> bytes:
    """The field with the CRLF at its end. A value of several lines is folded as it is given, with LF or CRLF.

    A ValueError says why this would not be one field of ASCII characters (RFC 5322 2.2).
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:100]!r} is no name of a header field: printable ASCII without space and colon")
    first, *further = value.replace("\r\n", "\n").split("\n")
    lines = [f"{name}: {first}", *further]
    if not _LINE.fullmatch(first) or not all(map(_FURTHER.fullmatch, further)):
        raise ValueError(
            f"the value of {name} is not printable ASCII, or a further line of it has no white space first"
        )
    if any(len(line) > MAX_LINE_OCTETS for line in lines):
        raise ValueError(f"a line of {name} is longer than {MAX_LINE_OCTETS} octets")
    return "\r\n".join([*lines, ""]).encode("ascii")
