"""Foreign text in messages of ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.mail.quoting import MAX_CHARACTERS, plain, wrap

NASTY = st.text(st.characters() | st.sampled_from("\r\n\t\x00\x1b\u2028\u202e\udcff "))


@given(NASTY, st.booleans())
def test_what_comes_out_is_one_harmless_line(text: str, utf8: bool) -> None:
    line = plain(text, utf8=utf8)
    assert line.isprintable()
    assert utf8 or line.isascii()
    line.encode()


def test_an_endless_answer_is_cut() -> None:
    assert len(plain("x" * 100_000, utf8=True)) == MAX_CHARACTERS


@given(NASTY)
def test_every_line_is_short_and_begins_with_its_indent(text: str) -> None:
    first, *rest = wrap(f"Field: {plain(text, utf8=True)}", "", " ")
    assert first.startswith("Field:")
    assert all(line.startswith(" ") and line.strip() for line in rest)
    assert all(len(line.encode()) <= 998 for line in (first, *rest))


@pytest.mark.parametrize("text", ["", "   "])
def test_nothing_is_a_line_all_the_same(text: str) -> None:
    assert wrap(text, "  ") == ["  "]
