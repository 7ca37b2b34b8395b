"""The envelope: everything about a message that is not its content.

It is made when a transaction is accepted, stored with the message, and never changed. What happens to each recipient
afterwards is a `Delivery`; a recipient's place in the envelope is the ordinal of its delivery.
"""

from __future__ import annotations

from attrs import field, frozen

from empath.smtp import Address, MailParams, RcptParams
from empath.smtp.params import NO_MAIL_PARAMS, NO_RCPT_PARAMS


@frozen
class Recipient:
    """Whom a message is for, and what was asked for with that name."""

    address: Address
    params: RcptParams = NO_RCPT_PARAMS


@frozen(kw_only=True)
class Origin:
    """Where a message came from: the facts that its Received field states, and that logs repeat (RFC 5321 4.4)."""

    client_ip: str | None
    """None: over a Unix socket."""
    hello: str
    """What the client called itself. Not to be believed."""
    protocol: str
    """The keyword of `with_keyword`."""
    listener: str
    """The listener that took it, as configuration names it."""
    tls_version: str | None = None
    """``TLSv1.3`` and the like; None: it came in clear."""
    tls_cipher: str | None = None
    user: str | None = None
    """Who authenticated; None: nobody did."""


@frozen(kw_only=True)
class Envelope:
    """Who sent a message, to whom, on what terms, when and from where."""

    reverse_path: Address | None
    """None: the null reverse-path. Nobody is ever told what became of such a message (RFC 5321 4.5.5)."""
    recipients: tuple[Recipient, ...] = field()
    received: float
    """The moment of acceptance: wall clock, seconds since 1970."""
    params: MailParams = NO_MAIL_PARAMS
    """What was said with MAIL, to be carried on."""
    origin: Origin | None = None
    """None: the message was made here."""


def with_keyword(*, esmtp: bool, lmtp: bool = False, tls: bool = False, auth: bool = False, utf8: bool = False) -> str:
    """The keyword that a Received field gives for how a message came (RFC 3848, RFC 6531 4.3).

    ``esmtp`` is false after HELO, which knows neither TLS nor AUTH. ``utf8``: SMTPUTF8 was said with MAIL.
    """
    if not (esmtp or lmtp):
        return "SMTP"
    name = "LMTP" if lmtp else "SMTP" if utf8 else "ESMTP"
    return f"{'UTF8' if utf8 else ''}{name}{'S' if tls else ''}{'A' if auth else ''}"
