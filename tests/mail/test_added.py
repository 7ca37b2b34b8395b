import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.mail import headers
from empath.mail.added import written


def test_a_field_is_written_with_its_line_end() -> None:
    assert written("X-Spam", "Yes") == b"X-Spam: Yes\r\n"


@pytest.mark.parametrize("value", ["one\n\ttwo", "one\r\n\ttwo"])
def test_a_value_of_several_lines_stays_folded(value: str) -> None:
    assert written("X-Tests", value) == b"X-Tests: one\r\n\ttwo\r\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("", "x"),
        ("X Spam", "x"),
        ("X:", "x"),
        ("Fällig", "x"),
        ("X", "a\nB: c"),
        ("X", "a\r\n\r\nbody"),
        ("X", "a\n \n b"),
        ("X", "a\rb"),
        ("X", "a\0"),
        ("X", "ü"),
        ("X", "\x85"),
        ("X", "x" * 999),
        ("X", "a\n\t" + "x" * 998),
    ],
)
def test_what_would_not_be_one_field_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"header field|printable|longer"):
        written(name, value)


@given(st.text(max_size=30), st.text(max_size=200))
def test_what_is_written_is_exactly_one_field(name: str, value: str) -> None:
    try:
        octets = written(name, value)
    except ValueError:
        return
    section, body = headers.split(octets + b"\r\nbody")
    assert (section, body) == (octets, b"body")
    (field,) = headers.fields(section)
    assert field.name == name.lower().encode()
