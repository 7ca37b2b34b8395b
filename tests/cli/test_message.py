"""What submission does to a message, and what it leaves alone."""

from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.cli.message import Stamp, complete, compose, crlf, mailbox
from empath.smtp import Address, Domain

ANN = Address.parse("ann@example.org")
STAMP = Stamp(author="bob@example.com", date="Mon, 10 Nov 2025 12:00:00 +0000", message_id="<1@example.com>")
WHOLE = b"From: x@example.org\r\nDate: never\r\nMessage-ID: <0@example.org>\r\nSubject: x\r\n\r\nBcc: y\r\n"


@pytest.mark.parametrize(
    ("text", "lines"),
    [(b"a\nb\n", b"a\r\nb\r\n"), (b"a\r\nb\n", b"a\r\nb\r\n"), (b"\n\n", b"\r\n\r\n"), (b"a\rb", b"a\rb"), (b"", b"")],
)
def test_lines_end_with_crlf(text: bytes, lines: bytes) -> None:
    assert crlf(text) == lines


@given(st.binary())
def test_line_ends_that_are_right_are_left_alone(text: bytes) -> None:
    assert crlf(crlf(text)) == crlf(text)


def test_a_message_that_lacks_nothing_is_left_alone() -> None:
    assert complete(WHOLE, STAMP) == WHOLE


def test_what_is_missing_is_added_below_what_is_there() -> None:
    assert complete(b"subject: x\r\nfrom : y@example.org\r\n\r\ntext", STAMP) == (
        b"subject: x\r\nfrom : y@example.org\r\n"
        b"Date: Mon, 10 Nov 2025 12:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n\r\ntext"
    )


@pytest.mark.parametrize("text", [b"", b"just text\r\n", b"\r\nBcc: in the body\r\n", b"no: field\x00\n : x\r\n"])
def test_whatever_is_given_becomes_a_header_and_a_body(text: bytes) -> None:
    message = message_from_bytes(complete(text, STAMP), policy=default)
    assert (message["From"], message["Message-ID"]) == ("bob@example.com", "<1@example.com>")


@pytest.mark.parametrize(
    "field", [b"Bcc: a@x\r\n", b"bcc : a@x,\r\n b@x\r\n\tc@x\r\n", b"Resent-BCC:\r\n", b"Bcc: a\r\nBCC: b\r\n"]
)
def test_blind_recipients_are_taken_away_with_all_their_lines(field: bytes) -> None:
    section, body = WHOLE.split(b"\r\n\r\n")
    assert complete(b"X-Bcc: 1\r\n" + field + section + b"\r\n\r\n" + body, STAMP) == b"X-Bcc: 1\r\n" + WHOLE


def test_a_composed_message_reads_as_it_was_meant() -> None:
    message = message_from_bytes(
        compose(recipients=(ANN,), subject="Grüße " * 30, body="Schöne\nZeilen", stamp=STAMP), policy=default
    )
    assert (message["From"], message["To"], message["Date"]) == ("bob@example.com", "ann@example.org", STAMP.date)
    assert message["Subject"] == ("Grüße " * 30).strip()
    assert message.get_content() == "Schöne\r\nZeilen\r\n"


def test_a_composed_message_in_ascii_needs_no_mime() -> None:
    assert compose(recipients=(ANN,), subject="Hello", body="Text", stamp=STAMP) == (
        b"From: bob@example.com\r\nTo: ann@example.org\r\nSubject: Hello\r\n"
        b"Date: Mon, 10 Nov 2025 12:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n\r\nText\r\n"
    )


@given(st.text(), st.text())
def test_no_subject_and_no_name_can_bring_a_field_along(subject: str, name: str) -> None:
    stamp = Stamp.fresh(mailbox(ANN, name), Domain.parse("host.example"))
    section, _, _ = compose(recipients=(ANN,), subject=subject, body="", stamp=stamp).partition(b"\r\n\r\n")
    names = [line.partition(b":")[0] for line in section.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    assert names == [b"From", b"To", b"Subject", b"Date", b"Message-ID"]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("", "ann@example.org"),
        ("Cron Daemon", "Cron Daemon <ann@example.org>"),
        ('Smith, "J."', r'"Smith, \"J.\"" <ann@example.org>'),
        ("Jörg", "=?utf-8?b?SsO2cmc=?= <ann@example.org>"),
    ],
)
def test_a_display_name_is_quoted_or_encoded_where_it_must_be(name: str, written: str) -> None:
    assert mailbox(ANN, name) == written
