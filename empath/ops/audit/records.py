"""What is written of a fact: one JSON object a line.

The fields are described in ``docs/audit.rst``, and once released keep name and meaning. A field that does not apply to
an event, or is not known, is left out; but an attempt always has all that make it one. What operators did stands in
`empath.ops.audit.decisions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, get_args

import msgspec
from attrs import field, frozen

from empath.mail.delivery import Status
from empath.mail.facts import (
    DeliveryAttempted,
    DeliveryEnded,
    LoginAccepted,
    LoginRefused,
    MessageAccepted,
    MessageRefused,
    ReportMade,
)
from empath.mail.ids import MessageId
from empath.ops.audit.attempts import Attempts, attempt_record
from empath.ops.audit.decisions import Decision, of_decision
from empath.ops.audit.redaction import Redactor
from empath.ops.audit.wording import SCHEMA, Record, class_name, milliseconds, moment


@frozen
class Mark:
    """Something that is no fact of mail: the daemon starts or stops, a backup was brought back."""

    at: float
    event: str
    more: Mapping[str, object] = field(factory=dict)


Auditable = (
    MessageAccepted
    | MessageRefused
    | DeliveryAttempted
    | DeliveryEnded
    | ReportMade
    | LoginAccepted
    | LoginRefused
    | Decision
    | Mark
)


_AUDITABLE: Final = frozenset(get_args(Auditable)) - {Mark}


def is_auditable(fact: object) -> bool:
    """Tell whether there is a record of this. The end of what was delivered is told by its last attempt."""
    if isinstance(fact, DeliveryEnded):
        return fact.status is not Status.COMPLETED
    return type(fact) in _AUDITABLE


@frozen(kw_only=True)
class Recorder:
    """Writes records of one node. Its methods are pure, and may be called in any thread."""

    node: str
    redactor: Redactor

    def line(self, seq: int, fact: Auditable | Attempts) -> bytes:
        """Return the line for a fact, with its end."""
        return msgspec.json.encode(self.record(seq, fact)) + b"\n"

    def record(self, seq: int, fact: Auditable | Attempts) -> Record:
        """Return the same as a value."""
        record: Record = {"timestamp": int(fact.at)}
        match fact:
            case Attempts():
                return attempt_record(seq, fact.facts, node=self.node, redactor=self.redactor)
            case DeliveryAttempted():
                return attempt_record(seq, (fact,), node=self.node, redactor=self.redactor)
            case MessageAccepted():
                self._received(record, fact)
            case MessageRefused():
                self._rejected(record, fact)
            case DeliveryEnded():
                self._ended(record, fact)
            case ReportMade():
                self._told(record, fact)
            case LoginAccepted() | LoginRefused():
                self._login(record, fact)
            case Mark():
                record |= {"event": fact.event, **fact.more}
            case _:
                record |= of_decision(fact, self.redactor)
        record |= {"schema": SCHEMA, "time": moment(fact.at), "seq": seq, "node": self.node}
        return {name: value for name, value in record.items() if value is not None}

    def _received(self, record: Record, fact: MessageAccepted) -> None:
        envelope, origin = fact.envelope, fact.envelope.origin
        record |= _message(fact.message) | {
            "event": "received",
            "sender": self.redactor.of_sender(str(envelope.reverse_path or "")),
            "recipients": [self.redactor.of_recipient(str(one.address)) for one in envelope.recipients],
            "size": fact.size_bytes,
            "session": str(fact.session) if fact.session else None,
            "duration_ms": milliseconds(fact.commit_s),
            "trace_id": None if envelope.trace_context is None else envelope.trace_context.trace_id,
        }
        if origin is not None:
            record |= {"peer": origin.client_ip, "hello": origin.hello, "tls": origin.tls_version}
            record |= {"login": self.redactor.of_sender(origin.user) if origin.user else None}
            record |= {"listener": origin.listener}

    def _rejected(self, record: Record, fact: MessageRefused) -> None:
        sender, recipient = str(fact.reverse_path or ""), str(fact.recipient or "")
        record |= {
            "event": "rejected",
            "session": str(fact.session),
            "peer": fact.client_ip,
            "sender": self.redactor.of_sender(sender),
            "recipients": [self.redactor.of_recipient(recipient)] if recipient else [],
            "command": fact.verb.value,
            "smtp_response": self.redactor.of_text(str(fact.reply), sender=sender, recipient=recipient),
            "code": fact.reply.code,
            "enhanced": str(fact.reply.enhanced) if fact.reply.enhanced else None,
        }

    def _login(self, record: Record, fact: LoginAccepted | LoginRefused) -> None:
        outcome, reason = ("refused", fact.reason) if isinstance(fact, LoginRefused) else ("accepted", "ok")
        record |= {
            "event": "auth",
            "session": str(fact.session),
            "peer": fact.client_ip,
            "login": self.redactor.of_sender(fact.login),
            "mechanism": fact.mechanism,
            "outcome": outcome,
            "class": reason,
        }

    def _ended(self, record: Record, fact: DeliveryEnded) -> None:
        event = "expired" if fact.status is Status.EXPIRED else "bounced"
        record |= _message(fact.delivery.message)
        if fact.recipient is not None:
            record |= {
                "sender": self.redactor.of_sender(str(fact.reverse_path or "")),
                "recipients": [self.redactor.of_recipient(str(fact.recipient))],
            }
        record |= {"event": event, "deliveries": [str(fact.delivery)]}
        record |= {"report": str(fact.report) if fact.report else None}
        if fact.diagnosis is not None:
            record |= {"class": class_name(fact.failure_class), "kind": fact.diagnosis.kind.value}
            record |= {"enhanced": str(fact.diagnosis.status)}

    def _told(self, record: Record, fact: ReportMade) -> None:
        record |= _message(fact.about[0][0].message) | {
            "event": "dsn",
            "report": str(fact.report),
            "recipients": [self.redactor.of_sender(str(fact.sender))],
            "about": {str(delivery): action.value for delivery, action in fact.about},
        }


def _message(mid: MessageId) -> Record:
    return {"message_id": {"timestamp": mid.seconds, "id": mid.number}, "mid": str(mid)}
