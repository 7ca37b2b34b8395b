"""A message as people read it: nothing it may contain keeps it from being shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.mail.showing import MAX_FIELDS, Part, shown

MIXED = (
    b"From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\r\n"
    b"Subject: two\r\n lines\r\n"
    b"MIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n'
    b"\r\n"
    b"--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\ncaf=E9\r\n"
    b"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>caf\xc3\xa9</p>\r\n"
    b"--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=notes.txt\r\n\r\nabc\r\n"
    b"--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECAw==\r\n"
    b"--b--\r\n"
)


def test_a_message_is_taken_apart() -> None:
    found = shown(MIXED)
    assert dict(found.header)["From"] == "Jürgen <j@example.org>"
    assert dict(found.header)["Subject"] == "two lines"
    assert (found.text, found.html) == ("café", "<p>café</p>")
    assert found.parts == (
        Part(name="notes.txt", media_type="text/plain", size_bytes=3),
        Part(name="", media_type="application/pdf", size_bytes=4),
    )


def test_a_message_without_mime_is_its_text() -> None:
    found = shown(b"Subject: x\r\n\r\nline\r\n")
    assert (found.text, found.html, found.parts) == ("line\r\n", None, ())


@pytest.mark.parametrize("charset", [b"no-such-charset", b"unicode_escape", b"", b"utf-16"])
def test_text_of_an_unknown_charset_is_shown_as_it_can_be(charset: bytes) -> None:
    found = shown(b"Content-Type: text/plain; charset=" + charset + b"\r\n\r\nline \\ud800\r\n")
    assert found.text is not None
    found.text.encode()


def test_a_header_is_cut_where_it_has_no_end() -> None:
    found = shown(b"A: " + b"x" * 10_000 + b"\r\n" + b"B: y\r\n" * 2 * MAX_FIELDS + b"\r\n")
    assert (len(found.header), len(found.header[0][1])) == (MAX_FIELDS, 4000)


_LINES = st.sampled_from(
    [
        *(
            b"Content-Type: multipart/mixed; boundary=b",
            b"Content-Type: text/html; charset=\xff",
            b"--b",
            b"--b--",
            b"",
        ),
        *(
            b"Content-Type: message/rfc822",
            b"Content-Transfer-Encoding: base64",
            b"Content-Transfer-Encoding: uuencode",
        ),
        *(b"Content-Disposition: attachment; filename*=x'y'%ff", b"Content-Disposition: a; filename*1*=x; filename*=z"),
        *(b"Subject: =?x?b?/w==?= =?utf-8?q?=ff?=", b"begin 644 x", b"=E9", b"////", b"Content-Type: ;;;"),
    ]
)


@given(st.lists(_LINES | st.binary(max_size=30)))
def test_nothing_that_a_message_is_made_of_fails(lines: list[bytes]) -> None:
    found = shown(b"\r\n".join(lines))
    for text in (
        *(value for _, value in found.header),
        found.text or "",
        found.html or "",
        *(one.name for one in found.parts),
    ):
        text.encode()
