"""Content as lines with their parts."""

from hypothesis import given
from hypothesis import strategies as st

from empath.mail.mime import Line, MimeLines, Place

PIECES = (
    *(
        "Subject: x\r\n",
        "Content-Type: multipart/mixed; boundary=b\r\n",
        'content-type: multipart/signed; boundary="c"\r\n',
    ),
    *("Content-Type: message/rfc822\r\n", "Content-Type: image/png\r\n", "Content-Transfer-Encoding: 8bit\r\n", "\r\n"),
    *("--b\r\n", "--b--\r\n", "--c  \r\n", "--c--\r\n", "--d\r\n", " folded\r\n", "text\r\n", "--b", "end"),
)
MESSAGES = st.lists(st.sampled_from(PIECES)).map(lambda pieces: "".join(pieces).encode())


def lines_of(content: bytes, size: int = 1 << 20) -> list[Line]:
    some = MimeLines()
    lines = [line for start in range(0, len(content), size) for line in some.feed(content[start : start + size])]
    lines += some.end()
    assert not some.fault
    return lines


def places(content: bytes) -> list[tuple[str, int]]:
    return [(line.place.name, line.part.number) for line in lines_of(content)]


@given(MESSAGES, st.integers(1, 40))
def test_the_lines_are_the_content_however_it_is_cut(content: bytes, size: int) -> None:
    whole = lines_of(content)
    assert b"".join(line.octets for line in whole) == content
    assert lines_of(content, size) == whole


def test_a_plain_message_is_one_part() -> None:
    assert places(b"Subject: x\r\n\r\none\r\n--two\r\n") == [("HEADER", 0), ("CONTENT", 0), ("CONTENT", 0)]


def test_parts_end_at_their_own_boundary_and_at_those_around_them() -> None:
    content = (
        b"Content-Type: multipart/mixed; boundary=outer\r\n\r\npreamble\r\n"
        b'--outer\r\nContent-Type: multipart/alternative;\r\n boundary="inner"\r\n\r\n'
        b"--inner\r\n\r\nfirst\r\n"
        b"--outer\r\n\r\nsecond\r\n"
        b"--outer--\r\nepilogue\r\n"
    )
    assert places(content) == [
        ("HEADER", 0),
        *(("BETWEEN", 0), ("BETWEEN", 0)),
        *(("HEADER", 1), ("BETWEEN", 1)),
        *(("HEADER", 2), ("CONTENT", 2), ("BETWEEN", 0)),
        *(("HEADER", 3), ("CONTENT", 3), ("BETWEEN", 0), ("BETWEEN", 0)),
    ]


def test_the_message_of_somebody_else_is_not_opened() -> None:
    content = b"Content-Type: message/rfc822\r\n\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n"
    lines = lines_of(content)
    assert {line.part.opaque for line in lines} == {"message/rfc822"}
    assert [line.place for line in lines[1:]] == [Place.CONTENT] * 5


def test_all_inside_what_is_signed_is_as_it_is() -> None:
    content = b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n"
    assert {line.part.opaque for line in lines_of(content)} == {"multipart/signed"}


def test_a_multipart_without_a_boundary_stands_for_its_octets() -> None:
    (_, body) = lines_of(b"Content-Type: multipart/mixed\r\n\r\nx\r\n")
    assert body.part.opaque


def test_what_is_beyond_a_bound_is_not_looked_at() -> None:
    for content in (
        b"A: " + b"x" * 200_000,
        b"A: x\r\n" * 30_000,
        b"".join(b"Content-Type: multipart/mixed; boundary=%d\r\n\r\n--%d\r\n" % (n, n) for n in range(60)),
    ):
        some = MimeLines()
        list(some.feed(content))
        assert list(some.end()) == []
        assert some.fault
