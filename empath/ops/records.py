"""Audit records: what is written of a fact.

One JSON object a line; the fields are described in ``docs/operators.rst``, and once released keep name and meaning. A
field that does not apply to an event, or is not known, is left out. ``seq`` counts the records of one run of the
daemon, so that a gap shows.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec
from attrs import frozen

from empath.mail.delivery import Status
from empath.mail.diagnosis import Diagnosis, Phase
from empath.mail.facts import (
    DeliveryAttempted,
    DeliveryEnded,
    LoginAccepted,
    LoginRefused,
    MessageAccepted,
    MessageRefused,
    OperatorActed,
    ReportMade,
)
from empath.mail.failure_class import FailureClass
from empath.mail.ids import MessageId
from empath.mail.outcome import Bounced, Deferred, Delivered
from empath.mail.reload_facts import ConfigReloaded
from empath.ops.redaction import Redactor

SCHEMA: Final = "empath.audit/1"
_COMMANDS: Final = {
    Phase.HELLO: "EHLO",
    Phase.STARTTLS: "STARTTLS",
    Phase.LOGIN: "AUTH",
    Phase.MAIL: "MAIL",
    Phase.RCPT: "RCPT",
    Phase.DATA: "DATA",
    Phase.END: ".",
}

Record = dict[str, object]


@frozen
class Mark:
    """Something that is no fact of mail: ``start`` and ``stop`` of the daemon."""

    at: float
    event: str


Auditable = (
    MessageAccepted
    | MessageRefused
    | DeliveryAttempted
    | DeliveryEnded
    | ReportMade
    | LoginAccepted
    | LoginRefused
    | OperatorActed
    | ConfigReloaded
    | Mark
)


def is_auditable(fact: object) -> bool:
    """Tell whether there is a record of this. The end of what was delivered is told by its last attempt."""
    if isinstance(fact, DeliveryEnded):
        return fact.status is not Status.COMPLETED
    return isinstance(fact, Auditable) and not isinstance(fact, Mark)


@frozen(kw_only=True)
class Recorder:
    """Writes records of one node. Its methods are pure, and may be called in any thread."""

    node: str
    redactor: Redactor

    def line(self, seq: int, fact: Auditable) -> bytes:
        """Return the line for a fact, with its end."""
        return msgspec.json.encode(self.record(seq, fact)) + b"\n"

    def record(self, seq: int, fact: Auditable) -> Record:
        """Return the same as a value."""
        record: Record = {"timestamp": int(fact.at)}
        match fact:
            case MessageAccepted():
                self._received(record, fact)
            case MessageRefused():
                self._rejected(record, fact)
            case DeliveryAttempted():
                self._attempt(record, fact)
            case DeliveryEnded():
                self._ended(record, fact)
            case ReportMade():
                self._told(record, fact)
            case LoginAccepted() | LoginRefused():
                self._login(record, fact)
            case OperatorActed():
                self._acted(record, fact)
            case ConfigReloaded():
                record |= _reloaded(fact)
            case Mark():
                record["event"] = fact.event
        moment = datetime.fromtimestamp(fact.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        record |= {"schema": SCHEMA, "time": moment, "seq": seq, "node": self.node}
        return {name: value for name, value in record.items() if value is not None}

    def _received(self, record: Record, fact: MessageAccepted) -> None:
        envelope, origin = fact.envelope, fact.envelope.origin
        record |= _message(fact.message) | {
            "event": "received",
            "sender": self.redactor.of_sender(str(envelope.reverse_path or "")),
            "recipients": [self.redactor.of_recipient(str(one.address)) for one in envelope.recipients],
            "size": fact.size_bytes,
            "session": str(fact.session) if fact.session else None,
            "duration_ms": _ms(fact.commit_s),
        }
        if origin is not None:
            record |= {"peer": origin.client_ip, "tls": origin.tls_version, "listener": origin.listener}

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

    def _attempt(self, record: Record, fact: DeliveryAttempted) -> None:
        sender, recipient = str(fact.reverse_path or ""), str(fact.recipient)
        record |= _message(fact.delivery.message) | {
            "event": "attempt",
            "delivery": str(fact.delivery),
            "sender": self.redactor.of_sender(sender),
            "recipients": [self.redactor.of_recipient(recipient)],
            "duration_ms": _ms(fact.took_s),
            "attempt_number": fact.attempt,
            "queue_ms": _ms(fact.waited_s),
            "lane": fact.site,
            "peer": fact.address,
            "tls": fact.tls_version,
        }
        match fact.outcome:
            case Delivered(reply, host):
                record |= {"outcome": "delivered", "mx_server": host, "command": ".", "class": "ok"}
                record |= {"smtp_response": str(reply), "code": reply.code}
                record |= {"enhanced": str(reply.enhanced) if reply.enhanced else None}
            case Deferred(diagnosis):
                outcome = "uncertain" if diagnosis.uncertain else "deferred"
                record |= {"outcome": outcome} | _why(diagnosis, fact.failure_class)
            case Bounced(diagnosis):
                record |= {"outcome": "bounced"} | _why(diagnosis, fact.failure_class)
        said = str(record["smtp_response"])
        record["smtp_response"] = self.redactor.of_text(said, sender=sender, recipient=recipient)

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
        record |= _message(fact.delivery.message) | {"event": event, "delivery": str(fact.delivery)}
        record |= {"report": str(fact.report) if fact.report else None}
        if fact.diagnosis is not None:
            record |= {"class": _name(fact.failure_class), "kind": fact.diagnosis.kind.value}
            record |= {"enhanced": str(fact.diagnosis.status)}

    def _acted(self, record: Record, fact: OperatorActed) -> None:
        record |= {
            "event": "operator",
            "verb": fact.verb,
            "by": fact.by,
            "reason": fact.why,
            # It may name addresses, and nobody knows where in it.
            "selector": None if self.redactor.hides_some else fact.selector,
            "count": fact.count,
            "skipped": fact.skipped,
            "job": fact.job,
        }

    def _told(self, record: Record, fact: ReportMade) -> None:
        record |= _message(fact.about[0][0].message) | {
            "event": "dsn",
            "report": str(fact.report),
            "recipients": [self.redactor.of_sender(str(fact.sender))],
            "about": {str(delivery): action.value for delivery, action in fact.about},
        }


def _reloaded(fact: ConfigReloaded) -> Record:
    return {
        "event": "reload",
        "by": fact.by,
        "outcome": "failed" if fact.problem else "applied",
        "applied": list(fact.applied),
        "needs_restart": list(fact.needs_restart),
        "problem": fact.problem,
    }


def _message(mid: MessageId) -> Record:
    return {"message_id": {"timestamp": mid.seconds, "id": mid.number}, "mid": str(mid)}


def _why(diagnosis: Diagnosis, failure_class: FailureClass | None) -> Record:
    reply = diagnosis.reply
    return {
        "mx_server": diagnosis.host,
        "smtp_response": str(reply) if reply is not None else diagnosis.text,
        "command": _COMMANDS.get(diagnosis.phase),
        "code": reply.code if reply is not None else None,
        "enhanced": str(diagnosis.status),
        "class": _name(failure_class),
        "kind": diagnosis.kind.value,
    }


def _name(failure_class: FailureClass | None) -> str | None:
    return failure_class.value if failure_class else None


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
