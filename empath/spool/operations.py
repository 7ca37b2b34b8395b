"""What some calls of a spool do within one transaction of its store."""

from __future__ import annotations

from collections.abc import Sequence

from empath.spool.contract import (
    MAX_RULES,
    Acceptance,
    Claim,
    Claimed,
    ClaimedDelivery,
    Damage,
    DeliveryKey,
    Demand,
    Fate,
    SpoolError,
    StoredRule,
)
from empath.spool.store import Store
from empath.spool.stored import StoredMessage


def claim_of(acceptance: Acceptance, number: int) -> Claim:
    """What a claim of all of a message would have come to, just after it was accepted."""
    return Claim(
        mid=acceptance.mid,
        received=acceptance.received,
        envelope=acceptance.envelope,
        body=acceptance.body,
        deliveries=tuple(
            [
                ClaimedDelivery(key=DeliveryKey(number, ordinal), domain=domain, attempts=0)
                for ordinal, domain in enumerate(acceptance.domains)
            ]
        ),
        read=acceptance.read,
    )


def message_of(store: Store, *, number: int) -> StoredMessage | Damage:
    """A message as it was accepted, or what is wrong with it."""
    return store.message(number)


def claim_due(store: Store, *, now: float, until: float, latest: float, room: int, demand: Demand) -> Claimed:
    """See ``contract.Spool.claim``."""
    return store.claim(now=now, until=until, latest=latest, room=room, demand=demand)


def record_and_accept(store: Store, *, fates: Sequence[Fate], reports: Sequence[Acceptance]) -> list[str]:
    """Write down fates and accept the reports on them; the files that nobody needs any more."""
    unneeded = store.record(fates)
    for report in reports:
        store.accept(report)
    return unneeded


def put_rule_within_bounds(store: Store, *, rule: StoredRule) -> None:
    """Keep a decision, unless there are as many others as are kept. Raises SpoolError."""
    others = [known for known in store.rules() if known.id != rule.id]
    if len(others) >= MAX_RULES:
        raise SpoolError(f"{len(others)} rules are kept already; remove one of them first")
    store.put_rule(rule)
