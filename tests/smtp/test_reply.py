"""Replies: what is written reads as what was meant, and what is no reply is an error for good."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.smtp import EnhancedCode, LocalProtocolError, RemoteProtocolError, Reply, ReplyClass
from empath.smtp.buffer import ReceiveBuffer
from empath.smtp.reply import ReplyReader
from tests.smtp.strategies import PRINTABLE, replies, sizes, soup, split

MAX_LINE, MAX_LINES = 512, 8


def read(segments: Iterable[bytes], *, max_line: int = MAX_LINE, max_lines: int = MAX_LINES) -> list[Reply]:
    """All replies of a stream; the RemoteProtocolError it ends with, if it does."""
    buffer, reader, found = ReceiveBuffer(), ReplyReader(max_lines), []
    for segment in segments:
        buffer.feed(segment)
        while (reply := reader.read(buffer, max_line)) is not None:
            found.append(reply)
    return found


# -- reading


@pytest.mark.parametrize(
    ("wire", "reply"),
    [
        (b"250 OK\r\n", Reply(250, "OK")),
        (b"250\r\n", Reply(250, "")),
        (b"250 \r\n", Reply(250, "")),
        (b"250-one\r\n250-\r\n250 three\r\n", Reply(250, ("one", "", "three"))),
        (b"250-one\r\n250\r\n", Reply(250, ("one", ""))),
        (b"550 5.1.1 no such user\r\n", Reply(550, "no such user", "5.1.1")),
        (b"550 5.1.1\r\n", Reply(550, "", "5.1.1")),
        (b"550-5.1.1 no\r\n550 5.1.1 user\r\n", Reply(550, ("no", "user"), "5.1.1")),
        (b"550-5.1.1 no\r\n550 user\r\n", Reply(550, ("no", "user"), "5.1.1")),
        (b"550-5.1.1 no\r\n550 5.1.10 user\r\n", Reply(550, ("no", "5.1.10 user"), "5.1.1")),
        (b"550 4.1.1 of another class\r\n", Reply(550, "4.1.1 of another class")),
        (b"250 2.0.00 no code\r\n", Reply(250, "2.0.00 no code")),
        (b"250 2.0.0.0\r\n", Reply(250, "2.0.0.0")),
        (b"354 3.0.0 go\r\n", Reply(354, "3.0.0 go")),
    ],
)
def test_reads_what_servers_send(wire: bytes, reply: Reply) -> None:
    assert read([wire]) == [reply]


@pytest.mark.parametrize(
    "wire",
    [
        b"\r\n",
        b"OK\r\n",
        b"25 OK\r\n",
        b"2500 OK\r\n",
        b"250OK\r\n",
        b"250\tOK\r\n",
        b" 250 OK\r\n",
        b"150 OK\r\n",
        b"650 OK\r\n",
        b"260 OK\r\n",
        b"250 OK\n",
        b"250 O\rK\r\n",
        b"250 O\0K\r\n",
        b"\xb2\xb5\xb0 OK\r\n",
        b"250-one\r\n251 two\r\n",
        b"250-one\r\ntwo\r\n",
    ],
)
def test_what_is_no_reply_is_an_error(wire: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match=r"not a reply|changes its code"):
        read([wire])


def test_a_line_over_the_limit_is_an_error_before_it_ends() -> None:
    assert read([b"250 " + b"x" * 6 + b"\r\n"], max_line=12) == [Reply(250, "xxxxxx")]
    with pytest.raises(RemoteProtocolError, match="longer than 12 octets"):
        read([b"250 " + b"x" * 9], max_line=12)


def test_more_lines_than_the_limit_are_an_error() -> None:
    assert len(read([b"250-x\r\n" * 2 + b"250 x\r\n"], max_lines=3)[0].lines) == 3
    with pytest.raises(RemoteProtocolError, match="more than 3 lines"):
        read([b"250-x\r\n" * 3], max_lines=3)


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        (b"caf\xc3\xa9", "café"),
        (b"a\tb", "a\tb"),
        (b"\x07bell", "\\x07bell"),
        (b"\x1b[2J", "\\x1b[2J"),
        (b"\xff", "\\xff"),
        (b"\xc2\x9b31m", "\\x9b31m"),
        (b"\xe2\x80\xa8line", "\\u2028line"),
        (b"\xe2\x80\xaetxt.exe", "\\u202etxt.exe"),
    ],
)
def test_what_could_steer_a_terminal_or_end_a_line_is_escaped(wire: bytes, text: str) -> None:
    assert read([b"250 " + wire + b"\r\n"]) == [Reply(250, text)]


@given(st.binary(max_size=30))
def test_no_text_of_a_peer_holds_what_is_not_printable(octets: bytes) -> None:
    text = octets.replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"")
    (reply,) = read([b"250 -" + text + b"\r\n"])
    assert reply.text.replace("\t", " ").isprintable()


def test_knows_whether_a_reply_is_half_read() -> None:
    buffer, reader = ReceiveBuffer(), ReplyReader(MAX_LINES)
    buffer.feed(b"250-one\r\n250 ")
    assert reader.read(buffer, MAX_LINE) is None
    assert reader.partial
    buffer.feed(b"two\r\n")
    assert reader.read(buffer, MAX_LINE) == Reply(250, ("one", "two"))
    assert not reader.partial


reply_soup = soup(
    b"250", b"251", b"-", b" ", b"2.0.0", b"x", b"\r\n", b"\r\n", b"\n", b"\r", b"250-a\r\n", b"250 b\r\n"
)


@given(reply_soup, sizes)
def test_replies_do_not_depend_on_segments(octets: bytes, lengths: list[int]) -> None:
    def outcome(segments: Iterable[bytes]) -> object:
        try:
            return read(segments, max_line=20, max_lines=3)
        except RemoteProtocolError as problem:
            return str(problem)

    assert outcome(split(octets, lengths)) == outcome([octets])


# -- writing


@given(replies(utf8=False), sizes)
def test_a_reply_reads_as_it_was_written(reply: Reply, lengths: list[int]) -> None:
    assert read(split(reply.encode(), lengths)) == [reply]


@given(replies(utf8=True), sizes)
def test_a_utf8_reply_reads_as_it_was_written(reply: Reply, lengths: list[int]) -> None:
    assert read(split(reply.encode(utf8=True), lengths)) == [reply]


@given(st.lists(replies(utf8=True), max_size=5))
def test_without_utf8_only_ascii_is_written(several: list[Reply]) -> None:
    wire = b"".join(reply.encode() for reply in several)
    assert wire.isascii()
    assert [reply.code for reply in read([wire])] == [reply.code for reply in several]


@given(
    st.text(PRINTABLE + "é例😀", max_size=300),
    st.none() | st.just("5.123.456"),
    st.integers(24, 80),
    st.booleans(),
)
def test_a_long_line_goes_on_in_further_lines_and_no_character_is_split(
    text: str, enhanced: str | None, limit: int, utf8: bool
) -> None:
    wire = Reply(550, f"-{text}", enhanced).encode(utf8=utf8, limit=limit)
    assert max(map(len, wire.splitlines(keepends=True))) <= limit
    (reply,) = read([wire], max_line=limit, max_lines=1000)
    assert reply.enhanced == (EnhancedCode.parse(enhanced) if enhanced else None)
    shown = text if utf8 else text.encode("ascii", "backslashreplace").decode("ascii")
    assert "".join(reply.lines) == f"-{shown}"


def test_a_line_is_folded_before_a_character_that_does_not_fit_in_whole() -> None:
    assert Reply(250, "aaa😀😀").encode(utf8=True, limit=16) == "250-aaa😀\r\n250 😀\r\n".encode()


def test_a_limit_that_has_no_room_for_text_is_refused() -> None:
    with pytest.raises(LocalProtocolError, match="no room"):
        Reply(550, "no such user", "5.1.1").encode(limit=12)


@pytest.mark.parametrize("text", ["a\r\nb", "a\nb", "a\rb", "\0", "\x1b[2J", "\x7f", "\u2028", "\ud800"])
def test_a_text_that_cannot_be_sent_is_refused(text: str) -> None:
    with pytest.raises(LocalProtocolError, match="cannot be sent"):
        Reply(250, ("fine", text)).encode(utf8=True)


@pytest.mark.parametrize("code", [0, 99, 199, 260, 299, 560, 600, 2500])
def test_a_code_outside_the_grammar_is_refused(code: int) -> None:
    with pytest.raises(LocalProtocolError, match="not a reply code"):
        Reply(code).encode()


def test_a_reply_without_lines_has_one_empty_line() -> None:
    assert Reply(250, ()).encode() == b"250 \r\n"
    assert Reply(250, "", "2.0.0").encode() == b"250 2.0.0 \r\n"


# -- the value


@pytest.mark.parametrize(
    ("code", "kind", "positive"),
    [
        (220, ReplyClass.POSITIVE, True),
        (250, ReplyClass.POSITIVE, True),
        (334, ReplyClass.INTERMEDIATE, False),
        (450, ReplyClass.TRANSIENT, False),
        (421, ReplyClass.CLOSING, False),
        (554, ReplyClass.PERMANENT, False),
    ],
)
def test_the_code_says_what_the_reply_does(code: int, kind: ReplyClass, positive: bool) -> None:
    reply = Reply(code)
    assert (reply.kind, reply.positive) == (kind, positive)


def test_is_readable_as_one_line() -> None:
    assert str(Reply(550, ("no such", "user"), "5.1.1")) == "550 5.1.1 no such user"
    assert str(Reply(250, "OK")) == "250 OK"


@pytest.mark.parametrize("text", ["5.1.1", "2.0.0", "4.999.999"])
def test_an_enhanced_code_reads_as_it_is_written(text: str) -> None:
    assert str(EnhancedCode.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "5", "5.1", "3.0.0", "5.1.1.1", "5.01.1", "5.1.1000", "5.1.1 ", "5.1.1 x", "5.1.٣"]
)
def test_another_text_is_no_enhanced_code(text: str) -> None:
    with pytest.raises(ValueError, match="not an enhanced status code"):
        EnhancedCode.parse(text)
