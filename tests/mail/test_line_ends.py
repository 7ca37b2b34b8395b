"""Line ends of files become those of mail, wherever the blocks are cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.mail.line_ends import LineEnds

TEXT = st.text(alphabet="ab\né", max_size=40).map(str.encode)


def converted(blocks: list[bytes]) -> bytes:
    lines = LineEnds()
    return b"".join([*map(lines.feed, blocks), lines.end()])


@given(TEXT, st.lists(st.integers(0, 60), max_size=4), st.booleans())
def test_the_cuts_make_no_difference(text: bytes, cuts: list[int], has_crlf: bool) -> None:
    text = text.replace(b"\n", b"\r\n") if has_crlf else text
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    blocks = [text[start:end] for start, end in pairwise(places)]
    whole = converted([text])
    assert converted(blocks) == whole
    assert b"\n" not in whole.replace(b"\r\n", b"")
    assert not whole or whole.endswith(b"\r\n")


@pytest.mark.parametrize("text", [b"a\rb", b"a\0b", b"a\r", b"\r\r\n"])
def test_what_cannot_be_carried_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="it "):
        converted([text[:1], text[1:]])


def test_it_knows_the_longest_line_and_whether_all_is_ascii() -> None:
    lines = LineEnds()
    lines.feed(b"ab\ncde")
    lines.feed(b"fg\nh")
    assert (lines.longest, lines.is_ascii) == (5, True)
    lines.feed("é".encode())
    assert not lines.is_ascii
