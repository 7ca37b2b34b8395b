"""The log: one line for each fact that an operator may ask about.

Texts of peers were made printable when they were read, so a line is a line, whatever a host says.
"""

from __future__ import annotations

import logging
from typing import Final

from empath.mail.facts import BreakerMoved, DeliveryAttempted, DeliveryEnded, Fact, MessageAccepted, MessageRefused
from empath.mail.outcome import Bounced, Deferred, Delivered

_LOG: Final = logging.getLogger("empath.mail")


def log_fact(fact: Fact) -> None:
    """Write a fact down, if the level of the log lets it through."""
    if not _LOG.isEnabledFor(logging.INFO):
        return
    match fact:
        case MessageAccepted(message=message, envelope=envelope, size_bytes=size):
            sender, count = envelope.reverse_path or "", len(envelope.recipients)
            _LOG.info("%s accepted from=<%s> recipients=%d size=%d", message, sender, count, size)
        case MessageRefused(session=session, verb=verb, recipient=recipient, reply=reply):
            _LOG.info("%s refused %s to=<%s> reply=%s", session, verb.value, recipient or "", reply)
        case DeliveryAttempted(delivery=delivery, recipient=address, outcome=Delivered(reply, host)):
            _LOG.info("%s delivered to=<%s> host=%s reply=%s", delivery, address, host, reply)
        case DeliveryAttempted(delivery=delivery, recipient=address, outcome=Deferred(diagnosis)):
            _LOG.info("%s deferred to=<%s> %s", delivery, address, diagnosis)
        case DeliveryAttempted(delivery=delivery, recipient=address, outcome=Bounced(diagnosis)):
            _LOG.info("%s bounced to=<%s> %s", delivery, address, diagnosis)
        case DeliveryEnded(delivery=delivery, status=status):
            _LOG.info("%s %s", delivery, status.value)
        case BreakerMoved(site=site, before=before, after=after):
            _LOG.info("lane %s breaker %s -> %s", site, before, after)
