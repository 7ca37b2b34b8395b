"""Why an attempt did not deliver: a value, for the record, for `explain` and for the report to the sender.

Each kind of trouble has one row: the status code it gets when the other side named none (RFC 3463), and whom it is
charged to. The first digit of that code says whether the trouble is temporary (4) or permanent (5).

Charged to the *site*: whatever says nothing about this message or recipient. It moves the breaker and the window of
the site's lane, and the attempt goes on with the next host. Charged to the *delivery*: a judgement on this message or
this recipient. It stops the attempt, and says that the site is well enough to judge.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from attrs import Factory, field, frozen

from empath.smtp import EnhancedCode, Reply, Verb


class Charge(Enum):
    """Whose trouble it is."""

    SITE = "site"
    DELIVERY = "delivery"


class Phase(Enum):
    """How far the attempt had come."""

    ROUTE = "route"
    """Finding out where to: DNS, and what it says."""
    CONNECT = "connect"
    GREETING = "greeting"
    HELLO = "hello"
    STARTTLS = "starttls"
    """The command and the handshake behind it."""
    LOGIN = "login"
    """The whole exchange of AUTH."""
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    """DATA or BDAT, and the content."""
    END = "end"
    """All content is sent, and the reply to its end is awaited. Silence from here on leaves the outcome unknown."""


_PHASES: Final = {
    Verb.GREETING: Phase.GREETING,
    Verb.HELO: Phase.HELLO,
    Verb.EHLO: Phase.HELLO,
    Verb.LHLO: Phase.HELLO,
    Verb.STARTTLS: Phase.STARTTLS,
    Verb.HANDSHAKE: Phase.STARTTLS,
    Verb.AUTH: Phase.LOGIN,
    Verb.RESPONSE: Phase.LOGIN,
    Verb.MAIL: Phase.MAIL,
    Verb.RCPT: Phase.RCPT,
    Verb.DATA: Phase.DATA,
    Verb.BDAT: Phase.DATA,
    Verb.BDAT_LAST: Phase.END,
    Verb.END: Phase.END,
}


def phase_of(verb: Verb) -> Phase:
    """The phase in which a reply to ``verb`` is awaited. A ValueError: no fate of a message hangs on that verb."""
    try:
        return _PHASES[verb]
    except KeyError:
        raise ValueError(f"no delivery fails because of a reply to {verb.value}") from None


class Kind(Enum):
    """What the trouble is. The value is the word for logs, metrics and records."""

    # Temporary: worth another attempt.
    DNS = "dns"
    DNS_INSECURE = "dns_insecure"
    """DNS has an answer, and configuration wants a proof of it, which there is not (RFC 4033)."""
    CONNECT = "connect"
    TIMEOUT = "timeout"
    CONNECTION_LOST = "connection_lost"
    PROTOCOL = "protocol"
    """What came was no reply, or none that may come here."""
    BUSY = "busy"
    """421 at any time, or 4yz before there was a message to judge."""
    HOST_REFUSED = "host_refused"
    """5yz before there was a message to judge."""
    TLS_UNAVAILABLE = "tls_unavailable"
    """Our policy asks for TLS and the host has none, or none for us."""
    TLS_FAILED = "tls_failed"
    """Our policy asks for TLS and the handshake failed."""
    TLS_UNTRUSTED = "tls_untrusted"
    """Our policy, or what the domain has published, asks for a host that can prove who it is, and this one did not."""
    LOGIN_REFUSED = "login_refused"
    """We are to log in, and the host does not let us, or not in a way that we know."""
    MESSAGE_DEFERRED = "message_deferred"
    RECIPIENT_DEFERRED = "recipient_deferred"
    TOO_MANY_RECIPIENTS = "too_many_recipients"
    """The transaction is full; the recipient belongs into the next one, at once (RFC 5321 4.5.3.1.10)."""
    NEEDS_TLS = "needs_tls"
    """The message must not go in clear (RFC 8689), and there is no TLS on this connection."""
    # Permanent: another attempt would end in the same way.
    MESSAGE_REJECTED = "message_rejected"
    RECIPIENT_REJECTED = "recipient_rejected"
    TOO_LARGE = "too_large"
    NO_SUCH_DOMAIN = "no_such_domain"
    NO_HOST = "no_host"
    """The domain exists, and nothing in DNS says which host takes its mail."""
    NULL_MX = "null_mx"
    """The domain says that it takes no mail (RFC 7505)."""
    LOOP = "loop"
    """The best host for the domain is ourselves, and we do not keep its mail."""
    NEEDS_8BITMIME = "needs_8bitmime"
    NEEDS_SMTPUTF8 = "needs_smtputf8"
    NEEDS_REQUIRETLS = "needs_requiretls"
    NEEDS_DELIVERBY = "needs_deliverby"
    EXPIRED = "expired"
    """It was never attempted in all the time it was given."""

    @property
    def charge(self) -> Charge:
        """Whose trouble it is."""
        return _ROWS[self][1]

    @property
    def permanent(self) -> bool:
        """Whether another attempt is of no use."""
        return _ROWS[self][0].kind == 5

    __hash__ = object.__hash__


_ROWS: Final[dict[Kind, tuple[EnhancedCode, Charge]]] = {
    Kind.DNS: (EnhancedCode(4, 4, 3), Charge.SITE),
    Kind.DNS_INSECURE: (EnhancedCode(4, 7, 0), Charge.SITE),
    Kind.CONNECT: (EnhancedCode(4, 4, 1), Charge.SITE),
    Kind.TIMEOUT: (EnhancedCode(4, 4, 2), Charge.SITE),
    Kind.CONNECTION_LOST: (EnhancedCode(4, 4, 2), Charge.SITE),
    Kind.PROTOCOL: (EnhancedCode(4, 5, 0), Charge.SITE),
    Kind.BUSY: (EnhancedCode(4, 3, 2), Charge.SITE),
    Kind.HOST_REFUSED: (EnhancedCode(4, 3, 2), Charge.SITE),
    Kind.TLS_UNAVAILABLE: (EnhancedCode(4, 7, 4), Charge.SITE),
    Kind.TLS_FAILED: (EnhancedCode(4, 7, 5), Charge.SITE),
    Kind.TLS_UNTRUSTED: (EnhancedCode(4, 7, 5), Charge.SITE),
    Kind.LOGIN_REFUSED: (EnhancedCode(4, 7, 8), Charge.SITE),
    Kind.MESSAGE_DEFERRED: (EnhancedCode(4, 0, 0), Charge.DELIVERY),
    Kind.RECIPIENT_DEFERRED: (EnhancedCode(4, 0, 0), Charge.DELIVERY),
    Kind.TOO_MANY_RECIPIENTS: (EnhancedCode(4, 5, 3), Charge.DELIVERY),
    Kind.NEEDS_TLS: (EnhancedCode(4, 7, 10), Charge.DELIVERY),
    Kind.MESSAGE_REJECTED: (EnhancedCode(5, 0, 0), Charge.DELIVERY),
    Kind.RECIPIENT_REJECTED: (EnhancedCode(5, 0, 0), Charge.DELIVERY),
    Kind.TOO_LARGE: (EnhancedCode(5, 3, 4), Charge.DELIVERY),
    Kind.NO_SUCH_DOMAIN: (EnhancedCode(5, 1, 2), Charge.DELIVERY),
    Kind.NO_HOST: (EnhancedCode(5, 4, 4), Charge.DELIVERY),
    Kind.NULL_MX: (EnhancedCode(5, 1, 10), Charge.DELIVERY),
    Kind.LOOP: (EnhancedCode(5, 4, 6), Charge.DELIVERY),
    Kind.NEEDS_8BITMIME: (EnhancedCode(5, 6, 3), Charge.DELIVERY),
    Kind.NEEDS_SMTPUTF8: (EnhancedCode(5, 6, 7), Charge.DELIVERY),
    Kind.NEEDS_REQUIRETLS: (EnhancedCode(5, 7, 30), Charge.DELIVERY),
    Kind.NEEDS_DELIVERBY: (EnhancedCode(5, 3, 3), Charge.DELIVERY),
    Kind.EXPIRED: (EnhancedCode(5, 4, 7), Charge.DELIVERY),
}


def _status(diagnosis: Diagnosis) -> EnhancedCode:
    own, reply = _ROWS[diagnosis.kind][0], diagnosis.reply
    if reply is None or reply.enhanced is None:
        return own
    # RFC 3464 2.3.4 wants the class to say what we do about it: 5yz in a greeting is a reason to try again (4).
    return EnhancedCode(own.kind, reply.enhanced.subject, reply.enhanced.detail)


@frozen(kw_only=True)
class Diagnosis:
    """Why an attempt did not deliver."""

    kind: Kind
    phase: Phase
    host: str | None = None
    """The remote host, as a name or as an address literal; None: it did not come to a host."""
    text: str = ""
    """Our own words. Printable, one line."""
    reply: Reply | None = None
    """What the host answered; None: no answer is the reason, or none was waited for."""
    status: EnhancedCode = field(default=Factory(_status, takes_self=True))
    """For the report (RFC 3463): the remote's own where it fits, else that of the kind."""

    @property
    def uncertain(self) -> bool:
        """Whether the message may have been taken all the same: its end was sent and nobody answered (RFC 1047)."""
        return self.phase is Phase.END and self.reply is None

    def __str__(self) -> str:
        """One line for people: host, phase and what was said."""
        said = str(self.reply) if self.reply is not None else f"{self.status} {self.text or self.kind.value}"
        where = f"{self.host} " if self.host else ""
        return f"{where}({self.phase.value}): {said}"
