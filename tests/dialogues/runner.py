"""Plays a dialogue to a server, and says where the two differ.

The server is a ``Peer``: the one here is in memory; one on the far side of a socket needs the same six methods, and
neither the files nor ``drive`` know the difference.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from attrs import define, field

from tests.dialogues.script import Closed, Dialogue, Expect, Group, Handshake, HangUp, Message, Settings, Step
from tests.dialogues.scripted import ScriptedServer


class Peer(Protocol):
    """A server, freshly connected to."""

    async def send(self, segment: bytes) -> None:
        """Send one segment. That the server has closed is no error here: the dialogue says whether it should have."""

    async def read_line(self, *, awaited: bool) -> bytes | None:
        """The next line that the server says, without its CRLF; None if it has closed, or waits for the client.

        ``awaited``: something is to come now, a line or the end. Whoever cannot see into the server waits for it.
        """

    async def start_tls(self) -> None:
        """Do the handshake. That it fails is no error here, but must show as a closed connection."""

    async def hang_up(self) -> None:
        """Close the client's end."""

    async def is_closed(self) -> bool:
        """Whether the server has closed its end."""

    async def accepted(self) -> list[Message]:
        """The messages that the server has accepted, once the dialogue has ended."""


class Mismatch(AssertionError):
    """The server does not do what the dialogue says. The message shows where, and what was said until then."""


Segments = Callable[[bytes], Iterable[bytes]]


def together(group: bytes) -> Iterable[bytes]:
    """A group in one segment."""
    return [group]


def in_pieces(group: bytes) -> Iterable[bytes]:
    """A group octet by octet."""
    return [group[index : index + 1] for index in range(len(group))]


async def drive(dialogue: Dialogue, peer: Peer, segments: Segments = together) -> None:
    """Play ``dialogue`` to ``peer``; a Mismatch tells the first difference."""
    play = _Play(dialogue, peer, segments)
    for step in dialogue.steps:
        await play.step(step)
    await play.end()


@define
class _Play:
    """One run of one dialogue."""

    _dialogue: Dialogue
    _peer: Peer
    _segments: Segments
    _said: list[str] = field(factory=list)
    """Both sides, for people."""

    async def step(self, step: Step) -> None:
        match step:
            case Group(octets=octets):
                self._said.append(f"C {octets!r}")
                for segment in self._segments(octets):
                    await self._peer.send(segment)
            case Expect():
                said = await self._next_line(awaited=True)
                if not step.met_by(said):
                    raise self._mismatch(step.line, f"expected {step.text!r}{'' if step.whole else '...'}")
            case Handshake():
                await self._peer.start_tls()
                self._said.append("  TLS")
            case HangUp():
                await self._peer.hang_up()
                self._said.append("  the client hangs up")
            case Closed():
                if await self._next_line(awaited=True) is not None or not await self._peer.is_closed():
                    raise self._mismatch(step.line, "expected the server to close")

    async def end(self) -> None:
        """Nothing is left over: no reply, no closing that the dialogue does not tell of, no message."""
        last = self._dialogue.steps[-1]
        if await self._next_line(awaited=False) is not None:
            raise self._mismatch(last.line, "expected no further reply")
        if await self._peer.is_closed() != isinstance(last, Closed):
            raise self._mismatch(last.line, "expected the server to stay connected")
        accepted, expected = await self._peer.accepted(), self._dialogue.messages
        met = len(accepted) == len(expected) and all(map(Message.met_by, expected, accepted))
        if not met:
            wanted, found = (self._listed(messages) for messages in (expected, accepted))
            raise self._mismatch(last.line, f"expected to be accepted:{wanted}\naccepted:{found}")

    async def _next_line(self, *, awaited: bool) -> bytes | None:
        line = await self._peer.read_line(awaited=awaited)
        self._said.append("  nothing" if line is None else f"S {line!r}")
        return line

    def _mismatch(self, line: int, complaint: str) -> Mismatch:
        return Mismatch("\n".join((f"{self._dialogue.name}:{line}: {complaint}", *self._said)))

    @staticmethod
    def _listed(messages: Iterable[Message]) -> str:
        return "".join(f"\n  {message}" for message in messages) or " nothing"


class MemoryPeer:
    """The scripted server, with nothing in between."""

    def __init__(self, settings: Settings) -> None:
        """Connected, and greeted."""
        self._server = ScriptedServer(settings)
        self._lines: deque[bytes] = deque()
        self._take(self._server.greet())

    async def send(self, segment: bytes) -> None:
        """See ``Peer``."""
        if not self._server.closed:
            self._take(self._server.receive(segment))

    async def read_line(self, *, awaited: bool) -> bytes | None:
        """See ``Peer``: nothing is ever on its way."""
        return self._lines.popleft() if self._lines else None

    async def start_tls(self) -> None:
        """See ``Peer``: there is no need for real encryption to begin a session anew."""
        self._server.tls_established()

    async def hang_up(self) -> None:
        """See ``Peer``."""
        await self.send(b"")

    async def is_closed(self) -> bool:
        """See ``Peer``."""
        return self._server.closed

    async def accepted(self) -> list[Message]:
        """See ``Peer``."""
        return self._server.messages

    def _take(self, replies: bytes) -> None:
        self._lines += replies.split(b"\r\n")[:-1]
