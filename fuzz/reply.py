"""Replies: the client's reader against the plainest one, and the encoder, which must be its inverse."""

import re
from collections.abc import Iterable

from empath.smtp import EnhancedCode, RemoteProtocolError, Reply
from empath.smtp.buffer import ReceiveBuffer
from empath.smtp.reply import ReplyReader
from fuzz.cuts import cut

MAX_LINE = 64
MAX_LINES = 4
FOLD = 40


def fuzz(data: bytes) -> None:
    """A stream is read as the replies it holds up to the first fault, and what is read is written and read again.

    Anything that is no reply is a RemoteProtocolError. The octets: a seed of the cuts, then the stream.
    """
    seed, stream = data[0] if data else 0, data[1:]
    replies, broken = read([stream], MAX_LINE, MAX_LINES)
    assert (replies, broken) == read(cut(stream, seed), MAX_LINE, MAX_LINES)
    assert ([(reply.code, len(reply.lines)) for reply in replies], broken) == plain_read(stream, MAX_LINE, MAX_LINES)
    for reply in replies:
        _check_text(reply)
        _check_encoding(reply)


def read(segments: Iterable[bytes], max_line: int, max_lines: int) -> tuple[list[Reply], bool]:
    """The replies in the segments, and whether a RemoteProtocolError ended the reading."""
    reader, buffer, replies = ReplyReader(max_lines), ReceiveBuffer(), []
    for segment in segments:
        buffer.feed(segment)
        try:
            while (reply := reader.read(buffer, max_line)) is not None:
                replies.append(reply)
        except RemoteProtocolError as problem:
            _check_reason(problem)
            return replies, True
        assert len(buffer) <= max_line
    return replies, False


def plain_read(stream: bytes, max_line: int, max_lines: int) -> tuple[list[tuple[int, int]], bool]:
    """Code and number of lines of each reply in ``stream``, and whether something stands there that is no reply."""
    replies: list[tuple[int, int]] = []
    code, count = b"", 0
    *lines, rest = stream.split(b"\n")
    for line in lines:
        if len(line) + 1 > max_line or line[-1:] != b"\r" or b"\r" in line[:-1] or b"\0" in line:
            return replies, True
        if re.match(rb"[2-5][0-5][0-9][ \r-]", line) is None or (count and line[:3] != code):
            return replies, True
        code, count = line[:3], count + 1
        if line[3:4] != b"-":
            replies.append((int(code), count))
            count = 0
        elif count == max_lines:
            return replies, True
    return replies, len(rest) > max_line


def _check_reason(problem: RemoteProtocolError) -> None:
    assert str(problem).isprintable(), "a reason goes into logs"


def _check_text(reply: Reply) -> None:
    """Nothing in a text can end a line or steer a terminal, and an enhanced code agrees with the code."""
    assert all(line.replace("\t", " ").isprintable() for line in reply.lines)
    assert reply.enhanced is None or reply.enhanced.kind == reply.code // 100
    assert reply.enhanced is None or EnhancedCode.parse(str(reply.enhanced)) == reply.enhanced


def _check_encoding(reply: Reply) -> None:
    assert _again(reply.encode(utf8=True, limit=4096)) == reply
    plain = reply.encode(limit=4096)
    assert plain.isascii()
    assert _again(plain).encode(limit=4096) == plain
    folded = reply.encode(utf8=True, limit=FOLD)
    assert all(len(line) <= FOLD for line in folded.splitlines(keepends=True))
    assert "".join(_again(folded).lines) == "".join(reply.lines)


def _again(wire: bytes) -> Reply:
    replies, broken = read([wire], 4096, 4096)
    assert len(replies) == 1
    assert not broken
    return replies[0]
