"""The parameters of MAIL and RCPT, as values: what each extension lets a client say about a transaction.

====================  ==========================================  ====================
parameter             meaning                                     source
====================  ==========================================  ====================
``SIZE``              octets the message will have, about         RFC 1870 6
``BODY``              what octets the message is made of          RFC 6152 2, 3030 3
``SMTPUTF8``          addresses and headers may be UTF-8          RFC 6531 3.4
``AUTH``              who submitted the message first             RFC 4954 5
``RET``, ``ENVID``    how much to return, and under what name     RFC 3461 4.3, 4.4
``NOTIFY``, ``ORCPT`` when to report, and on which recipient      RFC 3461 4.1, 4.2
``REQUIRETLS``        TLS at every hop or not at all              RFC 8689 4
``MT-PRIORITY``       -9 to 9                                     RFC 6710 5
``HOLDFOR``           seconds to keep the message back            RFC 4865 4
``HOLDUNTIL``         the moment before which to keep it back     RFC 4865 4
``BY``                the time by which to deliver it             RFC 2852 4
====================  ==========================================  ====================

How they are read and written is in ``params_text``.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum, Flag, auto
from typing import Final

from attrs import frozen


class Body(Enum):
    """What octets a message is made of."""

    SEVEN_BIT = "7BIT"
    EIGHT_BIT = "8BITMIME"
    BINARY = "BINARYMIME"
    """Understood, and never offered by our server: it would have to be converted for almost every next hop."""


class Return(Enum):
    """How much of the message a report on its failure returns."""

    FULL = "FULL"
    HEADERS = "HDRS"


class Notify(Flag):
    """When to report on a recipient. No flag at all is NEVER."""

    NEVER = 0
    SUCCESS = auto()
    FAILURE = auto()
    DELAY = auto()


class ByMode(Enum):
    """What to do when the time of BY has passed."""

    RETURN = "R"
    NOTIFY = "N"


@frozen
class DeliverBy:
    """``BY=seconds;mode``: ``seconds`` may be negative under NOTIFY (the time has passed already, further up)."""

    seconds: int
    mode: ByMode
    trace: bool = False
    """Whether each hop is to report that it passed the message on."""


@frozen
class OriginalRecipient:
    """``ORCPT``: the recipient as its sender first gave it, decoded."""

    kind: str
    """The address type, in lower case: ``rfc822``, ``utf-8`` or another."""
    address: str


@frozen(kw_only=True)
class MailParams:
    """What was said with MAIL; None or False: it was not said."""

    size: int | None = None
    body: Body | None = None
    smtputf8: bool = False
    auth: str | None = None
    """A mailbox, or ``<>`` when the submitter is unknown; decoded from xtext."""
    ret: Return | None = None
    envid: str | None = None
    """Decoded from xtext: printable ASCII."""
    requiretls: bool = False
    mt_priority: int | None = None
    hold_for_s: int | None = None
    hold_until: datetime | None = None
    """With its time zone."""
    by: DeliverBy | None = None


@frozen(kw_only=True)
class RcptParams:
    """What was said with RCPT; None: it was not said."""

    notify: Notify | None = None
    orcpt: OriginalRecipient | None = None


NO_MAIL_PARAMS: Final = MailParams()
NO_RCPT_PARAMS: Final = RcptParams()
