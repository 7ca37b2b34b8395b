"""From a text file to a ``Dialogue``: the format that README.rst describes."""

import re
from pathlib import Path
from typing import Final

from attrs import define, evolve, field, fields_dict

from empath.smtp import Bounds, Extensions, Reply, Verb
from empath.smtp.buffer import ReceiveBuffer
from empath.smtp.errors import RemoteProtocolError
from empath.smtp.reply import ReplyReader
from tests.dialogues.script import Answer, Closed, Dialogue, Expect, Group, Handshake, HangUp, Message, Settings, Step

HERE: Final = Path(__file__).parent

# A keyword of two or more small letters is a setting; the marks of what is said have one capital.
_SETTING: Final = re.compile(r"([a-z-]{2,}): (.+)")
_SAID: Final = re.compile(r"([CSM][:~]|M\|)(?: (.*))?")
_ENVELOPE: Final = re.compile(r"<([^>]*)> to (<[^>]+>(?:, <[^>]+>)*)")
_ANSWER: Final = re.compile(r"([A-Z_]+) (?:<([^>]*)> )?([2-5].*)")
# \r \n \t \0 \\ \x7F, and \{text*count} where text may hold the others
_ESCAPE: Final = re.compile(r"\\(?:([rnt0\\])|x([0-9A-Fa-f]{2})|\{([^}]*)\*(\d+)\}|)")
_SINGLE: Final = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}
_EVENTS: Final[dict[str, type[Handshake | HangUp | Closed]]] = {"TLS": Handshake, "HANGUP": HangUp, "CLOSED": Closed}


class ScriptError(Exception):
    """A file is not a dialogue. The message begins with the file and the line."""


def every_dialogue() -> list[Dialogue]:
    """All dialogues beside this file, in the order of their names."""
    return [read(path.relative_to(HERE).as_posix(), path.read_text("utf-8")) for path in sorted(HERE.glob("*/*.txt"))]


def read(name: str, text: str) -> Dialogue:
    """The dialogue in ``text``; a ScriptError if it is none."""
    reader = _Reader()
    number = 0
    try:
        for number, line in enumerate(text.split("\n"), start=1):
            reader.take(number, line)
        return reader.dialogue(name)
    except (ValueError, RemoteProtocolError) as problem:
        raise ScriptError(f"{name}:{number}: {problem}") from problem


def unescape(text: str) -> bytes:
    """The octets that ``text`` stands for: its escapes, and for the rest its UTF-8."""
    octets, end = b"", 0
    for match in _ESCAPE.finditer(text):
        single, pair, repeated, count = match.groups()
        if match.group() == "\\":
            raise ValueError(f"no such escape: {text[match.start() : match.start() + 2]}")
        octets += text[end : match.start()].encode()
        octets += _SINGLE[single] if single else bytes.fromhex(pair) if pair else unescape(repeated) * int(count)
        end = match.end()
    return octets + text[end:].encode()


@define
class _Reader:
    """What has been read so far."""

    _title: list[str] = field(factory=list)
    _below_title: bool = False
    _settings: Settings = field(factory=Settings)
    _steps: list[Step] = field(factory=list)
    _messages: list[Message] = field(factory=list)

    def take(self, number: int, line: str) -> None:
        comment = line.startswith("#")
        self._below_title = self._below_title or not comment
        if comment:
            self._title += [] if self._below_title else [line[1:].strip()]
        elif line in _EVENTS:
            self._step(_EVENTS[line](number))
        elif setting := _SETTING.fullmatch(line):
            if self._steps:
                raise ValueError("settings stand before the first line of the dialogue")
            self._set(*setting.groups())
        elif said := _SAID.fullmatch(line):
            self._say(number, said[1], said[2] or "")
        elif line:
            raise ValueError("expected a comment, a setting, C: C~ S: S~ M: M| M~ TLS HANGUP or CLOSED")

    def dialogue(self, name: str) -> Dialogue:
        if not self._title or not self._steps:
            raise ValueError("a dialogue has a comment at its top that says what it shows, and something is said in it")
        title = " ".join(self._title)
        return Dialogue(name, title, self._settings, tuple(self._steps), tuple(self._messages))

    def _say(self, number: int, mark: str, text: str) -> None:
        match mark:
            case "C:":
                self._send(number, text.encode() + b"\r\n")
            case "C~":
                self._send(number, unescape(text))
            case "S:" | "S~":
                self._step(Expect(number, text.encode(), whole=mark == "S:"))
            case "M:":
                envelope = _ENVELOPE.fullmatch(text)
                if envelope is None:
                    raise ValueError("expected M: <sender> to <recipient>, <recipient>")
                recipients = tuple(path[1:-1] for path in envelope[2].split(", "))
                self._messages.append(Message(envelope[1], recipients, None))
            case "M|" | "M~":
                if not self._messages:
                    raise ValueError("the content of a message stands below its M: line")
                octets = unescape(text) if mark == "M~" else text.encode() + b"\r\n"
                content = self._messages[-1].content or b""
                self._messages[-1] = evolve(self._messages[-1], content=content + octets)

    def _send(self, number: int, octets: bytes) -> None:
        """Commands in a row are one group."""
        if self._steps and isinstance(group := self._steps[-1], Group):
            self._steps[-1] = evolve(group, octets=group.octets + octets)
        else:
            self._step(Group(number, octets))

    def _step(self, step: Step) -> None:
        if self._messages:
            raise ValueError("what was accepted stands at the end")
        self._steps.append(step)

    def _set(self, keyword: str, value: str) -> None:
        now = self._settings
        match keyword, value:
            case "offer", _:
                self._settings = evolve(now, offers=Extensions.of(*re.split(r", *", value)))
            case "bounds", _:
                self._settings = evolve(now, bounds=_bounds(value))
            case "answer", _:
                self._settings = evolve(now, answers=(*now.answers, _answer(value)))
            case "user", _:
                name, secret = value.split(" ")
                self._settings = evolve(now, users=(*now.users, (name, secret)))
            case "lmtp", "yes":
                self._settings = evolve(now, lmtp=True)
            case "tls", "implicit":
                self._settings = evolve(now, implicit_tls=True)
            case "auth-in-clear", "yes":
                self._settings = evolve(now, auth_in_clear=True)
            case "groups", "lenient":
                self._settings = evolve(now, strict_groups=False)
            case "arrives", "together":
                self._settings = evolve(now, in_pieces=False)
            case "arrives", "in-pieces":
                self._settings = evolve(now, together=False)
            case _:
                raise ValueError(f"no such setting: {keyword}: {value}")


def _bounds(value: str) -> Bounds:
    figures = dict(word.partition("=")[::2] for word in value.split())
    if unknown := figures.keys() - fields_dict(Bounds).keys():
        raise ValueError(f"no such bound: {', '.join(sorted(unknown))}")
    return Bounds(**{name: int(figure) for name, figure in figures.items()})


def _answer(value: str) -> Answer:
    match = _ANSWER.fullmatch(value)
    if match is None:
        raise ValueError("expected answer: VERB <address> reply, or answer: VERB reply")
    return Answer(Verb(match[1]), match[2], _reply(match[3]))


def _reply(text: str) -> Reply:
    buffer = ReceiveBuffer()
    buffer.feed(text.encode() + b"\r\n")
    reply = ReplyReader(max_lines=1).read(buffer, 512)
    if reply is None:
        raise ValueError("expected a reply of one line")
    return reply
