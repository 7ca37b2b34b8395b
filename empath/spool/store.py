"""What a backend is: a store that is used by one thread at a time, one transaction at a time.

``empath.spool.grouped`` makes a ``Spool`` out of any of these. All methods but ``commit`` and ``close`` are called from
within an operation of a transaction, and neither wait nor commit by themselves. Those that take a limit return soon,
whatever the store holds: what is long is done by many calls, with other transactions between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import outcome
from attrs import frozen

from empath.mail.ids import MessageId
from empath.spool.checking import Checked
from empath.spool.committer import Operation
from empath.spool.contract import (
    ANYTHING,
    Acceptance,
    Action,
    Claimed,
    Damage,
    DeliveryKey,
    Demand,
    Fate,
    Retention,
    Row,
    Selector,
    Statistics,
    StoredRule,
)
from empath.spool.copying import Copying
from empath.spool.stored import StoredMessage


@frozen
class Look:
    """What a look at some of the deliveries has found."""

    rows: list[Row]
    """Those that are meant, in the order of their keys."""
    after: DeliveryKey | None
    """How far it went: the next look begins behind this. None: to the end."""


@frozen
class Purged:
    """What was removed for good."""

    deliveries: int
    files: list[str]
    """The body files that no message needs any more."""
    is_all: bool
    """Whether nothing is left to be removed now."""


class Store(Protocol):
    """Messages and deliveries, in transactions."""

    def commit(self, operations: Sequence[Operation[Store]], *, durable: bool) -> list[outcome.Outcome[object]]:
        """See ``committer.Transactions``."""

    def accept(self, acceptance: Acceptance, claimed_until: float | None = None) -> int | MessageId:
        """Add a message with its deliveries, claimed from the start if ``claimed_until`` says so; its number.

        Its fingerprint is remembered, if it has one. A name in place of the number: that of the message that came at
        ``fingerprint.since`` or later with the same digest, whether it still is here or not; then nothing was added.
        """

    def claim(self, *, now: float, until: float, latest: float, room: int, demand: Demand = ANYTHING) -> Claimed:
        """See ``contract.Spool``."""

    def claim_rows(self, rows: Sequence[Row], *, until: float) -> Claimed:
        """Claim these, which were found in this transaction and neither are in progress nor have ended."""

    def sites_aside(self) -> frozenset[str]:
        """See ``contract.Spool``."""

    def record(self, fates: Iterable[Fate]) -> list[str]:
        """Write down the fates; the names of body files that no message needs any more."""

    def message(self, number: int) -> StoredMessage | Damage:
        """A message as it was accepted, or what is wrong with it. A body file is not looked at."""

    def find(self, selector: Selector, *, now: float, after: DeliveryKey | None, limit: int) -> Look:
        """Up to ``limit`` deliveries with a key behind ``after`` that a selector chooses, in the order of their keys.

        It may look at a bounded number only, and find fewer or none before it has come to the end.
        """

    def apply(self, action: Action, rows: Sequence[Row], *, now: float) -> None:
        """Do something to rows that were found in this transaction, for all of which it is."""

    def rules(self) -> list[StoredRule]:
        """See ``contract.Spool``."""

    def put_rule(self, rule: StoredRule) -> None:
        """See ``contract.Spool``. That it is not too large was seen to."""

    def remove_rule(self, rule_id: str) -> bool:
        """See ``contract.Spool``."""

    def purge(self, *, now: float, retention: Retention, limit: int) -> Purged:
        """Remove up to ``limit`` deliveries, and fingerprints, that were kept long enough; see ``contract.Spool``."""

    def touch(self) -> None:
        """Write something that changes nothing: in a durable transaction, all that went before is durable then."""

    def tend(self) -> bool:
        """Do a little for being fast and small; whether there is more to do."""

    def check(self, *, after: int | None, limit: int) -> Checked:
        """Look at up to ``limit`` messages with a number behind ``after``, in the order of their numbers."""

    def needed(self, names: Sequence[str]) -> set[str]:
        """Those of these body files that messages need."""

    def begin_copy(self, directory: str) -> Copying:
        """Begin a copy of the store in an empty directory, which goes on after each transaction; the one before ends.

        A SpoolError: this kind of store is not copied here; it says how else.
        """

    def copies_on(self) -> bool:
        """Copy a portion after this transaction, and after no other; whether there is more. A SpoolError: it failed."""

    def end_copy(self) -> None:
        """Copy no further."""

    def body_files(self) -> set[str]:
        """The names of all body files that messages need."""

    def statistics(self) -> Statistics:
        """Count, without looking at all there is."""

    def quarantine(self) -> list[Damage]:
        """See ``contract.Spool``."""

    def release(self, mid: str) -> int:
        """See ``contract.Spool``."""

    def identity(self) -> str | None:
        """The token that this store was given; None: none yet."""

    def identify(self, token: str) -> None:
        """Take a token, once, which the directory of the body files has too."""

    def close(self) -> None:
        """End the use of the store."""
