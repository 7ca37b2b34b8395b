"""What a SQLite store keeps besides mail that waits: rules, fingerprints, what has ended; and the list for people."""

from __future__ import annotations

from typing import Final

import apsw
from attrs import define, field

from empath.mail.ids import MessageId
from empath.spool import statements as sql
from empath.spool.contract import Acceptance, DeliveryKey, Retention, StoredRule
from empath.spool.tally import EXPIRED, FAILED, TRASH

PORTION: Final = 1000
"""Deliveries that are listed in one transaction."""


@define(eq=False)
class Listing:
    """Enters what has waited for a while into the indexes that people use; see ``finding``."""

    _connection: apsw.Connection
    upto: int = field(init=False, default=0)
    """Up to this message all rows are listed, and behind it none is."""
    _goal: int = field(init=False, default=0)
    """What was accepted up to here has waited for a while."""

    def open(self) -> None:
        """See how far it has come."""
        ((self.upto,),) = self._connection.execute(sql.LISTED)

    def go_on(self, latest: int) -> bool:
        """List a portion of what was here the time before; whether there is more. ``latest``: the latest message."""
        goal = self._goal
        if goal <= self.upto:
            self._goal = latest
            return False
        ((found,),) = self._connection.execute(sql.NUMBERED, (self.upto, goal, PORTION))
        last: int | None = found
        if last is None:
            self.upto = goal
            return False
        self._connection.execute(sql.LIST, (self.upto, last))
        self._connection.execute(sql.SET_LISTED, (last,))
        self.upto = last
        return last < goal


@define(eq=False)
class Keeping:
    """See the module."""

    _connection: apsw.Connection

    def rules(self) -> list[StoredRule]:
        """See ``contract.Spool``."""
        return [StoredRule(id=name, kind=kind, body=body) for name, kind, body in self._connection.execute(sql.RULES)]

    def put_rule(self, rule: StoredRule) -> None:
        """See ``contract.Spool``."""
        self._connection.execute(sql.PUT_RULE, (rule.id, rule.kind, rule.body))

    def remove_rule(self, rule_id: str) -> bool:
        """See ``contract.Spool``."""
        self._connection.execute(sql.REMOVE_RULE, (rule_id,))
        return self._connection.changes() > 0

    def repeated(self, acceptance: Acceptance) -> MessageId | None:
        """The name of the message that this is another copy of; else its fingerprint is remembered."""
        fingerprint = acceptance.fingerprint
        if fingerprint is None:
            return None
        for (mid,) in self._connection.execute(sql.SEEN, (fingerprint.digest, fingerprint.since)):
            return MessageId.parse(mid)
        self._connection.execute(sql.SEE, (fingerprint.digest, acceptance.received, str(acceptance.mid)))
        return None

    def over(self, *, now: float, retention: Retention, limit: int) -> list[tuple[DeliveryKey, int]]:
        """What was kept long enough, each with its state; up to ``limit``."""
        kept = ((FAILED, retention.failed_s), (EXPIRED, retention.failed_s), (TRASH, retention.trash_s))
        found: list[tuple[DeliveryKey, int]] = []
        for code, kept_s in kept:
            for statement, moment in ((sql.OVER, now - kept_s), (sql.AHEAD, now + kept_s)):
                rows = self._connection.execute(statement, (code, moment, limit - len(found)))
                found += [(DeliveryKey(message, ordinal), claimed) for message, ordinal, claimed in rows]
        return found

    def forget_seen(self, *, now: float, kept_s: float, limit: int) -> int:
        """Forget up to ``limit`` fingerprints that are too old, or from a time that has not come; how many."""
        self._connection.execute(sql.FORGET_SEEN, (now - kept_s, now + kept_s, limit))
        return self._connection.changes()
