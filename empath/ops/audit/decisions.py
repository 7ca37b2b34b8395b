"""What is written of operators: what they decided and did, to mail, to lanes, to the daemon, and that they logged in.

Each of these records has ``by``; ``reason``, ``selector``, ``count`` and ``job`` as far as there are any. What people
write may name addresses, and nobody can tell where in it: if addresses are hidden, text with an @ is left out.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from empath.mail.operator_facts import OperatorActed, OperatorLogin, RuleEnded, RuleSet
from empath.mail.reload_facts import ConfigReloaded
from empath.ops.audit.redaction import Redactor

Decision = OperatorActed | OperatorLogin | RuleSet | RuleEnded | ConfigReloaded

_EVENTS: Final = {
    "hold": "held",
    "release": "released",
    "undelete": "released",
    "delete": "deleted",
    "bounce": "bounced",
    "fail": "bounced",
    "backup": "backup",
    "undo hold": "released",
    "undo release": "held",
    "undo undelete": "deleted",
    "undo delete": "released",
    "undo bounce": "released",
}
_OF_THE_CONFIGURATION: Final = ("log ", "revoke token")
"""How verbs begin by which an operator changes what runs, beside its files."""
_OVER_THE_CONFIGURATION: Final = frozenset({"overlay", "route"})
"""Rules that lay something else over what the files say; all others stop something."""


def event_of(verb: str) -> str:
    """What a record of this verb is called. ``operator``: none of the words that have one of their own."""
    if verb.startswith(_OF_THE_CONFIGURATION):
        return "config"
    return _EVENTS.get(verb, "operator")


def of_decision(fact: Decision, redactor: Redactor) -> dict[str, object]:
    """Return what is written of it, beside what all records have."""
    match fact:
        case OperatorActed():
            return _acted(fact, redactor)
        case OperatorLogin():
            return {
                "event": "login",
                "by": fact.by or None,
                "peer": fact.peer,
                "outcome": "accepted" if fact.accepted else "refused",
            }
        case RuleSet() | RuleEnded():
            return _rule(fact, redactor)
        case ConfigReloaded():
            return {
                "event": "reload",
                "by": fact.by,
                "outcome": "failed" if fact.problem else "applied",
                "applied": list(fact.applied),
                "needs_restart": list(fact.needs_restart),
                "problem": fact.problem,
            }


def _acted(fact: OperatorActed, redactor: Redactor) -> dict[str, object]:
    return {
        "event": event_of(fact.verb),
        "verb": fact.verb,
        "by": fact.by,
        "reason": redactor.of_words(fact.why),
        "selector": redactor.of_words(fact.selector),
        "count": fact.count,
        "skipped": fact.skipped,
        "job": fact.job,
        "deliveries": list(fact.deliveries) or None,
    }


def _rule(fact: RuleSet | RuleEnded, redactor: Redactor) -> dict[str, object]:
    """An overlay is told of when it is set and when it ends; what stops something is suspended and resumed."""
    begins = isinstance(fact, RuleSet)
    event = "overlay" if fact.kind in _OVER_THE_CONFIGURATION else "suspended" if begins else "resumed"
    told: dict[str, object] = {
        "event": event,
        "verb": "set" if begins else "end",
        "by": fact.by or "time",
        "selector": redactor.of_words(fact.scope),
        "rule": fact.rule,
        "kind": fact.kind,
    }
    if isinstance(fact, RuleEnded) and fact.why:
        told["reason"] = redactor.of_words(fact.why)
    if isinstance(fact, RuleSet):
        until = None if fact.until is None else datetime.fromtimestamp(fact.until, UTC)
        told |= {"reason": redactor.of_words(fact.why), "terms": fact.terms or None}
        told |= {"until": None if until is None else until.isoformat(timespec="seconds").replace("+00:00", "Z")}
    return told
