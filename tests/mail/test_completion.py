"""What a submission server adds, and what it leaves alone."""

from email import message_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.mail.completion import missing_fields
from empath.mail.envelope import Envelope, Recipient
from empath.mail.headers import fields
from empath.mail.ids import MessageId
from empath.smtp import Address

MID = MessageId(1762772405, 42)
ENVELOPE = Envelope(reverse_path=None, recipients=(Recipient(Address.parse("ann@example.org")),), received=1762772405.9)
DATE = b"Date: Mon, 10 Nov 2025 11:00:05 +0000\r\n"
MESSAGE_ID = b"Message-ID: <6911c5b5-2a@mx.example.org>\r\n"


def added(section: bytes) -> bytes:
    return missing_fields(section, ENVELOPE, MID, hostname="mx.example.org")


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        (b"", DATE + MESSAGE_ID),
        (b"Subject: x\r\n", DATE + MESSAGE_ID),
        (b"Date: x\r\n", MESSAGE_ID),
        (b"message-id : <a@b>\r\n", DATE),
        (b"Subject: x\r\n\tDate: no field but a folded line\r\n", DATE + MESSAGE_ID),
        (b"X-Date: x\r\nResent-Date: x\r\nResent-Message-ID: <a@b>\r\n", DATE + MESSAGE_ID),
        (b"DATE:\r\nMESSAGE-ID:\r\n", b""),
    ],
)
def test_what_is_missing_is_added(section: bytes, expected: bytes) -> None:
    assert added(section) == expected


@given(st.lists(st.sampled_from([b"Date: x\r\n", b"Message-ID: <a@b>\r\n", b"Subject: x\r\n y\r\n"]), max_size=5))
def test_afterwards_both_are_there_and_a_second_time_nothing_is_added(section: list[bytes]) -> None:
    before = b"".join(section)
    names = [field.name for field in fields(added(before) + before)]
    assert {b"date", b"message-id"} <= set(names)
    assert added(added(before) + before) == b""


def test_other_programs_read_what_was_added() -> None:
    message = message_from_bytes(added(b"") + b"\r\nbody\r\n")
    assert (message["Date"], message["Message-ID"]) == (
        "Mon, 10 Nov 2025 11:00:05 +0000",
        "<6911c5b5-2a@mx.example.org>",
    )
