"""xtext and the UTF-8 address forms: decoding undoes encoding, and nothing dangerous comes out of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.smtp import xtext
from tests.smtp.strategies import PRINTABLE, soup

printable_text = st.text(
    st.characters(max_codepoint=0x1FFFF, exclude_categories=["Cs"]).filter(str.isprintable), min_size=1
)


@given(st.text(PRINTABLE))
def test_xtext_decodes_to_what_was_encoded(text: str) -> None:
    assert xtext.decode(xtext.encode(text.encode())).decode() == text


@given(st.binary())
def test_xtext_is_visible_ascii_whatever_it_holds(octets: bytes) -> None:
    wire = xtext.encode(octets)
    assert all(0x21 <= octet <= 0x7E and octet != 0x3D for octet in wire)


@given(soup(b"+", b"+4", b"+41", b"+2B", b"+0A", b"+C3", b"A", b"=", b" ", b"\xff", b"\n"))
def test_nothing_but_printable_ascii_comes_out_of_xtext(octets: bytes) -> None:
    try:
        plain = xtext.decode(octets)
    except ValueError:
        return
    assert all(0x20 <= octet <= 0x7E for octet in plain)
    assert xtext.decode(xtext.encode(plain)) == plain


@pytest.mark.parametrize("text", [b"+", b"+4", b"+4g", b"+4a", b"a=b", b"a b", b"caf\xc3\xa9", b"\0", b"a\r\n"])
def test_what_is_not_xtext_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="not xtext"):
        xtext.decode(text)


@pytest.mark.parametrize("text", [b"+0D+0A", b"+00", b"+7F", b"+C3+A9"])
def test_xtext_that_hides_control_or_other_characters_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="hides a character"):
        xtext.decode(text)


@given(printable_text)
def test_a_utf8_address_decodes_to_what_was_encoded(text: str) -> None:
    wire = xtext.encode_address(text)
    assert wire.isascii()
    assert xtext.decode_address(wire) == text


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        (b"ann@b\\x{FC}cher.example", "ann@bücher.example"),
        ("ann@bücher.example".encode(), "ann@bücher.example"),
        (b"\\x{1F600}@x", "😀@x"),
        (b"a\\x{2B}b", "a+b"),
        (b"\\x{5C}", "\\"),
        (b"a\\x{20}b", "a b"),
    ],
)
def test_both_forms_of_a_utf8_address_are_read(wire: bytes, text: str) -> None:
    assert xtext.decode_address(wire) == text


@pytest.mark.parametrize("wire", [b"", b"a+b", b"a=b", b"a b", b"\\", b"\\x{}", b"\\x{fc}", b"\\x{1234567}", b"\xff"])
def test_what_is_neither_form_is_refused(wire: bytes) -> None:
    with pytest.raises(ValueError, match=r"neither|decode"):
        xtext.decode_address(wire)


@pytest.mark.parametrize(
    "wire", [b"\\x{0A}", b"\\x{00}", b"\\x{D800}", b"\\x{2028}", b"\\x{FFFFFF}", "\u202e".encode()]
)
def test_a_utf8_address_that_hides_what_is_not_printable_is_refused(wire: bytes) -> None:
    with pytest.raises(ValueError, match=r"hides|range"):
        xtext.decode_address(wire)
