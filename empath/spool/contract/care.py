"""What is kept besides mail, and what keeping it all in order comes to."""

from __future__ import annotations

from enum import Enum
from typing import Final

from attrs import frozen

MAX_RULE_BYTES: Final = 64 * 1024
MAX_RULES: Final = 10_000
"""Decisions of operators that are kept. No key sets this: people make tens of them, and all are in memory; so many are
made by a script that has gone astray. Who needs more has classes and next hops in the configuration.
"""


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


class Fault(Enum):
    """What may be wrong with what is kept."""

    DAMAGED = "damaged"
    """A message is not what was accepted. It goes to quarantine when it is due."""
    QUARANTINED = "quarantined"
    """A message was found to be damaged, and is kept and not sent."""
    DATABASE = "database"
    """What SQLite says about its own structures."""
    LEFTOVER = "leftover"
    """A file that nobody needs. The next start removes it; nothing is wrong."""


@frozen
class Finding:
    """One thing that is not as it should be."""

    state: Fault
    name: str
    """The message, if it is about one; else the file."""
    detail: str


@frozen(kw_only=True)
class Backup:
    """What a backup has."""

    at: float
    """Wall clock: its mail is that of this moment or a later one."""
    messages: int
    files: int
    """Body files."""
    missing: tuple[str, ...]
    """Body files that messages need and that were not what was accepted. These messages will be in quarantine."""


@frozen(kw_only=True)
class Verified:
    """What a look at a part of the spool has found."""

    messages: int = 0
    deliveries: int = 0
    files: int = 0
    """Body files that messages need."""
    size_bytes: int = 0
    """Of the bodies."""
    findings: tuple[Finding, ...] = ()
    cursor: str | None
    """Where to go on; None: all was looked at."""
