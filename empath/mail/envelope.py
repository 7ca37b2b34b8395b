"""The envelope: everything about a message that is not its content.

It is made when a transaction is accepted, stored with the message, and never changed. What happens to each recipient
afterwards is a `Delivery`; a recipient's place in the envelope is the ordinal of its delivery.
"""

from __future__ import annotations

from typing import Final

from attrs import evolve, field, frozen

from empath.mail.priority import Priority
from empath.mail.trace_context import TraceContext
from empath.smtp import Address, ByMode, DeliverBy, MailParams, OriginalRecipient, RcptParams
from empath.smtp.params import NO_MAIL_PARAMS, NO_RCPT_PARAMS

_LARGEST_BY_S: Final = 999_999_999
"""RFC 2852 4: nine digits."""


@frozen
class Recipient:
    """Whom a message is for, and what was asked for with that name."""

    address: Address
    params: RcptParams = NO_RCPT_PARAMS


def redirected(recipient: Recipient, goal: Address) -> Recipient:
    """The same wishes for the address that an alias stands for.

    Reports go on to name the address that the sender knows (RFC 3461 4.2 and 5.2.7.1), so it is kept as ORCPT if the
    sender gave none: with A-labels, since not every form of it would fit into a command.
    """
    if goal == recipient.address:
        return recipient
    params, named = recipient.params, recipient.address
    if params.orcpt is None:
        text = f"{named.local.decode()}@{named.domain.ascii}" if named.domain else str(named)
        params = evolve(params, orcpt=OriginalRecipient("rfc822" if text.isascii() else "utf-8", text))
    return Recipient(goal, params)


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
    tls_optional: bool = False
    """Whether it goes on even if the hosts of its domain do not show what that domain has published of them: it says
    that they do not (RFC 8460 3), or its sender has it so (``TLS-Required: No``, RFC 8689 3).
    """
    priority: Priority | None = None
    """The class that reception has found; None: nothing tells of one."""
    trace_context: TraceContext | None = None
    """The trace that it belongs to; None: to none."""

    @property
    def release(self) -> float:
        """When it came, or the later moment before which its sender wants nothing attempted (RFC 4865 4)."""
        params = self.params
        if params.hold_until is not None:
            return max(self.received, params.hold_until.timestamp())
        return self.received + (params.hold_for_s or 0)

    def is_kept_back(self, now: float) -> bool:
        """Whether its sender wants nothing attempted yet. A clock that was set back keeps back no other message."""
        return self.release > max(now, self.received)

    @property
    def deadline(self) -> float | None:
        """The moment after which it is not to be delivered any more (RFC 2852 4, by-mode R); None: there is none."""
        by = self.params.by
        return self.received + by.seconds if by is not None and by.mode is ByMode.RETURN else None

    def deliver_by(self, now: float) -> DeliverBy | None:
        """What is left at ``now`` of the time that BY gave, to be said to the next host (RFC 2852 4)."""
        by = self.params.by
        if by is None:
            return None
        passed_s = max(int(now - self.received), 0)  # the clock may have been set back
        least_s = 1 if by.mode is ByMode.RETURN else -_LARGEST_BY_S
        return evolve(by, seconds=max(by.seconds - passed_s, least_s))


def with_keyword(*, esmtp: bool, lmtp: bool = False, tls: bool = False, auth: bool = False, utf8: bool = False) -> str:
    """The keyword that a Received field gives for how a message came (RFC 3848, RFC 6531 4.3).

    ``esmtp`` is false after HELO, which knows neither TLS nor AUTH. ``utf8``: SMTPUTF8 was said with MAIL.
    """
    if not (esmtp or lmtp):
        return "SMTP"
    name = "LMTP" if lmtp else "SMTP" if utf8 else "ESMTP"
    return f"{'UTF8' if utf8 else ''}{name}{'S' if tls else ''}{'A' if auth else ''}"
