"""Foreign text on its way into a message of ours: made printable, short and foldable.

What a remote host answers may have been written to end a header field, to close a MIME part, or to steer the terminal
of whoever reads the report. After `plain` it is one line of harmless characters. After `wrap` each line of it is short,
and begins with the white space that keeps it inside the field or paragraph it belongs to.
"""

from __future__ import annotations

import re
import textwrap
from typing import Final

MAX_CHARACTERS: Final = 2000
_WIDTH: Final = 76
# Of 200 characters, each of up to four octets, a line has room for one word at least (RFC 5322 2.1.1: 998 octets).
_LONG_WORD: Final = re.compile(r"(\S{200})(?=\S)")


def plain(text: str, *, utf8: bool) -> str:
    """``text`` as one line of at most `MAX_CHARACTERS` characters that are safe to print.

    Without ``utf8`` all others than ASCII are escaped.
    """
    line = "".join([c if c.isprintable() else " " for c in text[:MAX_CHARACTERS]])
    return line if utf8 else line.encode("ascii", "backslashreplace").decode("ascii")


def wrap(text: str, first: str = "", rest: str | None = None) -> list[str]:
    """``text`` in lines of at most 76 characters where its words allow, never of more than 998 octets.

    ``first`` indents the first line, ``rest`` all others; without ``rest``, ``first`` indents all.
    """
    wrapper = textwrap.TextWrapper(
        _WIDTH,
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return wrapper.wrap(_LONG_WORD.sub(r"\1 ", text)) or [first]
