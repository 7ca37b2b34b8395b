"""Messages of plain text, made from what a person or a program has to say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.header import Header
from typing import Final

_LINE_FEED: Final = re.compile(rb"(?<!\r)\n")


def plain_message(*, author: str, recipients: Iterable[str], subject: str, text: str) -> bytes:
    """A message without Date and Message-ID, which whoever takes it in adds (RFC 6409 8).

    ``author`` and ``recipients`` are mailboxes as they stand in a field.
    """
    body = _LINE_FEED.sub(b"\r\n", text.encode())
    head = [
        field_line("From", author),
        field_line("To", ", ".join(recipients)),
        field_line("Subject", encoded(subject, "Subject")),
    ]
    if not body.isascii():
        head.append(field_line("MIME-Version", "1.0"))
        head.append(field_line("Content-Type", "text/plain; charset=utf-8"))
        head.append(field_line("Content-Transfer-Encoding", "8bit"))
    return b"".join([*head, b"\r\n", body, b"" if body.endswith(b"\n") else b"\r\n"])


def encoded(text: str, field_name: str) -> str:
    """Return text for a field, in one logical line: as it is if it is ASCII, else in encoded words (RFC 2047)."""
    return Header(" ".join(text.split()), header_name=field_name).encode(linesep="\r\n")


def field_line(name: str, value: str) -> bytes:
    """A header field."""
    return f"{name}: {value}\r\n".encode()
