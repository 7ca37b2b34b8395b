"""How the client writes a body: what breaks the line rules is never written to its end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.smtp import BodyFault, LocalProtocolError
from empath.smtp.body import LineRules
from empath.smtp.writing import BodyWriter
from tests.smtp.strategies import sizes, soup, split


def writer(*, last: bool = False, chunk: int | None = None) -> BodyWriter:
    """A writer with checks; with a chunk announced or none."""
    made = BodyWriter(LineRules(20, None))
    if chunk is not None:
        made.begin_chunk(chunk, last=last)
    return made


body_soup = soup(b"\r", b"\n", b"\r\n", b"a", b"a" * 9, b".", max_size=12)


def clean(content: bytes) -> bool:
    """Whether a body keeps to the line rules."""
    rules = LineRules(20, None)
    rules.check(content)
    rules.finish()
    return rules.fault is BodyFault.NONE


@given(body_soup, sizes)
def test_a_body_is_written_to_its_dot_if_it_keeps_to_the_line_rules_and_otherwise_not(
    content: bytes, lengths: list[int]
) -> None:
    body = writer()
    try:
        for piece in split(content, lengths):
            body.write_data(piece)
        body.finish_data()
    except LocalProtocolError:
        assert not clean(content)
    else:
        assert clean(content)


@given(st.lists(body_soup, min_size=1, max_size=4), sizes)
def test_the_last_chunk_is_written_if_the_body_keeps_to_the_line_rules_and_otherwise_not(
    chunks: list[bytes], lengths: list[int]
) -> None:
    body, content, wire = writer(), b"".join(chunks), b""
    try:
        for number, chunk in enumerate(chunks):
            body.begin_chunk(len(chunk), last=number == len(chunks) - 1)
            wire += b"".join(body.write_chunk(piece) for piece in split(chunk, lengths))
            assert body.chunk_left == 0
    except LocalProtocolError:
        assert not clean(content)
    else:
        assert clean(content)
        assert wire == content


def test_a_lone_cr_is_not_ended_by_an_empty_last_chunk() -> None:
    body = writer(chunk=2)
    body.write_chunk(b"a\r")
    with pytest.raises(LocalProtocolError, match="LONE_CR"):
        body.begin_chunk(0, last=True)


def test_a_chunk_is_as_long_as_announced() -> None:
    body = writer(chunk=3)
    with pytest.raises(LocalProtocolError, match="4 octets are more than the 3 left"):
        body.write_chunk(b"abcd")
    assert body.write_chunk(b"ab") == b"ab"
    assert body.chunk_left == 1
    assert body.write_chunk(b"c") == b"c"


def test_what_was_checked_before_is_written_as_it_is() -> None:
    body = BodyWriter(None)
    assert body.write_data(b"a\n.") + body.finish_data() == b"a\n.\r\n.\r\n"
    body.begin_chunk(2, last=True)
    assert body.write_chunk(b"\n\r") == b"\n\r"
