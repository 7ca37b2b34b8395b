"""The record of an attempt, which every message has at least one of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from attrs import define

from empath.mail.diagnosis import Phase
from empath.mail.facts import DeliveryAttempted
from empath.mail.outcome import Bounced, Delivered
from empath.ops.audit.redaction import Redactor
from empath.ops.audit.wording import SCHEMA, Record, class_name, milliseconds, moment

_COMMANDS: Final = {
    Phase.HELLO: "EHLO",
    Phase.STARTTLS: "STARTTLS",
    Phase.LOGIN: "AUTH",
    Phase.MAIL: "MAIL",
    Phase.RCPT: "RCPT",
    Phase.DATA: "DATA",
    Phase.END: ".",
}


@define(eq=False)
class Attempts:
    """Attempts of one message that differ in nothing but the recipient. They are one line."""

    facts: list[DeliveryAttempted]

    @property
    def at(self) -> float:
        """When they ended."""
        return self.facts[0].at

    def takes(self, fact: DeliveryAttempted) -> bool:
        """Whether this attempt is one of them."""
        first = self.facts[0]
        return (
            first.delivery.message is fact.delivery.message
            and self.facts[-1].delivery != fact.delivery
            and first.at == fact.at
            and first.attempt == fact.attempt
            and first.next_attempt == fact.next_attempt
            and first.outcome == fact.outcome
            and first.took_s == fact.took_s
        )


def attempt_record(seq: int, facts: Sequence[DeliveryAttempted], *, node: str, redactor: Redactor) -> Record:
    """Return the record of attempts that differ by recipient only.

    Every message has one of these, so it is put together in one go, and what does not always apply comes last.
    """
    fact = facts[0]
    mid, again = fact.delivery.message, fact.next_attempt
    outcome, host, said, more = _outcome(fact)
    sender = str(fact.reverse_path or "")
    recipients = [str(one.recipient) for one in facts]
    if redactor.hides_some:
        for recipient in recipients:
            said = redactor.of_text(said, sender=sender, recipient=recipient)
        sender, recipients = redactor.of_sender(sender), list(map(redactor.of_recipient, recipients))
    record: Record = {
        "timestamp": int(fact.at),
        "message_id": {"timestamp": mid.seconds, "id": mid.number},
        "sender": sender,
        "recipients": recipients,
        "mx_server": host,
        "outcome": outcome,
        "smtp_response": said,
        "duration_ms": milliseconds(fact.took_s),
        "attempt_number": fact.attempt,
        "schema": SCHEMA,
        "event": "attempt",
        "time": moment(fact.at),
        "seq": seq,
        "mid": str(mid),
        "node": node,
        "deliveries": [str(one.delivery) for one in facts],
        "lane": fact.site,
        "queue_ms": milliseconds(fact.waited_s),
        "size": fact.size_bytes,
        "next_attempt": None if again is None else moment(again),
    }
    if fact.address is not None:
        record["peer"] = fact.address
    if fact.tls_version is not None:
        record["tls"], record["tls_verified"] = fact.tls_version, fact.tls_verified
    if fact.trace_context is not None:
        record["trace_id"] = fact.trace_context.trace_id
    if fact.way or fact.stages:
        record["stages_ms"] = _stages_ms(fact.way + fact.stages)
    for name, value in more:
        if value is not None:
            record[name] = value
    return record


Said = tuple[tuple[str, str | int | None], ...]


def _outcome(fact: DeliveryAttempted) -> tuple[str, str | None, str, Said]:
    """The outcome, the host, what it said or what took the place of that, and further fields."""
    outcome = fact.outcome
    if isinstance(outcome, Delivered):
        reply, enhanced = outcome.reply, str(outcome.reply.enhanced) if outcome.reply.enhanced else None
        more: Said = (("command", "."), ("code", reply.code), ("enhanced", enhanced), ("class", "ok"))
        return "delivered", outcome.host, str(reply), more
    diagnosis, said = outcome.diagnosis, outcome.diagnosis.reply
    more = (
        ("command", _COMMANDS.get(diagnosis.phase)),
        ("code", None if said is None else said.code),
        ("enhanced", str(diagnosis.status)),
        ("class", class_name(fact.failure_class)),
        ("kind", diagnosis.kind.value),
    )
    name = "bounced" if isinstance(outcome, Bounced) else "uncertain" if diagnosis.uncertain else "deferred"
    return name, diagnosis.host, diagnosis.text if said is None else str(said), more


def _stages_ms(stages: Iterable[tuple[str, float]]) -> dict[str, int]:
    """A stage that there were several of is told as one."""
    found: dict[str, int] = {}
    for stage, took_s in stages:
        found[stage] = found.get(stage, 0) + milliseconds(took_s)
    return found
