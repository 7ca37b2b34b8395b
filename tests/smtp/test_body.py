"""Bodies: the decoder agrees with the definition of a body however it is cut, and decoding undoes encoding."""

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.smtp import BodyFault, LocalProtocolError
from empath.smtp.body import ChunkReader, DataDecoder, DataEncoder, LineRules
from empath.smtp.buffer import ReceiveBuffer
from tests.smtp.counting import CountingBytes
from tests.smtp.strategies import contents, sizes, soup, split, wire_soup

MAX_LINE, MAX_SIZE = 10, 40


def faults_of(content: bytes, max_line: int = MAX_LINE, max_size: int | None = MAX_SIZE) -> BodyFault:
    """What is wrong with a whole body, straight from the definitions."""
    fault = BodyFault.NONE
    pairs = content.count(b"\r\n")
    if content.count(b"\r") != pairs:
        fault |= BodyFault.LONE_CR
    if content.count(b"\n") != pairs:
        fault |= BodyFault.LONE_LF
    if b"\0" in content:
        fault |= BodyFault.NUL
    # A CR at the very end belongs to no line yet: it may be half of a line end.
    if any(len(line) + 2 > max_line for line in content.removesuffix(b"\r").split(b"\r\n")):
        fault |= BodyFault.LONG_LINE
    if max_size is not None and len(content) > max_size:
        fault |= BodyFault.TOO_BIG
    return fault


def body_of(wire: bytes) -> tuple[bytes, bytes] | None:
    """The body after DATA and what follows it, straight from RFC 5321 4.1.1.4 and 4.5.2; None: it has not ended."""
    lines = b"\r\n" + wire
    end = lines.find(b"\r\n.\r\n")
    if end < 0:
        return None
    return lines[: end + 2].replace(b"\r\n.", b"\r\n")[2:], lines[end + 5 :]


def decode(
    segments: Iterable[bytes], max_line: int = MAX_LINE, max_size: int | None = MAX_SIZE
) -> tuple[bytes, BodyFault, bytes, bool]:
    """Content, faults, octets left over, and whether the body has ended."""
    buffer, decoder, content = ReceiveBuffer(), DataDecoder(max_line, max_size), b""
    for segment in segments:
        buffer.feed(segment)
        if not decoder.ended:
            content += decoder.read(buffer)
    return content, decoder.fault, bytes(buffer.data), decoder.ended


# -- the line rules


@given(st.lists(wire_soup))
def test_the_line_rules_agree_with_their_definition_however_a_body_is_cut(blocks: list[bytes]) -> None:
    rules = LineRules(MAX_LINE, MAX_SIZE)
    for block in blocks:
        rules.check(block)
    rules.finish()
    content = b"".join(blocks)
    assert rules.fault == faults_of(content)
    assert rules.size_octets == len(content)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", BodyFault.NONE),
        (b"12345678\r\n", BodyFault.NONE),
        (b"12345678", BodyFault.NONE),
        (b"123456789\r\n", BodyFault.LONG_LINE),
        (b"123456789", BodyFault.LONG_LINE),
        (b"12345678\r\n12345678\r\n12345678\r\n12345678\r\n", BodyFault.NONE),
        (b"12345678\r\n12345678\r\n12345678\r\n12345678\r\n1", BodyFault.TOO_BIG),
        (b"a\r\n123456789\r\nb\r\n", BodyFault.LONG_LINE),
        (b"a\nb\r\n", BodyFault.LONE_LF),
        (b"a\rb\r\n", BodyFault.LONE_CR),
        (b"a\r\r\n", BodyFault.LONE_CR),
        (b"a\r\n\r", BodyFault.LONE_CR),
        (b"\n\r", BodyFault.LONE_CR | BodyFault.LONE_LF),
        (b"a\0b\r\n", BodyFault.NUL),
    ],
)
def test_a_cr_or_lf_alone_and_a_long_line_and_a_big_body_are_faults(content: bytes, fault: BodyFault) -> None:
    for lengths in ([1], [2], [3], [100]):
        rules = LineRules(MAX_LINE, MAX_SIZE)
        for block in split(content, lengths):
            rules.check(block)
        rules.finish()
        assert rules.fault == fault


