"""What the event topic says of a fact: the audit record, and a few words on lanes that the audit log does not have."""

from __future__ import annotations

from typing import Final

from attrs import evolve

from empath.mail.facts import (
    BreakerMoved,
    DeliveryAttempted,
    DeliveryEnded,
    Fact,
    LaneSteered,
    LoginAccepted,
    LoginRefused,
    MessageAccepted,
    MessageRefused,
    ReportMade,
)
from empath.mail.operator_facts import OperatorActed, OperatorLogin, RuleEnded, RuleSet
from empath.ops.audit.records import Auditable, Mark, Recorder, is_auditable
from empath.ops.audit.wording import Record
from empath.ops.live.tables import Row

TOLD: Final = frozenset(
    {
        *(MessageAccepted, MessageRefused, DeliveryAttempted, DeliveryEnded, ReportMade, LoginAccepted, LoginRefused),
        *(OperatorActed, OperatorLogin, BreakerMoved, LaneSteered, RuleSet, RuleEnded),
    }
)
"""The facts that there may be records of."""
OF_LANES: Final = (BreakerMoved, LaneSteered, RuleSet, RuleEnded)
MAX_RECIPIENTS: Final = 20
"""Of one message that are named: a record must not become as long as a client likes."""


def is_long(fact: Fact) -> bool:
    """Whether a fact has more recipients than are named."""
    return isinstance(fact, MessageAccepted) and len(fact.envelope.recipients) > MAX_RECIPIENTS


def record_of(recorder: Recorder, seq: int, fact: Fact) -> Record | None:
    """Return the record; None: there is none of this fact."""
    if isinstance(fact, OperatorActed) and fact.deliveries and fact.job is not None:
        return None  # one of many portions of a job, whose end is told
    if isinstance(fact, Auditable) and is_auditable(fact) and not isinstance(fact, OF_LANES):
        if not isinstance(fact, MessageAccepted) or not is_long(fact):
            return recorder.record(seq, fact)
        envelope = fact.envelope
        named = evolve(fact, envelope=evolve(envelope, recipients=envelope.recipients[:MAX_RECIPIENTS]))
        return recorder.record(seq, named) | {"more_recipients": len(envelope.recipients) - MAX_RECIPIENTS}
    said = _of_lanes(fact)
    if said is None:
        return None
    return recorder.record(seq, Mark(at=fact.at, event=str(said["event"]))) | said


def _of_lanes(fact: Fact) -> Record | None:
    said: Record
    match fact:
        case BreakerMoved():
            said = {"event": "breaker", "lane": fact.site, "before": fact.before, "after": fact.after}
            said |= {"until": fact.until}
        case LaneSteered():
            said = {"event": "steered", "lane": fact.site, "action": fact.action, "cause": fact.cause}
        case RuleSet():
            said = {"event": "rule_set", "rule": fact.rule, "kind": fact.kind, "scope": fact.scope, "by": fact.by}
            said |= {"reason": fact.why, "until": fact.until}
        case RuleEnded():
            said = {"event": "rule_ended", "rule": fact.rule, "kind": fact.kind, "scope": fact.scope, "by": fact.by}
            said |= {"reason": fact.why or None}
        case _:
            return None
    return {name: value for name, value in said.items() if value is not None}


def sought(record: Record) -> Row:
    """Return what a filter looks at: the record, its event as ``type`` too, and the ``domain`` of each recipient."""
    recipients = record.get("recipients")
    named = recipients if isinstance(recipients, list) else []
    domains = [str(one).rpartition("@")[2] for one in named]
    return {**record, "type": record.get("event"), "domain": domains}
