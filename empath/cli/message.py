"""Messages as submission makes them: line ends, the fields that must not be missing, the one that must not be seen."""

import re
import secrets
import time
from typing import Final

from attrs import frozen

from empath.mail.composing import encoded, field_line, plain_message
from empath.mail.headers import date, fields, split
from empath.smtp import Address, Domain

_LINE_FEED: Final = re.compile(rb"(?<!\r)\n")
_BLIND: Final = re.compile(rb"^(?:resent-)?bcc[ \t]*:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", re.IGNORECASE | re.MULTILINE)
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")


@frozen(kw_only=True)
class Stamp:
    """What a message gets that does not have it: the values of three fields."""

    author: str
    date: str
    message_id: str

    @classmethod
    def fresh(cls, author: str, host: Domain) -> "Stamp":
        """Return a stamp of this moment, with an id that no other message has (RFC 5322 3.6.4)."""
        return cls(author=author, date=date(time.time()), message_id=f"<{secrets.token_hex(16)}@{host.ascii}>")


def crlf(text: bytes) -> bytes:
    """Return the text with CRLF where it has LF alone: files and pipes have the line ends of Unix, SMTP has its own."""
    return _LINE_FEED.sub(b"\r\n", text)


def complete(message: bytes, stamp: Stamp) -> bytes:
    """Add the fields that every message must have (RFC 5322 3.6, RFC 6409 8), and take Bcc away (RFC 5322 3.6.3)."""
    section, body = split(message)
    present = {field.name for field in fields(section)}
    wanted = {"From": stamp.author, "Date": stamp.date, "Message-ID": stamp.message_id}
    added = [field_line(name, value) for name, value in wanted.items() if name.lower().encode() not in present]
    return b"".join([_BLIND.sub(b"", section), *added, b"\r\n", body])


def compose(*, recipients: tuple[Address, ...], subject: str, body: str, stamp: Stamp) -> bytes:
    """Make a message of plain text."""
    message = plain_message(author=stamp.author, recipients=map(str, recipients), subject=subject, text=body)
    return complete(message, stamp)


def mailbox(address: Address, name: str = "") -> str:
    """Write an address for a field, with a display name if there is one (RFC 5322 3.4)."""
    name = " ".join(name.split())
    if not name:
        return str(address)
    if not name.isascii():
        phrase = encoded(name, "From")
    elif _PLAIN_NAME.fullmatch(name):
        phrase = name
    else:
        phrase = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return f"{phrase} <{address}>"
