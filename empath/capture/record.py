"""The record of a captured message: its envelope, and what its header says that is worth seeing in a list.

A record is for people and for programs that help them. What cannot be read in a header is left out, never an error:
the message was accepted as it is.
"""

import re
from datetime import datetime
from typing import Final

import msgspec
from attrs import asdict, frozen

from empath.mail.headers import fields, split
from empath.mail.ids import MessageId
from empath.mail.showing import decoded_words

SCHEMA: Final = "empath.captured/1"
"""Records of this form may gain members and lose none."""

HEAD_BYTES: Final = 64 * 1024
"""How much of a message is looked at for its header."""

_SUBJECT_CHARACTERS: Final = 500
# RFC 5321 4.4: ID = CFWS "ID" FWS ( Atom / msg-id ), one of the clauses before the semicolon.
_ID_CLAUSE: Final = re.compile(r"\sid\s+([^\s;]+)", re.IGNORECASE)
_COMMENT: Final = re.compile(r"\([^()]*\)")


@frozen(kw_only=True)
class Captured:
    """What is known of one captured message. ``encode`` and ``decode`` are its JSON form, with the same names."""

    schema: str = SCHEMA
    number: int
    """Counts up from 1 in each archive. It is the name of the message there."""
    time: datetime
    """When the message was complete, in UTC."""
    hello: str
    """What the client called itself."""
    sender: str | None
    """The reverse-path; None is the null one."""
    recipients: tuple[str, ...]
    size_bytes: int
    subject: str
    """Decoded (RFC 2047), in one line, cut when it is very long; empty if there is none."""
    mid: str | None
    """The name that the Empath which sent it had for it, from its Received field; None if nobody tells."""


@frozen
class Head:
    """What a record takes from the header of a message."""

    subject: str
    mid: str | None

    @classmethod
    def read(cls, start: bytes) -> "Head":
        """Read the header at the start of a message. Never fails: whatever is there, something is returned."""
        section, _ = split(start)
        topmost: dict[bytes, str] = {}
        for field in fields(section):
            topmost.setdefault(field.name, field.unfolded.decode("utf-8", "replace"))
        return cls(decoded_words(topmost.get(b"subject", ""))[:_SUBJECT_CHARACTERS], _mid(topmost.get(b"received", "")))


def encode(record: Captured) -> bytes:
    """Write a record as one JSON object, in one line."""
    return msgspec.json.encode(asdict(record)) + b"\n"  # an attrs object itself would be written in another order


def decode(text: bytes) -> Captured:
    """Read a record. Raises `ValueError` for what is none."""
    return msgspec.json.decode(text, type=Captured)


def _mid(received: str) -> str | None:
    """Return the id clause of the field that the last server has put on top (RFC 5321 4.4), if it is one of ours."""
    clauses, _, _ = _COMMENT.sub(" ", received).partition(";")
    found = _ID_CLAUSE.search(clauses)
    try:
        return str(MessageId.parse(found[1])) if found else None
    except ValueError:
        return None
