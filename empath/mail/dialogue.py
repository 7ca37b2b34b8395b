"""SMTP dialogues, told to those who want to see them as they are spoken.

Whoever speaks has a *tap*, and tells it nothing as long as nobody listens: one comparison. While somebody does, each
connection has a *talk*, to which commands and replies are told as the values that they are. What is not for foreign
eyes never leaves here: of a login there are stars (RFC 4954 9), and of a message there is its size, unless a listener
may see contents.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import Final, Protocol

from attrs import define, field

from empath.mail.ids import MessageId
from empath.smtp import (
    EVERYTHING,
    Auth,
    AuthResponse,
    Bdat,
    BodyEnd,
    ChunkEnd,
    Command,
    LocalProtocolError,
    Mail,
    Rcpt,
    Refused,
    Reply,
    Verb,
)
from empath.smtp.command import encode

_STARS: Final = "***"
_LINE_LIMIT: Final = 100_000
_MAX_RECIPIENTS: Final = 100
"""So many of a transaction can be looked for."""
_MAX_DUE: Final = 20_000
"""More than any client may send at once without an answer."""
_LAST: Final = frozenset({Verb.END, Verb.BDAT_LAST, Verb.RSET, Verb.QUIT})
"""What a message ends with, for good or not."""


class Speaker(Enum):
    """Who has said a line."""

    CLIENT = ">"
    SERVER = "<"
    MESSAGE = "|"
    """It is a line of the message, which the client sends."""
    NOBODY = "-"
    """It is about the connection."""


class Listener(Protocol):
    """Somebody who wants to see what is said. Must not wait and must not fail."""

    @property
    def wants_content(self) -> bool:
        """Whether messages are to be told as they are."""

    def hear(self, talk: Talk, speaker: Speaker, line: str, *, ends: bool) -> None:
        """Take a line. ``ends``: whether a message, or the connection, has come to its end with it."""


@define(eq=False)
class Tap:
    """What all who speak in one daemon share."""

    listener: Listener | None = None
    """None: nobody listens. To be looked at before anything is told."""
    talks: int = field(init=False, default=0)
    """That there were."""
    round: int = field(init=False, default=0)
    """How often somebody has begun to listen. A talk of an earlier round knows less than it should."""

    def open(self, listener: Listener) -> None:
        """Let somebody listen. What was said before, nobody knows."""
        self.listener = listener
        self.round += 1

    def close(self) -> None:
        """Nobody listens any more."""
        self.listener = None


@define(eq=False)
class Talk:
    """One connection, and what is known of it. To be told something only while the tap has a listener."""

    tap: Tap
    is_incoming: bool
    peer: str
    """The address of the other side."""
    host: str = ""
    """Its name; empty: nobody knows."""
    domain: str | None = None
    """The recipient domain that an outgoing connection was made for."""
    number: int = field(init=False)
    transactions: int = field(init=False, default=0)
    """That have begun since somebody listens."""
    mid: MessageId | None = field(init=False, default=None)
    """The message that it is about now."""
    sender: str | None = field(init=False, default=None)
    """Its reverse-path; empty: the null one."""
    recipients: list[str] = field(init=False, factory=list)
    """Its forward-paths, as far as they have been said."""
    round: int = field(init=False)
    _content_bytes: int = field(init=False, default=0)
    _due: deque[bool] = field(init=False, factory=lambda: deque(maxlen=_MAX_DUE))
    """For each reply that is due, whether a message has come to its end with it."""

    @number.default
    def _next(self) -> int:
        self.tap.talks += 1
        return self.tap.talks

    @round.default
    def _this_round(self) -> int:
        return self.tap.round

    def command(self, said: Command | BodyEnd | ChunkEnd | Refused) -> None:
        """The client has said this."""
        match said:
            case Mail(path):
                self.transactions += 1
                self.mid, self.sender, self.recipients = None, "" if path is None else str(path), []
            case Rcpt(path) if len(self.recipients) < _MAX_RECIPIENTS:
                self.recipients.append(str(path))
        self._tell_size()
        if not (self.is_incoming and isinstance(said, Bdat)):  # a server hears of a chunk twice, and answers once
            self._due.append(said.verb in _LAST)
        if text := _text(said):
            self._tell(Speaker.CLIENT, text)

    def content(self, octets: bytes) -> None:
        """A part of the message."""
        self._content_bytes += len(octets)
        if self.tap.listener is not None and self.tap.listener.wants_content:
            for line in octets.decode("utf-8", "backslashreplace").splitlines():
                self._tell(Speaker.MESSAGE, line)

    def _tell_size(self) -> None:
        if self._content_bytes:
            self._tell(Speaker.NOBODY, f"({self._content_bytes} octets of the message)")
            self._content_bytes = 0

    def reply(self, said: Reply) -> None:
        """The server has said this."""
        self._tell_size()
        ends = (self._due.popleft() if self._due else False) or said.code == 421
        prefix = f"{said.enhanced} " if said.enhanced else ""
        lines = (_STARS,) if said.code == 334 else said.lines or ("",)
        for number, line in enumerate(lines, start=1):
            is_last = number == len(lines)
            self._tell(Speaker.SERVER, f"{said.code}{' ' if is_last else '-'}{prefix}{line}", ends=ends and is_last)

    def note(self, text: str) -> None:
        """Something about the connection."""
        self._tell(Speaker.NOBODY, text)

    def close(self, text: str = "closed") -> None:
        """The connection has ended."""
        self._tell(Speaker.NOBODY, text, ends=True)

    def _tell(self, speaker: Speaker, line: str, *, ends: bool = False) -> None:
        if self.tap.listener is not None:
            self.tap.listener.hear(self, speaker, line, ends=ends)


def _text(said: Command | BodyEnd | ChunkEnd | Refused) -> str:
    match said:
        case BodyEnd():
            return "."
        case ChunkEnd():
            return ""
        case Refused():
            return f"{said.verb.value} (refused before it was looked at)"
        case Auth(mechanism, initial):
            return f"AUTH {mechanism}{'' if initial is None else f' {_STARS}'}"
        case AuthResponse(data):
            return "*" if data is None else _STARS
    try:
        return encode(said, EVERYTHING, _LINE_LIMIT)[:-2].decode("utf-8", "backslashreplace")
    except LocalProtocolError as problem:
        return f"{said.verb.value} ({problem})"
