"""What is kept besides mail, and what keeping it all in order comes to."""

from __future__ import annotations

from typing import Final

from attrs import frozen

MAX_RULE_BYTES: Final = 64 * 1024
MAX_RULES: Final = 10_000


@frozen(kw_only=True)
class StoredRule:
    """A decision of an operator that outlives the process: a suspension, an overlay, a hold."""

    id: str
    """Its name: there is one rule of a name."""
    kind: str
    body: bytes
    """At most ``MAX_RULE_BYTES``. The spool keeps it and does not read it."""


@frozen(kw_only=True)
class Retention:
    """How long what has ended is kept. Seconds; 0: until the next ``purge``."""

    failed_s: float
    """What has failed or expired."""
    trash_s: float
    """What was deleted."""
    fingerprints_s: float = 0.0
    """The fingerprints of messages."""


@frozen(kw_only=True)
class Statistics:
    """How much there is."""

    messages: int
    """Of which a delivery is here, one that has ended and is kept included."""
    waiting: int
    """Deliveries that wait for their next attempt: pending, retry and uncertain."""
    claimed: int
    """Deliveries that are being attempted: in progress."""
    quarantined: int = 0
    """Deliveries of messages that are damaged."""
    retry: int = 0
    """Of those that wait: the latest attempt was deferred."""
    uncertain: int = 0
    """Of those that wait: they may have arrived."""
    held: int = 0
    """Deliveries on hold, without those in quarantine."""
    failed: int = 0
    expired: int = 0
    deleted: int = 0
    """Deliveries in the trash, whatever they were before."""
    undeleted_files: int = 0
    """Body files that no message needs, and that could not be removed so far."""
    deletion_failures: int = 0
    """How often a body file could not be removed, since the spool was opened."""

    @property
    def pending(self) -> int:
        """Of those that wait: no failure lies behind them that they wait for."""
        return self.waiting - self.retry - self.uncertain
