"""Rules as bytes, for the spool: JSON, so that an operator can read what lies there."""

from __future__ import annotations

from typing import Final

import msgspec

from empath.mail.failure import DamagedRecord
from empath.policy.steering.rule import OperatorRule, RuleKind, Scope

_MAX_WORDS: Final = 1000
"""Of who and why, so many characters are kept."""


class _Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    by: str
    why: str
    created: float
    until: float | None = None
    lane: str | None = None
    domain: str | None = None
    sender: str | None = None
    rate_per_s: float | None = None
    connections: int | None = None
    next_hop: str | None = None


_DECODER: Final = msgspec.json.Decoder(_Rule)


def encode_rule(rule: OperatorRule) -> bytes:
    """The body of a rule. Its name and its kind stand beside it."""
    scope = rule.scope
    return msgspec.json.encode(
        _Rule(
            by=rule.by[:_MAX_WORDS],
            why=rule.why[:_MAX_WORDS],
            created=rule.created,
            until=rule.until,
            lane=scope.lane,
            domain=scope.domain,
            sender=scope.sender,
            rate_per_s=rule.rate_per_s,
            connections=rule.connections,
            next_hop=rule.next_hop,
        )
    )


def decode_rule(name: str, kind: str, body: bytes) -> OperatorRule:
    """The rule of this name. A DamagedRecord: it is none that this version knows."""
    try:
        known, packed = RuleKind(kind), _DECODER.decode(body)
    except (ValueError, msgspec.DecodeError) as problem:
        raise DamagedRecord(f"the rule {name} of kind {kind} cannot be read: {problem}") from problem
    return OperatorRule(
        id=name,
        kind=known,
        scope=Scope(lane=packed.lane, domain=packed.domain, sender=packed.sender),
        by=packed.by,
        why=packed.why,
        created=packed.created,
        until=packed.until,
        rate_per_s=packed.rate_per_s,
        connections=packed.connections,
        next_hop=packed.next_hop,
    )
