"""What a record says of a message, whatever the message is like."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.capture.record import Captured, Head, decode, encode

RECORD = Captured(
    number=17,
    time=datetime(2025, 11, 10, 12, tzinfo=UTC),
    hello="relay.example.org",
    sender=None,
    recipients=("ann@example.org", "jörg@example.org"),
    size_bytes=42,
    subject="Grüße",
    mid="6911c5b5-2a",
)


def test_a_record_comes_back_from_its_json_as_it_was() -> None:
    assert decode(encode(RECORD)) == RECORD


def test_the_json_form_is_one_object_in_one_line_that_names_its_schema() -> None:
    text = encode(RECORD)
    assert text.startswith(b'{"schema":"empath.captured/1","number":17,"time":"2025-11-10T12:00:00Z",')
    assert text.count(b"\n") == 1


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"number":"x"}'])
def test_what_is_no_record_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(text)


@pytest.mark.parametrize(
    ("field", "subject"),
    [
        (b"Subject: Hello", "Hello"),
        (b"subject: two\r\n lines", "two lines"),
        (b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("Subject: Grüße".encode(), "Grüße"),
        (b"Subject: =?no-such-charset?q?x?=", "=?no-such-charset?q?x?="),
        (b"Subject: =?unicode_escape?q?=5Cud800?=", "?"),
        (b"Subject: " + b"x" * 1000, "x" * 500),
        (b"To: ann@example.org", ""),
    ],
)
def test_the_subject_is_decoded_into_one_short_line(field: bytes, subject: str) -> None:
    assert Head.read(b"To: x@example.org\r\n" + field + b"\r\n\r\nSubject: no header").subject == subject


@pytest.mark.parametrize(
    ("received", "mid"),
    [
        (b"from a by b with ESMTP id 6911c5b5-2a; Mon, 10 Nov 2025 12:00:00 +0000", "6911c5b5-2a"),
        (b"from a (id wrong) by b\r\n\tid 6911c5b5-2a\r\n\tfor <ann@example.org>; Mon", "6911c5b5-2a"),
        (b"from a by b; id 6911c5b5-2a", None),
        (b"from a by b with ESMTP id of-another-program; Mon", None),
        (b"from a by b; Mon", None),
    ],
)
def test_the_id_is_that_of_the_empath_that_sent_the_message(received: bytes, mid: str | None) -> None:
    below = b"Received: from elsewhere by a id 6911c5b5-2b; Sun\r\n"
    assert Head.read(b"Received: " + received + b"\r\n" + below + b"\r\n").mid == mid


@given(st.binary(max_size=300), st.sampled_from([b"", b"Subject: ", b"Subject: =?utf-8?b?", b"Received: by x id "]))
def test_any_octets_have_a_record(octets: bytes, opening: bytes) -> None:
    head = Head.read(opening + octets)
    record = Captured(
        number=1,
        time=RECORD.time,
        hello="x",
        sender="a@example.org",
        recipients=(),
        size_bytes=len(octets),
        subject=head.subject,
        mid=head.mid,
    )
    assert decode(encode(record)) == record
