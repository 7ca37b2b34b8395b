"""Replies: RFC 5321 4.2, enhanced status codes (RFC 2034, RFC 3463), UTF-8 texts (RFC 6531 3.7.4).

A ``Reply`` is a value that both ends share. Its text never holds a character that could end a line or steer a
terminal: what a peer sends is escaped at this door, once, so that logs, reports and people need not fear it.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple

from attrs import field, frozen

from empath.smtp.buffer import ReceiveBuffer
from empath.smtp.errors import LocalProtocolError, RemoteProtocolError


class ReplyClass(Enum):
    """What a code means for the state of the session (RFC 5321 4.2.1)."""

    POSITIVE = 2
    INTERMEDIATE = 3
    TRANSIENT = 4
    PERMANENT = 5
    CLOSING = 421
    """The one code that ends the connection whatever it answers (RFC 5321 3.8)."""

    __hash__ = object.__hash__


class EnhancedCode(NamedTuple):
    """class.subject.detail (RFC 3463 2)."""

    kind: int
    subject: int
    detail: int

    def __str__(self) -> str:
        """The form that goes over the wire."""
        return f"{self.kind}.{self.subject}.{self.detail}"

    @classmethod
    def parse(cls, text: str) -> EnhancedCode:
        """Read ``"5.1.1"``; anything else is a ValueError."""
        match = _ENHANCED.fullmatch(text)
        if match is None or text.endswith(" "):
            raise ValueError(f"{text!r} is not an enhanced status code such as 5.1.1")
        return cls(*map(int, match.group(1).split(".")))


# RFC 3463 2: status-code = class "." subject "." detail, the latter two of up to three digits; then text, in a reply.
_ENHANCED: Final = re.compile(r"([245]\.(?:0|[1-9]\d{0,2})\.(?:0|[1-9]\d{0,2}))(?: |\Z)", re.ASCII)
# RFC 5321 4.2: Reply-code = %x32-35 %x30-35 %x30-39, then "-" on all lines but the last, then the text.
_LINE: Final = re.compile(rb"([2-5][0-5][0-9])(?:([ -])([^\r\n\0]*))?\r\n")


def _lines(text: str | tuple[str, ...]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else text


def _enhanced(code: str | EnhancedCode | None) -> EnhancedCode | None:
    return EnhancedCode.parse(code) if isinstance(code, str) else code


@frozen(cache_hash=True)
class Reply:
    """One answer of a server: ``Reply(250, "OK", "2.0.0")``, or a tuple of texts for several lines.

    A text without an enhanced code must not begin with what reads as one: ``parse`` would take it for the code.
    """

    code: int
    lines: tuple[str, ...] = field(converter=_lines, default=("",))
    enhanced: EnhancedCode | None = field(converter=_enhanced, default=None)

    @property
    def kind(self) -> ReplyClass:
        """The class that moves the session."""
        return ReplyClass.CLOSING if self.code == 421 else _KINDS[self.code // 100]

    @property
    def positive(self) -> bool:
        """Whether the verb did what it was meant to do (2yz)."""
        return self.code < 300

    @property
    def text(self) -> str:
        """All lines as one, for people."""
        return " ".join(self.lines)

    def __str__(self) -> str:
        """Code, enhanced code and text, as one line."""
        return f"{self.code} {self.enhanced} {self.text}" if self.enhanced else f"{self.code} {self.text}"

    def encode(self, *, utf8: bool = False, limit: int = 512) -> bytes:
        """The reply as it goes over the wire.

        Without ``utf8`` other characters than ASCII are escaped. A line that would be longer than ``limit`` octets
        with its CRLF (RFC 5321 4.5.3.1.5) goes on in a further line of the same reply. A character that must not be
        in a reply is a LocalProtocolError, as is a code outside 200 to 559, or a limit that leaves no room for a text.
        """
        return _encoded(self, utf8, limit)


_KINDS: Final = {kind.value: kind for kind in ReplyClass}


# Cached, since a server says the same few things over and over.
@lru_cache(maxsize=256)
def _encoded(reply: Reply, utf8: bool, limit: int) -> bytes:
    if not 200 <= reply.code <= 559 or reply.code % 100 > 59:
        raise LocalProtocolError(f"{reply.code} is not a reply code")
    prefix = f"{reply.enhanced} " if reply.enhanced else ""
    texts = []
    for line in reply.lines or ("",):
        if not (line.isprintable() or line.replace("\t", " ").isprintable()):
            raise LocalProtocolError(f"reply text {line!r} holds a character that cannot be sent")
        wire = (prefix + line).encode() if utf8 else (prefix + line).encode("ascii", "backslashreplace")
        texts += [wire] if len(wire) <= limit - 6 else _fold(wire, len(prefix), limit - 6)
    code = b"%d" % reply.code
    return b"".join([code + b"-" + text + b"\r\n" for text in texts[:-1]]) + code + b" " + texts[-1] + b"\r\n"


def _fold(wire: bytes, prefix: int, room: int) -> list[bytes]:
    """``wire`` in pieces of at most ``room`` octets, each behind the first ``prefix`` octets, no character split."""
    if room - prefix < 4:  # octets of the longest character
        raise LocalProtocolError(f"a reply line of {room + 6} octets has no room for a text")
    head, rest, pieces = wire[:prefix], wire[prefix:], []
    while rest:
        cut = room - prefix
        while cut < len(rest) and rest[cut] & 0xC0 == 0x80:
            cut -= 1
        pieces.append(head + rest[:cut])
        rest = rest[cut:]
    return pieces


def _readable(text: bytes) -> str:
    """``text`` of a peer as characters that are safe to print; everything else is escaped, nothing is lost."""
    line = text.decode("utf-8", "backslashreplace")
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() or c == "\t" else c.encode("unicode_escape").decode() for c in line)


class ReplyReader:
    """Takes replies out of a buffer. Whatever is not exactly a reply is a RemoteProtocolError, and final.

    There is no way to go on after an error, by intent: the next reply could only be taken for the missing one.
    """

    def __init__(self, max_lines: int) -> None:
        """``max_lines``: the lines that one reply may have."""
        self._max_lines = max_lines
        self._code = 0
        self._texts: list[str] = []

    @property
    def partial(self) -> bool:
        """Whether some lines of a reply have come and the last one has not."""
        return bool(self._texts)

    def read(self, buffer: ReceiveBuffer, max_line: int) -> Reply | None:
        """The next reply, of lines up to ``max_line`` octets with CRLF; None when more octets are needed for it."""
        while True:
            line = buffer.line(max_line)
            if buffer.truncated:
                raise RemoteProtocolError(f"a reply line is longer than {max_line} octets")
            if line is None:
                return None
            code, text, more = _parts(line)
            if not (self._texts or more):
                return _reply(code, (text,))
            if self._texts and code != self._code:
                raise RemoteProtocolError(f"a reply changes its code from {self._code} to {code}")
            self._code = code
            self._texts.append(text)
            if not more:
                texts, self._texts = tuple(self._texts), []
                return _reply(code, texts)
            if len(self._texts) >= self._max_lines:
                raise RemoteProtocolError(f"a reply has more than {self._max_lines} lines")


# Cached, since a host that is sent many messages says the same of most of them.
@lru_cache(maxsize=256)
def _parts(line: bytes) -> tuple[int, str, bool]:
    """Code and text of a line, and whether it is not the last of its reply."""
    match = _LINE.fullmatch(line)
    if match is None:
        raise RemoteProtocolError(f"not a reply: {_readable(line[:80])!r}")
    code, separator, text = match.groups()
    return int(code), _readable(text or b""), separator == b"-"


@lru_cache(maxsize=256)
def _reply(code: int, texts: tuple[str, ...]) -> Reply:
    match = _ENHANCED.match(texts[0])
    if match is None or int(match.group(1)[0]) != code // 100:
        return Reply(code, texts)
    enhanced = match.group(1)
    # RFC 2034 3 asks for the code on every line; where it stands, it is not part of the text.
    plain = [text[len(enhanced) :].removeprefix(" ") if _repeats(text, enhanced) else text for text in texts]
    return Reply(code, tuple(plain), enhanced)


def _repeats(text: str, enhanced: str) -> bool:
    return text.startswith(enhanced) and text[len(enhanced) :][:1] in ("", " ")
