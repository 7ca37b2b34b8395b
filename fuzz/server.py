"""The server's end: whole sessions, accounted for octet by octet against the wire by the plainest rules."""

import re
from collections.abc import Sequence
from typing import Final

from empath.smtp import AuthResponse, Bdat, BodyEnd, Bounds, ChunkEnd, Command, Refused, State, Verb
from fuzz.body import plain_decode, plain_fault
from fuzz.cuts import cut
from fuzz.session import MAX_SIZE, Session, Turn

CHUNK: Final = re.compile(rb"BDAT +[0-9]", re.IGNORECASE)


def fuzz(data: bytes) -> None:
    """A server raises nothing whatever comes, answers each command once and in order, and never takes an octet of
    content for one of a command or the other way round; how the octets are cut makes no difference.

    The octets: "@" or a sum with 1 LMTP, 2 AUTH in clear, 4 loose groups, 8 tight bounds, 16 all extensions; a seed of
    the cuts and of the server's decisions, all positive for multiples of 8; then what the client sends, with %xFF
    wherever it waits for all replies.
    """
    flags, seed, stream = *data.ljust(2, b"@")[:2], data[2:]
    groups = stream.split(b"\xff")
    whole, parts = Session(flags, seed), Session(flags, seed)
    for group in groups:
        whole.take([group] if group else [])
        parts.take(cut(group, seed))
    for session in (whole, parts):
        session.hang_up()
        _account(b"".join(groups), session.turns, session.bounds, MAX_SIZE if flags & 16 else None)
    _check_same(whole.turns, parts.turns)


def _account(wire: bytes, turns: Sequence[Turn], bounds: Bounds, max_size: int | None) -> None:
    """Walk along the wire: each event takes its octets, and what remains is not enough for one more."""
    chunk_size = 0
    for turn in turns:
        match turn.event:
            case BodyEnd(fault):
                content, rest = plain_decode(wire)
                assert rest is not None
                assert fault is plain_fault(content, bounds.text_line, max_size)
                assert content.startswith(turn.content) if fault else content == turn.content
                wire = rest
            case ChunkEnd(fault=fault):
                chunk, wire = wire[:chunk_size], wire[chunk_size:]
                assert len(chunk) == chunk_size
                assert chunk.startswith(turn.content) if fault else chunk == turn.content
            case event:
                line, lf, wire = wire.partition(b"\n")
                _check_line(line + lf, event)
                chunk_size = event.size_octets if isinstance(event, Bdat) else 0
                wire = wire[event.skip_octets :] if isinstance(event, Refused) else wire
    last = turns[-1] if turns else None
    if last is None or last.state is not State.CLOSED:
        _check_rest(wire, last, chunk_size)


def _check_line(line: bytes, event: Command | Refused) -> None:
    """A line was taken for the command that it is; and if it announces a chunk, that was not lost."""
    assert line.endswith(b"\n")
    if isinstance(event, Refused):
        if CHUNK.match(line) and event.verb is not Verb.RESPONSE and not event.closes:
            assert event.skip_octets == int(line.split()[1]), "a refused chunk is read as commands"
    else:
        assert line.endswith(b"\r\n")
        assert isinstance(event, AuthResponse) or event.verb.value.partition("_")[0].encode() == line.split()[0].upper()


def _check_rest(rest: bytes, last: Turn | None, chunk_size: int) -> None:
    """No whole command, body or chunk was left without an answer."""
    if last is not None and isinstance(last.event, Bdat):
        assert len(rest) < chunk_size
    elif last is not None and last.state is State.DATA:
        assert plain_decode(rest)[1] is None
    else:
        line, lf, chunk = rest.partition(b"\n")
        assert not lf or (CHUNK.match(line) and len(chunk) < int(line.split()[1]))


def _check_same(whole: Sequence[Turn], parts: Sequence[Turn]) -> None:
    """Both sessions went the same way, but where the cuts must matter: at a command that ends its group, and something
    behind it. Whoever saw both come together refused the command.
    """
    for one, other in zip(whole, parts, strict=False):
        if isinstance(one.event, Refused) and one.event.reply.text.startswith("wait for the reply") and one != other:
            return
        assert _comparable(one) == _comparable(other)
    assert len(whole) == len(parts)


def _comparable(turn: Turn) -> Turn:
    """How much of a faulty body was handed out before its fault was seen depends on the cuts."""
    faulty = isinstance(turn.event, BodyEnd | ChunkEnd) and turn.event.fault
    return Turn(turn.event, turn.replies, turn.state) if faulty else turn
