"""What is kept besides mail that waits: counts, quarantine, rules, fingerprints, what has ended; and all of it read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from attrs import define
from psycopg import errors

from empath.mail.ids import MessageId
from empath.spool.contract import (
    Acceptance,
    Damage,
    Retention,
    Statistics,
    StoredRule,
)
from empath.spool.postgres import statements as sql
from empath.spool.postgres import states
from empath.spool.postgres.listing import Listing
from empath.spool.postgres.tables import MESSAGES
from empath.spool.store import Purged
from empath.spool.stored import StoredMessage

DAMAGED: Final = (errors.DataCorrupted, errors.IndexCorrupted)
"""A page of a table cannot be read."""
_DAMAGE: Final = """
SELECT mid, reason FROM damage WHERE EXISTS (SELECT FROM delivery WHERE delivery.message = damage.message AND state = 4)
ORDER BY message
"""
_RELEASE: Final = """
UPDATE delivery SET state = 0, was = NULL, note = '', since = 0
WHERE state = 4 AND message IN (SELECT message FROM damage WHERE mid = %s) RETURNING 4, state
"""
OVER: Final = """
SELECT message, ordinal, state FROM (
    VALUES (6, %(failed_before)s, %(failed_after)s), (7, %(failed_before)s, %(failed_after)s),
        (8, %(trash_before)s, %(trash_after)s)
) AS kept (code, until, ahead), LATERAL (
    (SELECT message, ordinal, state FROM delivery WHERE state >= 6 AND state = code AND since <= until
    ORDER BY since LIMIT %(limit)s)
    UNION ALL
    (SELECT message, ordinal, state FROM delivery WHERE state >= 6 AND state = code AND since > ahead
    ORDER BY since LIMIT %(limit)s)
) AS over LIMIT %(limit)s
"""
_REMOVE: Final = """
DELETE FROM delivery USING unnest(%s::bigint[], %s::integer[]) AS over (of, at) WHERE message = of AND ordinal = at
"""
_PUT_RULE: Final = """
INSERT INTO rule VALUES (%s, %s, %b) ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, body = excluded.body
"""
_FORGET_SEEN: Final = """
DELETE FROM fingerprint WHERE digest = ANY(ARRAY(
    (SELECT digest FROM fingerprint WHERE at <= %s ORDER BY at LIMIT %s)
    UNION ALL
    (SELECT digest FROM fingerprint WHERE at > %s ORDER BY at LIMIT %s)
)) RETURNING 1
"""


@define(eq=False)
class Care(Listing):
    """See ``store.Store``."""

    def _retire(self, messages: Sequence[int]) -> list[str]:
        """Remove those of these messages that have no delivery any more; their body files."""
        if not messages:
            return []
        retired = self._rows(sql.RETIRE, list(messages))
        self._forget_damage(list(messages))
        self._count(MESSAGES, None, len(retired))
        return [body_file for (body_file,) in retired if body_file is not None]

    def statistics(self) -> Statistics:
        """See ``contract.Spool``."""
        self._settle()
        tally = Counter(self._tally)
        tally.update(self._more)
        return Statistics(
            messages=tally[MESSAGES],
            waiting=tally[states.PENDING] + tally[states.RETRY] + tally[states.UNCERTAIN],
            claimed=tally[states.CLAIMED],
            quarantined=tally[states.QUARANTINED],
            retry=tally[states.RETRY],
            uncertain=tally[states.UNCERTAIN],
            held=tally[states.HELD],
            failed=tally[states.FAILED],
            expired=tally[states.EXPIRED],
            deleted=tally[states.TRASH],
        )

    def quarantine(self) -> list[Damage]:
        """See ``contract.Spool``."""
        return [Damage(mid=mid, reason=reason) for mid, reason in self._rows(_DAMAGE)]

    def release(self, mid: str) -> int:
        """See ``contract.Spool``."""
        released = self._rows(_RELEASE, mid)
        for before, after in released:
            self._count(before, after)
        self._forget_damage([message for (message,) in self._rows("SELECT message FROM damage WHERE mid = %s", mid)])
        return len(released)

    def rules(self) -> list[StoredRule]:
        """See ``contract.Spool``."""
        found = self._rows('SELECT id, kind, body FROM rule ORDER BY id COLLATE "C"')
        return [StoredRule(id=name, kind=kind, body=body) for name, kind, body in found]

    def put_rule(self, rule: StoredRule) -> None:
        """See ``contract.Spool``."""
        self._do(_PUT_RULE, rule.id, rule.kind, rule.body)

    def remove_rule(self, rule_id: str) -> bool:
        """See ``contract.Spool``."""
        return bool(self._rows("DELETE FROM rule WHERE id = %s RETURNING 1", rule_id))

    def _repeated(self, acceptance: Acceptance) -> MessageId | None:
        """The name of the message that this is another copy of; else its fingerprint is remembered."""
        fingerprint = acceptance.fingerprint
        if fingerprint is None:
            return None
        for (mid,) in self._rows(sql.KNOWN, fingerprint.digest, fingerprint.since):
            return MessageId.parse(mid)
        self._do(sql.REMEMBER, fingerprint.digest, acceptance.received, str(acceptance.mid))
        return None

    def purge(self, *, now: float, retention: Retention, limit: int) -> Purged:
        """See ``store.Store``."""
        asked: dict[str, object] = {"limit": limit + 1}
        for name, kept_s in (("failed", retention.failed_s), ("trash", retention.trash_s)):
            asked |= {f"{name}_before": now - kept_s, f"{name}_after": now + kept_s}
        over = self._named(OVER, asked)
        gone = over[:limit]
        self._do(_REMOVE, [message for message, _, _ in gone], [ordinal for _, ordinal, _ in gone])
        for _, _, state in gone:
            self._count(state, None)
        kept_s = retention.fingerprints_s
        forgotten = self._rows(_FORGET_SEEN, now - kept_s, limit, now + kept_s, limit)
        files = self._retire(sorted({message for message, _, _ in gone}))
        return Purged(len(gone), files, is_all=len(over) <= limit and len(forgotten) < limit)

    def message(self, number: int) -> StoredMessage | Damage:
        """See ``store.Store``. A page of its row may be unreadable without harm to any other row."""
        if number in self._unreadable:
            return Damage(mid=nameless(number), reason="its row cannot be read")
        found = self._look(sql.READ, number)
        if not found:
            return Damage(mid=nameless(number), reason="its row is not there")
        row = StoredMessage(*found[0])
        return row.damage() or row

    def _look(self, query: str, message: int) -> list[tuple[Any, ...]]:
        """Read columns of a message. If that fails the transaction is good for nothing, but can be made again."""
        try:
            return self._rows(query, message)
        except DAMAGED:
            self._unreadable.add(message)
            raise

    def tend(self) -> bool:
        """See ``store.Store``. The server does it by itself (autovacuum)."""
        return False


def nameless(message: int) -> str:
    """What to call a message whose name is not known."""
    return f"number {message}"