def test_a_cr_is_known_to_stand_alone_once_the_next_octet_has_come() -> None:
    rules = LineRules(64, None)
    rules.check(b"\r")
    assert not rules.fault
    rules.check(b"\r")  # its line feed may come yet; that of the first one cannot
    assert rules.fault == BodyFault.LONE_CR


def test_without_a_limit_no_body_is_too_big() -> None:
    rules = LineRules(MAX_LINE, None)
    rules.check(b"a\r\n" * 10_000)
    assert rules.fault is BodyFault.NONE


# -- DATA


@given(wire_soup, sizes)
def test_the_decoder_agrees_with_the_definition_however_the_wire_is_cut(wire: bytes, lengths: list[int]) -> None:
    expected = body_of(wire)
    content, fault, rest, ended = decode(split(wire, lengths))
    assert ended == (expected is not None)
    if expected is not None:
        assert (content, rest, fault) == (*expected, faults_of(expected[0]))


@given(wire_soup, sizes)
def test_an_unfinished_body_reads_the_same_however_it_is_cut(wire: bytes, lengths: list[int]) -> None:
    whole = decode([wire])
    in_parts = decode(split(wire, lengths))
    assert in_parts[3] == whole[3]
    if not in_parts[1] and not whole[1]:
        assert in_parts == whole


@given(st.lists(contents, max_size=4).map(b"".join), sizes, sizes)
def test_a_body_is_decoded_to_what_was_encoded(content: bytes, written: list[int], read: list[int]) -> None:
    encoder = DataEncoder()
    wire = b"".join(map(encoder.encode, split(content, written))) + encoder.finish()
    end = b"" if content.endswith(b"\r\n") or not content else b"\r\n"
    assert decode(split(wire + b"QUIT\r\n", read), 1000, None)[:2] == (content + end, BodyFault.NONE)
    assert body_of(wire) == (content + end, b"")


@given(st.lists(contents, max_size=4).map(b"".join), sizes)
def test_the_wire_does_not_depend_on_how_the_content_was_cut(content: bytes, lengths: list[int]) -> None:
    whole, in_parts = DataEncoder(), DataEncoder()
    expected = whole.encode(content) + whole.finish()
    assert b"".join(map(in_parts.encode, split(content, lengths))) + in_parts.finish() == expected


