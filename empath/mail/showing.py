"""A message as people read it: its header decoded, its text, its HTML (RFC 2045 to 2047).

Nothing here fails, whatever the message is: what cannot be read as it claims to be is shown as it can be. And nothing
here makes HTML harmless; whoever shows that must see to it.
"""

from __future__ import annotations

from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from typing import Final

from attrs import frozen

from empath.mail.headers import fields, split

MAX_FIELDS: Final = 500
_MAX_VALUE: Final = 4000


@frozen(kw_only=True)
class Part:
    """One part that is neither the text nor the HTML: as a rule, an attachment."""

    name: str
    """Empty: it has none."""
    media_type: str
    size_bytes: int


@frozen(kw_only=True)
class Shown:
    """A message, taken apart."""

    header: tuple[tuple[str, str], ...]
    """Name and decoded value of up to `MAX_FIELDS` fields, from the top."""
    text: str | None
    html: str | None
    parts: tuple[Part, ...]


def shown(content: bytes) -> Shown:
    """Take a message apart."""
    text: str | None = None
    html: str | None = None
    parts: list[Part] = []
    for part in message_from_bytes(content).walk():
        if part.is_multipart():
            continue
        kind, name = part.get_content_type(), _name(part)
        octets = _octets(part)
        if kind == "text/plain" and text is None and not name:
            text = _decoded(part, octets)
        elif kind == "text/html" and html is None and not name:
            html = _decoded(part, octets)
        else:
            parts.append(Part(name=name, media_type=kind, size_bytes=len(octets)))
    return Shown(header=_header(content), text=text, html=html, parts=tuple(parts))


def decoded_words(raw: str) -> str:
    """The value of a field with its encoded words (RFC 2047) decoded, in one line."""
    try:
        decoded = str(make_header(decode_header(raw)))
    except (LookupError, ValueError, MessageError):  # no such charset, or octets that are none of it
        decoded = raw
    # A charset such as unicode_escape can bring surrogates along, which have no place in JSON.
    return " ".join(decoded.encode("utf-8", "replace").decode().split())


def _header(content: bytes) -> tuple[tuple[str, str], ...]:
    section, _ = split(content)
    found: list[tuple[str, str]] = []
    for one in fields(section):
        if len(found) == MAX_FIELDS:
            break
        found.append(
            (one.name.decode("ascii").title(), decoded_words(one.unfolded.decode("utf-8", "replace"))[:_MAX_VALUE])
        )
    return tuple(found)


def _octets(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _name(part: Message) -> str:
    try:
        return decoded_words(part.get_filename() or "")
    except (LookupError, ValueError, TypeError):  # parameters as RFC 2231 does not allow them
        return ""


def _decoded(part: Message, octets: bytes) -> str:
    try:
        text = octets.decode(part.get_content_charset("utf-8"), "replace")
    except (LookupError, ValueError):  # no such charset
        text = octets.decode("utf-8", "replace")
    return text.encode("utf-8", "replace").decode()
