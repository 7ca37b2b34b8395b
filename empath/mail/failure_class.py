"""What a failure is about, in the words of those who send mail: the class of a failure.

A kind (`empath.mail.diagnosis.Kind`) says what happened in the protocol, and decides what is done. A class says what
it was about, as far as a host has told: a full mailbox and a forbidden sender are both a recipient refused, but one of
them is worth another attempt next week, and the other a call. Classes decide nothing by themselves. They go into facts,
logs, the audit and the reports to senders, and configuration may choose a schedule of retries by them.
"""

from __future__ import annotations

from enum import Enum
from typing import Final


class FailureClass(Enum):
    """The class of a failure. The value is the word for rules files, configuration, logs and audit."""

    BAD_MAILBOX = "bad_mailbox"
    """There is no such mailbox, or no such address."""
    INACTIVE_MAILBOX = "inactive_mailbox"
    """There is one, and it takes no mail."""
    MAILBOX_FULL = "mailbox_full"
    BAD_DOMAIN = "bad_domain"
    """The domain does not exist, or takes no mail."""
    BAD_SENDER = "bad_sender"
    """The sender's address is not believed, or may not be used."""
    SPAM = "spam"
    """The content is taken for spam."""
    VIRUS = "virus"
    CONTENT = "content"
    """Something else about the content: its form, an attachment."""
    TOO_LARGE = "too_large"
    BLOCKED = "blocked"
    """Our address is on a list, or has a bad name."""
    AUTHENTICATION = "authentication"
    """SPF, DKIM, DMARC or the reverse name of our address do not satisfy the host."""
    RELAYING = "relaying"
    """The host does not take mail for the domain, or wants us to log in."""
    GREYLISTED = "greylisted"
    RATE_LIMITED = "rate_limited"
    """Too many messages, recipients or connections in a time."""
    POLICY = "policy"
    """A rule of the host that it does not explain."""
    LOOP = "loop"
    UNSUPPORTED = "unsupported"
    """The next hop lacks an extension that the message needs."""
    BUSY = "busy"
    """The host has trouble of its own: no room, no time, an error."""
    CONNECTION = "connection"
    """The host cannot be reached, or the connection broke."""
    UNCERTAIN = "uncertain"
    """The message was sent, and the answer got lost."""
    DNS = "dns"
    TLS = "tls"
    PROTOCOL = "protocol"
    """What was said did not make sense to the other side."""
    OTHER = "other"
    """Nobody can tell."""

    @property
    def sentence(self) -> str:
        """The same for people who write mail. ASCII."""
        return _SENTENCES[self]

    __hash__ = object.__hash__


_SENTENCES: Final = {
    FailureClass.BAD_MAILBOX: "There is no such mailbox. Please check the address.",
    FailureClass.INACTIVE_MAILBOX: "The mailbox takes no mail at present.",
    FailureClass.MAILBOX_FULL: "The mailbox is full.",
    FailureClass.BAD_DOMAIN: "The domain of the address does not exist or takes no mail. Please check the address.",
    FailureClass.BAD_SENDER: "The sender's address was not accepted.",
    FailureClass.SPAM: "The message was taken for spam.",
    FailureClass.VIRUS: "The message was taken for dangerous.",
    FailureClass.CONTENT: "Something in the content of the message was not accepted.",
    FailureClass.TOO_LARGE: "The message is larger than the recipient's side accepts.",
    FailureClass.BLOCKED: "The recipient's side accepts no mail from this mail system's address.",
    FailureClass.AUTHENTICATION: "The recipient's side could not verify where the message comes from.",
    FailureClass.RELAYING: "The host that was asked does not accept mail for the address.",
    FailureClass.GREYLISTED: "The recipient's side asked for the message to be sent again later.",
    FailureClass.RATE_LIMITED: "The recipient's side accepts no more mail from here for a while.",
    FailureClass.POLICY: "A rule of the recipient's side forbids the message.",
    FailureClass.LOOP: "The message went in a circle.",
    FailureClass.UNSUPPORTED: "The message needs something that the recipient's side does not offer.",
    FailureClass.BUSY: "The recipient's side had trouble of its own.",
    FailureClass.CONNECTION: "The recipient's side could not be reached.",
    FailureClass.UNCERTAIN: "The message was sent and never confirmed, so it may have arrived all the same.",
    FailureClass.DNS: "The recipient's side could not be found in DNS.",
    FailureClass.TLS: "The message could not be sent with the encryption that is required.",
    FailureClass.PROTOCOL: "The two mail systems did not understand each other.",
    FailureClass.OTHER: "",
}
