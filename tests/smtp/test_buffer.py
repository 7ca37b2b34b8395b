"""The receive buffer: linear in what comes, bounded by what it was told, blind to segments."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from empath.smtp.buffer import HEAD_OCTETS, ReceiveBuffer
from tests.smtp.counting import CountingBytes
from tests.smtp.strategies import sizes, soup, split

LIMIT = 8
line_soup = soup(b"\r\n", b"\n", b"\r", b"a", b"abcdef", b"abcdefghijkl", b"\0")


def lines_of(segments: Iterable[bytes]) -> tuple[list[tuple[bytes, bool]], bytes]:
    """Every line with whether it was over the limit, and what waits for its end."""
    buffer, lines = ReceiveBuffer(), []
    for segment in segments:
        buffer.feed(segment)
        while (line := buffer.line(LIMIT)) is not None:
            lines.append((line, buffer.truncated))
            buffer.truncated = False
    return lines, b"" if buffer.truncated else bytes(buffer.data)


def test_a_line_comes_out_as_it_went_in() -> None:
    assert lines_of([b"one\r\ntwo\nrest"]) == ([(b"one\r\n", False), (b"two\n", False)], b"rest")


def test_a_line_of_exactly_the_limit_is_whole() -> None:
    assert lines_of([b"123456\r\n"]) == ([(b"123456\r\n", False)], b"")


def test_of_a_line_over_the_limit_only_its_beginning_and_its_end_are_kept() -> None:
    found = lines_of([b"12345678abcdef\r\n12345678abcdef\nok\r\n"])[0]
    assert found == [(b"12345678\r\n", True), (b"12345678f\n", True), (b"ok\r\n", False)]


@given(line_soup, sizes)
def test_lines_do_not_depend_on_segments(octets: bytes, lengths: list[int]) -> None:
    assert lines_of(split(octets, lengths)) == lines_of([octets])


@given(line_soup)
def test_lines_agree_with_their_definition(octets: bytes) -> None:
    *whole, rest = octets.split(b"\n")
    lines = [line + b"\n" for line in whole]
    expected = [
        (line, False) if len(line) <= LIMIT else (line[:HEAD_OCTETS] + line[max(HEAD_OCTETS, len(line) - 2) :], True)
        for line in lines
    ]
    assert lines_of([octets]) == (expected, rest if len(rest) <= LIMIT else b"")


@given(st.binary(max_size=20), st.integers(0, 30))
def test_take_removes_from_the_front(octets: bytes, count: int) -> None:
    buffer = ReceiveBuffer()
    buffer.feed(octets)
    assert buffer.take(count) == octets[:count]
    assert bytes(buffer.data) == octets[count:]
    assert len(buffer) == len(octets[count:])


def test_a_search_that_take_interrupts_starts_anew() -> None:
    buffer = ReceiveBuffer()
    buffer.feed(b"abcd")
    assert buffer.line(LIMIT) is None
    buffer.take(2)
    buffer.feed(b"\r\n")
    assert buffer.line(LIMIT) == b"cd\r\n"


def test_clear_forgets_a_line_in_the_making() -> None:
    buffer = ReceiveBuffer()
    buffer.feed(b"x" * 20)
    assert buffer.line(LIMIT) is None
    buffer.clear()
    assert not buffer
    buffer.feed(b"new\r\n")
    assert (buffer.line(LIMIT), buffer.truncated) == (b"new\r\n", False)


def test_an_endless_line_is_held_no_longer_than_the_limit_and_one_segment() -> None:
    buffer, most = ReceiveBuffer(), 0
    for _ in range(1000):
        buffer.feed(b"x" * 64)
        most = max(most, len(buffer))
        assert buffer.line(1000) is None
    assert most <= 1000 + 64


def test_a_line_that_comes_octet_by_octet_is_searched_once() -> None:
    buffer, octets = ReceiveBuffer(), CountingBytes()
    buffer.data = octets
    for _ in range(5000):
        buffer.feed(b"x")
        assert buffer.line(10_000) is None
    buffer.feed(b"\n")
    assert buffer.line(10_000) is not None
    assert octets.looked_at == 5001


def test_many_lines_in_one_segment_are_searched_once() -> None:
    buffer, octets = ReceiveBuffer(), CountingBytes()
    buffer.data = octets
    buffer.feed(b"NOOP\r\n" * 1000)
    while buffer.line(512):
        pass
    assert octets.looked_at == 6000
