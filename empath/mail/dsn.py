"""Reports to senders: delivery status notifications (RFC 3461, 3464, 6522, 6533, 3834).

A report is a message of three parts: words for people, fields for programs, and what is returned of the original. It
goes out with the null reverse-path, so that no report is ever made on it (RFC 5321 4.5.5), and says ``Auto-Submitted``,
so that no vacation program answers it (RFC 3834 3.1.8).

- It names the recipients that it is about and no others: the sender need not hear again of those that arrived. What it
  says of each, and whether the sender wants to hear it, is a `Notice`; one report may have notices of every action.
- What a remote host said is quoted, never trusted. It is made printable, folded and indented; so it can neither begin
  a field, nor end the part it stands in, nor steer a terminal. The boundary occurs nowhere in the content.
- RET, ENVID and ORCPT are honoured (RFC 3461 4.2 to 4.4).
- All is ASCII as far as possible. UTF-8 is used, in the forms of RFC 6533, where an address has no other form, or where
  the original was internationalised already; then the report asks for SMTPUTF8 itself.

The bytes depend on the arguments alone: the same failure makes the same report.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from attrs import frozen

from empath.mail.envelope import Envelope, Recipient
from empath.mail.headers import date, header_address, split
from empath.mail.ids import MessageId
from empath.mail.notice import Action, Notice
from empath.mail.quoting import plain, wrap
from empath.smtp import Address, Body, MailParams, Return

MAX_RETURNED_BYTES: Final = 50_000
"""Of a larger message the header section is returned, whatever RET says, unless configuration has another limit."""
_MAX_SECTION_BYTES: Final = 50_000


class _Words(NamedTuple):
    subject: str
    opening: str


_WORDS: Final = {
    Action.FAILED: _Words(
        "Not delivered", "Your message could not be delivered to the {whom} below, and will not be tried again."
    ),
    Action.DELAYED: _Words(
        "Delayed",
        "Your message could not be delivered to the {whom} below yet. It will be tried again, so you need not send it"
        " once more.",
    ),
    Action.RELAYED: _Words(
        "Passed on",
        "Your message was passed on for the {whom} below to a mail system that does not report what becomes of it. You"
        " will hear no more of it from here.",
    ),
}


@frozen
class Report:
    """A report, ready to be accepted into the spool like any message."""

    envelope: Envelope
    content: bytes


def returned(
    envelope: Envelope, size_bytes: int, actions: Iterable[Action], *, limit_bytes: int = MAX_RETURNED_BYTES
) -> Return:
    """How much of the original a report returns: all, unless it is large or its sender asked for less.

    A report without a failure returns the headers only (RFC 3461 4.3). Who said REQUIRETLS gets no content back: the
    report itself may go in clear (RFC 8689 5).
    """
    less = envelope.params.ret is Return.HEADERS or envelope.params.requiretls or Action.FAILED not in actions
    return Return.HEADERS if less or size_bytes > limit_bytes else Return.FULL


def report(
    notices: Sequence[Notice],
    *,
    envelope: Envelope,
    original: MessageId,
    content: bytes,
    ret: Return,
    message: MessageId,
    hostname: str,
    now: float,
) -> Report:
    """Tell the sender of ``original`` what became of some of its recipients.

    ``content`` is the original, of which the header section is enough unless ``ret`` is FULL. ``message`` names the
    report. A ValueError: there is nobody to tell, or nothing to say.
    """
    sender = envelope.reverse_path
    if sender is None or not notices:
        raise ValueError(f"no report can be made on {original}: {len(notices)} notices, sender {sender}")
    section = split(content)[0]
    utf8 = _needs_utf8(sender, envelope, notices, section)
    said = _words(notices, envelope, original, hostname, utf8=utf8)
    status = _status(notices, envelope, hostname, utf8=utf8)
    third = _original(content if ret is Return.FULL else _cut(section), ret, utf8=utf8)
    kind = "global-delivery-status" if utf8 else "delivery-status"
    charset, encoding = ("utf-8", "8bit") if utf8 else ("us-ascii", "7bit")
    parts = [
        _part(f"text/plain; charset={charset}", encoding, said),
        _part(f"message/{kind}", encoding, status),
        third,
    ]
    boundary = f"=_{message}"
    while any(boundary.encode() in part for part in parts):
        boundary += "_"
    head = (
        f"Date: {date(now)}\r\n"
        f"From: Mail Delivery System <MAILER-DAEMON@{hostname}>\r\n"
        f"To: <{header_address(sender)}>\r\n"
        f"Subject: {_subject(notices)}\r\n"
        f"Message-ID: <{message}@{hostname}>\r\n"
        "Auto-Submitted: auto-replied\r\n"
        "MIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type={kind};\r\n\tboundary="{boundary}"\r\n'
        "\r\n"
    ).encode()
    opened = b"".join(b"--%b\r\n%b\r\n" % (boundary.encode(), part) for part in parts)
    data = head + opened + b"--%b--\r\n" % boundary.encode()
    params = MailParams(size=len(data), body=None if data.isascii() else Body.EIGHT_BIT, smtputf8=utf8)
    return Report(Envelope(reverse_path=None, recipients=(Recipient(sender),), received=now, params=params), data)


def _needs_utf8(sender: Address, envelope: Envelope, notices: Sequence[Notice], section: bytes) -> bool:
    if sender.needs_utf8:
        return True
    foreign = any(notice.address.needs_utf8 for notice in notices) or not section.isascii()
    return envelope.params.smtputf8 and foreign


def _groups(notices: Sequence[Notice]) -> dict[Action, list[Notice]]:
    """The notices of each action, the gravest first."""
    groups = {action: [notice for notice in notices if notice.action is action] for action in Action}
    return {action: group for action, group in groups.items() if group}


def _subject(notices: Sequence[Notice]) -> str:
    action, group = next(iter(_groups(notices).items()))
    subject = _WORDS[action].subject
    if len(group) > 1 or group[0].address.needs_utf8:
        return f"{subject} to {len(group)} recipient{'s' if len(group) > 1 else ''}"
    return f"{subject}: {header_address(group[0].address)}"


def _words(notices: Sequence[Notice], envelope: Envelope, original: MessageId, hostname: str, *, utf8: bool) -> bytes:
    """The part for people: who reports, what about, then each recipient with the reason."""
    lines = [f"This is the mail system of {hostname}.", ""]
    for action, group in _groups(notices).items():
        whom = "recipient" if len(group) == 1 else f"{len(group)} recipients"
        lines += [*wrap(_WORDS[action].opening.format(whom=whom)), ""]
        for notice in group:
            lines += [*notice.words(utf8=utf8), ""]
    lines += wrap(f"The message came on {date(envelope.received)} and has the number {original} here.")
    return _encode(lines, utf8=utf8)


def _status(notices: Sequence[Notice], envelope: Envelope, hostname: str, *, utf8: bool) -> bytes:
    """The part for programs: a block of fields on the message, and one for each recipient (RFC 3464 2.2, 2.3)."""
    lines = [f"Reporting-MTA: dns; {hostname}"]
    if envelope.params.envid is not None:
        lines.append(f"Original-Envelope-Id: {plain(envelope.params.envid, utf8=False)}")
    lines.append(f"Arrival-Date: {date(envelope.received)}")
    if envelope.params.by is not None:  # RFC 2852 5
        lines.append(f"Deliver-By-Date: {date(envelope.received + envelope.params.by.seconds)}")
    for notice in notices:
        lines += ["", *notice.fields(utf8=utf8)]
    return _encode(lines, utf8=utf8)


def _original(content: bytes, ret: Return, *, utf8: bool) -> bytes:
    """The part that returns the message or its header section (RFC 6522 3, RFC 6533 4)."""
    encoding = "7bit" if content.isascii() else "8bit"
    if ret is Return.FULL:
        return _part("message/global" if utf8 else "message/rfc822", encoding, content)
    if utf8:
        return _part("message/global-headers", encoding, content)
    if content.isascii():
        return _part("text/rfc822-headers", encoding, content)
    # Octets that no rule allows in a header section; RFC 6522 4 lets this type be encoded for them.
    return _part("text/rfc822-headers", "quoted-printable", binascii.b2a_qp(content, istext=True))


def _cut(section: bytes) -> bytes:
    if len(section) <= _MAX_SECTION_BYTES:
        return section
    return section[:_MAX_SECTION_BYTES].rpartition(b"\r\n")[0] + b"\r\n"


def _part(kind: str, encoding: str, body: bytes) -> bytes:
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + body


def _encode(lines: Sequence[str], *, utf8: bool) -> bytes:
    return ("\r\n".join(lines) + "\r\n").encode("utf-8" if utf8 else "ascii", "backslashreplace")