@pytest.mark.parametrize(
    ("content", "wire"),
    [
        (b"", b".\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b".", b"..\r\n.\r\n"),
        (b".\r\n", b"..\r\n.\r\n"),
        (b"..\r\n", b"...\r\n.\r\n"),
        (b"\r\n", b"\r\n.\r\n"),
        (b"a.b\r\n.c", b"a.b\r\n..c\r\n.\r\n"),
        (b"\r\n.\r\n.\r\n", b"\r\n..\r\n..\r\n.\r\n"),
    ],
)
def test_a_dot_at_the_start_of_a_line_is_doubled(content: bytes, wire: bytes) -> None:
    for lengths in ([1], [2], [100]):
        encoder = DataEncoder()
        assert b"".join(map(encoder.encode, split(content, lengths))) + encoder.finish() == wire


def test_content_without_a_leading_dot_is_not_copied() -> None:
    content = b"a line\r\n" * 1000
    assert DataEncoder().encode(content) is content


def test_a_body_that_ends_in_a_lone_cr_is_not_ended() -> None:
    encoder = DataEncoder()
    assert encoder.encode(b"a\r") == b"a"
    with pytest.raises(LocalProtocolError, match="lone CR"):
        encoder.finish()


# reliability of the end of data: only CRLF "." CRLF is one
_OTHER_ENDS = [
    *(
        b"\n.\n",
        b"\n.\r",
        b"\r.\n",
        b"\r.\r",
        b"\n.\r\n",
        b"\r.\r\n",
        b"\r\n.\n",
        b"\r\n.\r",
        b"\r\n.\r\r\n",
        b"\r\r\n.\r\r\n",
    ),
    *(b"\r\n\0.\r\n", b"\r\n.\0\r\n", b"\n\n.\r\n", b"\r\n.\n\r\n"),
]


@pytest.mark.parametrize("other", _OTHER_ENDS)
@pytest.mark.parametrize("lengths", [[1], [2], [3], [5], [100]])
def test_nothing_but_a_dot_between_two_crlf_ends_a_body(other: bytes, lengths: Sequence[int]) -> None:
    wire = b"first" + other + b"MAIL FROM:<evil@example.org>\r\n"
    content, _, rest, ended = decode(split(wire, lengths), 1000, None)
    assert not ended
    assert not rest or b"MAIL" not in rest
    content, fault, rest, ended = decode(split(wire + b".\r\nnext", lengths), 1000, None)
    assert ended
    assert rest == b"next"
    assert b"MAIL FROM:<evil@example.org>\r\n" in content
    assert fault


def test_a_body_of_lines_is_searched_once_even_octet_by_octet() -> None:
    buffer, octets = ReceiveBuffer(), CountingBytes()
    buffer.data = octets
    decoder = DataDecoder(MAX_LINE, None)
    wire = b"..a\r\nbb\r\n" * 300 + b"c" * 2000 + b"\r\n.\r\n"
    for segment in split(wire, [1]):
        buffer.feed(segment)
        decoder.read(buffer)
    assert decoder.ended
    assert octets.looked_at <= 5 * len(wire)


def test_a_decoder_keeps_no_more_than_the_octets_that_may_be_the_end() -> None:
    buffer, decoder = ReceiveBuffer(), DataDecoder(MAX_LINE, MAX_SIZE)
    for segment in split(b"a\r\n.\r\r\n.b\r\n" * 50 + b"x" * 500, [3]):
        buffer.feed(segment)
        decoder.read(buffer)
        assert len(buffer) <= 4


def test_counts_what_it_has_decoded() -> None:
    decoder = DataDecoder(MAX_LINE, MAX_SIZE)
    buffer = ReceiveBuffer()
    buffer.feed(b"..a\r\n")
    decoder.read(buffer)
    assert decoder.size_octets == len(b".a\r\n")


# -- BDAT


def read_chunks(
    chunks: Sequence[bytes], lengths: Sequence[int], discarded: frozenset[int] = frozenset()
) -> tuple[bytes, BodyFault, bytes]:
    """Content, faults and what is left over, of chunks and one command behind them."""
    buffer, reader, content, segments = (
        ReceiveBuffer(),
        ChunkReader(MAX_LINE, MAX_SIZE),
        b"",
        split(b"".join(chunks), lengths),
    )
    fault = BodyFault.NONE
    for number, chunk in enumerate(chunks):
        reader.begin(len(chunk), discarding=number in discarded)
        content += reader.read(buffer)
        while not reader.ended:
            buffer.feed(next(segments))
            content += reader.read(buffer)
        fault = reader.finish(last=number == len(chunks) - 1)
    return content, fault, bytes(buffer.data) + b"".join(segments)


@given(st.lists(soup(b"\r", b"\n", b"\r\n", b"a", b"aaaaaa", b".", max_size=12), min_size=1, max_size=5), sizes)
def test_chunks_are_counted_to_the_octet_and_judged_as_one_body(chunks: list[bytes], lengths: list[int]) -> None:
    content, fault, rest = read_chunks(chunks, lengths)
    whole = b"".join(chunks)
    assert rest == b""
    assert fault == faults_of(whole)
    assert fault or content == whole


@given(st.lists(contents, min_size=2, max_size=5), sizes)
def test_a_discarded_chunk_is_read_to_the_octet_and_leaves_no_trace(chunks: list[bytes], lengths: list[int]) -> None:
    content, fault, rest = read_chunks([b"\n\r", *chunks], lengths, frozenset({0}))
    assert (fault, rest) == (faults_of(b"".join(chunks)), b"")
    assert fault or content == b"".join(chunks)


def test_a_line_end_may_be_cut_by_the_end_of_a_chunk() -> None:
    assert read_chunks([b"a\r", b"\nb\r\n"], [100]) == (b"a\r\nb\r\n", BodyFault.NONE, b"")
    assert read_chunks([b"a\r", b"b\r\n"], [100])[1] == BodyFault.LONE_CR
    assert read_chunks([b"a\r", b""], [100])[1] == BodyFault.LONE_CR


def test_a_dot_means_nothing_in_a_chunk() -> None:
    assert read_chunks([b".\r\n", b"..\r\n.\r\n"], [1])[0] == b".\r\n..\r\n.\r\n"
