"""Reports to senders: delivery status notifications (RFC 3461, 3464, 6522, 6533, 3834).

A report is a message of three parts: words for people, fields for programs, and what is returned of the original. It
goes out with the null reverse-path, so that no report is ever made on it (RFC 5321 4.5.5), and says ``Auto-Submitted``,
so that no vacation program answers it (RFC 3834 3.1.8).

- It names the recipients that it is about and no others: the sender need not hear again of those that arrived.
- What a remote host said is quoted, never trusted. It is made printable, folded and indented; so it can neither begin
  a field, nor end the part it stands in, nor steer a terminal. The boundary occurs nowhere in the content.
- Who asked for no report gets none (NOTIFY, RFC 3461 4.1). RET, ENVID and ORCPT are honoured (4.2 to 4.4).
- All is ASCII as far as possible. UTF-8 is used, in the forms of RFC 6533, where an address has no other form, or where
  the original was internationalised already; then the report asks for SMTPUTF8 itself.

The bytes depend on the arguments alone: the same failure makes the same report.

Only failures are reported now. Another action of RFC 3464 2.3.3 is a member of `Action` and a row of ``_WORDS``.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Final, NamedTuple

from attrs import frozen

from empath.mail.diagnosis import Diagnosis, Phase
from empath.mail.envelope import Envelope, Recipient
from empath.mail.headers import date, header_address, split
from empath.mail.ids import MessageId
from empath.mail.quoting import plain, wrap
from empath.smtp import Address, Body, MailParams, Notify, Return, xtext

MAX_RETURNED_BYTES: Final = 50_000
"""Of a larger message the header section is returned, whatever RET says."""
_MAX_SECTION_BYTES: Final = 50_000


class Action(Enum):
    """What became of a recipient, in the words of RFC 3464 2.3.3."""

    FAILED = "failed"


class _Words(NamedTuple):
    subject: str
    opening: str


_WORDS: Final = {
    Action.FAILED: _Words(
        "Not delivered", "Your message could not be delivered to the {whom} below, and will not be tried again."
    ),
}
_ANSWER_TO: Final = {
    Phase.GREETING: "greeted us with",
    Phase.HELLO: "answered our introduction with",
    Phase.STARTTLS: "answered STARTTLS with",
    Phase.MAIL: "answered the sender's address with",
    Phase.RCPT: "answered this recipient's address with",
    Phase.DATA: "answered the beginning of the message with",
    Phase.END: "answered the message with",
}


@frozen(kw_only=True)
class Notice:
    """What a report says of one recipient."""

    recipient: Recipient
    diagnosis: Diagnosis
    last_attempt: float | None
    """Wall clock, seconds since 1970; None: there was none."""


@frozen
class Report:
    """A report, ready to be accepted into the spool like any message."""

    envelope: Envelope
    content: bytes


def wanted(envelope: Envelope, recipient: Recipient) -> bool:
    """Whether the sender is to be told that this recipient failed (RFC 3461 4.1, RFC 5321 4.5.5)."""
    notify = recipient.params.notify
    return envelope.reverse_path is not None and (notify is None or Notify.FAILURE in notify)


def returned(envelope: Envelope, size_bytes: int) -> Return:
    """How much of the original a failure report returns: all, unless it is large or RET asked for less."""
    small = size_bytes <= MAX_RETURNED_BYTES
    return Return.FULL if small and envelope.params.ret is not Return.HEADERS else Return.HEADERS


def report(
    notices: Sequence[Notice],
    *,
    action: Action,
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
    said = _words(notices, action, envelope, original, hostname, utf8=utf8)
    status = _status(notices, action, envelope, hostname, utf8=utf8)
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
        f"Subject: {_subject(notices, action)}\r\n"
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
    foreign = any(notice.recipient.address.needs_utf8 for notice in notices) or not section.isascii()
    return envelope.params.smtputf8 and foreign


def _subject(notices: Sequence[Notice], action: Action) -> str:
    subject = _WORDS[action].subject
    if len(notices) > 1 or notices[0].recipient.address.needs_utf8:
        return f"{subject} to {len(notices)} recipient{'s' if len(notices) > 1 else ''}"
    return f"{subject}: {header_address(notices[0].recipient.address)}"


def _words(
    notices: Sequence[Notice], action: Action, envelope: Envelope, original: MessageId, hostname: str, *, utf8: bool
) -> bytes:
    """The part for people: who reports, what about, then each recipient with the reason."""
    whom = "recipient" if len(notices) == 1 else f"{len(notices)} recipients"
    lines = [f"This is the mail system of {hostname}.", "", *wrap(_WORDS[action].opening.format(whom=whom)), ""]
    for notice in notices:
        lines += [f"<{header_address(notice.recipient.address)}>"]
        lines += [line for text in _reason(notice.diagnosis) for line in wrap(plain(text, utf8=utf8), "    ")]
        lines += [""]
    lines += wrap(f"The message came on {date(envelope.received)} and has the number {original} here.")
    return _encode(lines, utf8=utf8)


def _reason(diagnosis: Diagnosis) -> Iterator[str]:
    if not diagnosis.kind.permanent:
        yield "No attempt succeeded in the time for which mail is kept here. The last one ended with:"
    host, reply = diagnosis.host or "The next host", diagnosis.reply
    if reply is None:
        yield _own_words(diagnosis)
    else:
        yield f"{host} {_ANSWER_TO.get(diagnosis.phase, 'said')}"
        yield str(reply)


def _own_words(diagnosis: Diagnosis) -> str:
    words = diagnosis.text or diagnosis.kind.value.replace("_", " ")
    return f"{diagnosis.host}: {words}" if diagnosis.host else words


def _status(notices: Sequence[Notice], action: Action, envelope: Envelope, hostname: str, *, utf8: bool) -> bytes:
    """The part for programs: a block of fields on the message, and one for each recipient (RFC 3464 2.2, 2.3)."""
    lines = [f"Reporting-MTA: dns; {hostname}"]
    if envelope.params.envid is not None:
        lines.append(f"Original-Envelope-Id: {plain(envelope.params.envid, utf8=False)}")
    lines.append(f"Arrival-Date: {date(envelope.received)}")
    for notice in notices:
        lines += ["", *_recipient_fields(notice, action, utf8=utf8)]
    return _encode(lines, utf8=utf8)


def _recipient_fields(notice: Notice, action: Action, *, utf8: bool) -> Iterator[str]:
    diagnosis, orcpt = notice.diagnosis, notice.recipient.params.orcpt
    if orcpt is not None:
        shown = xtext.encode_address(orcpt.address).decode() if orcpt.kind == "utf-8" and not utf8 else orcpt.address
        yield f"Original-Recipient: {orcpt.kind}; {plain(shown, utf8=utf8)}"
    yield f"Final-Recipient: {_typed(notice.recipient.address, utf8=utf8)}"
    yield f"Action: {action.value}"
    yield f"Status: {diagnosis.status}"
    if diagnosis.host is not None:
        yield f"Remote-MTA: dns; {plain(diagnosis.host, utf8=False)}"
    said = f"smtp; {diagnosis.reply}" if diagnosis.reply is not None else f"x-empath; {_own_words(diagnosis)}"
    yield "\r\n".join(wrap(f"Diagnostic-Code: {plain(said, utf8=utf8)}", "", " "))
    if notice.last_attempt is not None:
        yield f"Last-Attempt-Date: {date(notice.last_attempt)}"


def _typed(address: Address, *, utf8: bool) -> str:
    """An address with its type: rfc822 wherever ASCII will do, else utf-8 in the form that fits (RFC 6533 3)."""
    if not address.needs_utf8:
        return f"rfc822; {header_address(address)}"
    return f"utf-8; {address if utf8 else xtext.encode_address(str(address)).decode()}"


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
