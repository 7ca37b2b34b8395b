"""The sender's wishes, as far as a host understands them: what MAIL says to it, or why the message cannot go there.

Some wishes are for us to know when a host does not: reports are then made by us or by nobody (DSN), and a priority is
lost. Others are conditions, and a message that cannot have them is not handed over: UTF-8 in addresses (RFC 6531 3.6),
its size (RFC 1870 6.1), TLS all the way (RFC 8689 4.2.1), delivery in time or return (RFC 2852 4.1.4.2).
"""

from __future__ import annotations

from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.envelope import Envelope
from empath.mail.failure import Failure, failure_of
from empath.smtp import ByMode, DeliverBy, Extensions, Mail, MailParams


def mail_for(
    envelope: Envelope, offered: Extensions, *, size_bytes: int | None, encrypted: bool, deliver_by: DeliverBy | None
) -> Mail:
    """The MAIL command for a host that offers ``offered``. Raises Failure if the message cannot go there.

    ``size_bytes``: None if that is not known. ``encrypted``: the connection is inside TLS.
    ``deliver_by``: what BY has to say now.
    """
    params = envelope.params
    if params.smtputf8 and "SMTPUTF8" not in offered:
        raise _unfit(Kind.NEEDS_SMTPUTF8, "the message needs SMTPUTF8, which the host does not offer")
    if offered.size is not None and size_bytes is not None and size_bytes > offered.size:
        raise _unfit(Kind.TOO_LARGE, f"the message has {size_bytes} octets, the host takes {offered.size}")
    if params.requiretls:
        _demand_tls(offered, encrypted=encrypted)
    if deliver_by is not None and deliver_by.mode is ByMode.RETURN:
        _demand_delivery_in_time(offered, deliver_by.seconds)
    dsn = "DSN" in offered
    return Mail(
        envelope.reverse_path,
        MailParams(
            size=size_bytes if "SIZE" in offered else None,
            body=params.body if "8BITMIME" in offered else None,
            smtputf8=params.smtputf8,
            ret=params.ret if dsn else None,
            envid=params.envid if dsn else None,
            requiretls=params.requiretls,
            mt_priority=params.mt_priority if "MT-PRIORITY" in offered else None,
            by=deliver_by if "DELIVERBY" in offered else None,
        ),
    )


def _demand_tls(offered: Extensions, *, encrypted: bool) -> None:
    """In clear, what a host offers means nothing: anybody on the way may have written it."""
    if not encrypted:
        raise _unfit(Kind.NEEDS_TLS, "the message must not go in clear, and there is no TLS here")
    if "REQUIRETLS" not in offered:
        raise _unfit(Kind.NEEDS_REQUIRETLS, "the message needs REQUIRETLS, which the host does not offer")


def _demand_delivery_in_time(offered: Extensions, left_s: int) -> None:
    """A host may say the shortest time that it can promise (RFC 2852 3)."""
    if "DELIVERBY" not in offered:
        raise _unfit(Kind.NEEDS_DELIVERBY, "the message is to come in time or back, and the host has no DELIVERBY")
    shortest = next(iter(offered.keywords["DELIVERBY"]), "")
    if shortest.isascii() and shortest.isdigit() and len(shortest) <= 9 and int(shortest) > left_s:
        raise _unfit(Kind.NEEDS_DELIVERBY, f"the message has {left_s} s left, and the host needs {shortest} s")


def _unfit(kind: Kind, text: str) -> Failure:
    return failure_of(Diagnosis(kind=kind, phase=Phase.MAIL, text=text))
