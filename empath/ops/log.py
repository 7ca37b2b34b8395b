"""The log: one line for each fact that an operator may ask about.

Texts of peers were made printable when they were read, so a line is a line, whatever a host says.
"""

from __future__ import annotations

import logging
from typing import Final

from empath.mail.delivery import Status
from empath.mail.facts import (
    BreakerMoved,
    ClientIntroduced,
    DeliveryAttempted,
    DeliveryEnded,
    Fact,
    LoginAccepted,
    LoginRefused,
    MessageAccepted,
    MessageRefused,
    ReportMade,
    SessionClosed,
    SessionOpened,
)
from empath.mail.failure_class import FailureClass
from empath.mail.outcome import Bounced, Deferred, Delivered

_LOG: Final = logging.getLogger("empath.mail")
_MOST_NAMED: Final = 10
"""A report on a thousand recipients is still one line that can be read."""


def log_fact(fact: Fact) -> None:
    """Write a fact down, if the level of the log lets it through."""
    if not _LOG.isEnabledFor(logging.INFO):
        return
    match fact:
        case SessionOpened(session=session, client_ip=client_ip, listener=listener):
            _LOG.debug("%s opened client=%s listener=%s", session, client_ip or "-", listener)
        case SessionClosed(session=session, client_ip=client_ip, messages=count, duration_s=took_s, reason=why):
            _LOG.debug(
                "%s closed client=%s messages=%d seconds=%.1f reason=%s", session, client_ip or "-", count, took_s, why
            )
        case LoginAccepted(session=session, client_ip=client_ip, login=login, mechanism=how):
            _LOG.info("%s login accepted client=%s mechanism=%s login=%s", session, client_ip or "-", how, login)
        case LoginRefused(session=session, client_ip=client_ip, login=login, mechanism=how, reason=why):
            # What a stranger wrote comes last, so that programs which look for addresses here are not misled by it.
            _LOG.info(
                "%s login refused (%s) client=%s mechanism=%s login=%s", session, why, client_ip or "-", how, login
            )
        case ClientIntroduced(session=session, client_ip=client_ip, login=login):
            _LOG.info("%s is for client=%s login=%s (XCLIENT)", session, client_ip or "-", login or "-")
        case MessageAccepted(message=message, session=session, envelope=envelope, size_bytes=size):
            client_ip = envelope.origin.client_ip if envelope.origin else None
            sender, count = envelope.reverse_path or "", len(envelope.recipients)
            _LOG.info(
                "%s accepted client=%s session=%s from=<%s> recipients=%d size=%d",
                message,
                client_ip or "-",
                session or "-",
                sender,
                count,
                size,
            )
        case MessageRefused(session=session, client_ip=client_ip, verb=verb, reply=reply):
            sender, to = fact.reverse_path or "", f" to=<{fact.recipient}>" if fact.recipient else ""
            _LOG.info(
                "%s refused %s client=%s from=<%s>%s reply=%s", session, verb.value, client_ip or "-", sender, to, reply
            )
        case DeliveryAttempted(delivery=delivery, recipient=address, outcome=Delivered(reply, host)):
            _LOG.info("%s delivered to=<%s> host=%s reply=%s", delivery, address, host, reply)
        case DeliveryAttempted(
            delivery=delivery, recipient=address, outcome=Deferred(diagnosis), failure_class=failure_class
        ):
            word = "uncertain" if diagnosis.uncertain else "deferred"
            _LOG.info("%s %s to=<%s> class=%s %s", delivery, word, address, _name(failure_class), diagnosis)
        case DeliveryAttempted(
            delivery=delivery, recipient=address, outcome=Bounced(diagnosis), failure_class=failure_class
        ):
            _LOG.info("%s bounced to=<%s> class=%s %s", delivery, address, _name(failure_class), diagnosis)
        case ReportMade(report=report, sender=sender, about=about):
            told = " ".join(f"{delivery}={action.value}" for delivery, action in about[:_MOST_NAMED])
            _LOG.info("%s reports to=<%s> %s%s", report, sender, told, " ..." if len(about) > _MOST_NAMED else "")
        case DeliveryEnded(status=Status.COMPLETED):
            pass  # "delivered" has said so
        case DeliveryEnded(delivery=delivery, status=status):
            _LOG.info("%s %s", delivery, status.value)
        case BreakerMoved(site=site, before=before, after=after):
            _LOG.info("lane %s breaker %s -> %s", site, before, after)


def _name(failure_class: FailureClass | None) -> str:
    return failure_class.value if failure_class else "-"
