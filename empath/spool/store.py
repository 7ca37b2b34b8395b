"""What a backend is: a store that is used by one thread at a time, one transaction at a time.

``empath.spool.grouped`` makes a ``Spool`` out of any of these. All methods but ``commit`` are called from within an
operation of a transaction, and neither wait nor commit by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import outcome

from empath.spool.committer import Operation
from empath.spool.contract import ANYTHING, Acceptance, Claimed, Damage, Demand, Fate, Statistics


class Store(Protocol):
    """Messages and deliveries, in transactions."""

    def commit(self, operations: Sequence[Operation[Store]], *, durable: bool) -> list[outcome.Outcome[object]]:
        """See ``committer.Transactions``."""

    def accept(self, acceptance: Acceptance) -> None:
        """Add a message with its deliveries."""

    def claim(self, *, now: float, until: float, latest: float, room: int, demand: Demand = ANYTHING) -> Claimed:
        """See ``contract.Spool``."""

    def sites_aside(self) -> frozenset[str]:
        """See ``contract.Spool``."""

    def record(self, fates: Iterable[Fate]) -> list[str]:
        """Write down the fates; the names of body files that no message needs any more."""

    def touch(self) -> None:
        """Write something that changes nothing: in a durable transaction, all that went before is durable then."""

    def body_files(self) -> set[str]:
        """The names of all body files that messages need."""

    def statistics(self) -> Statistics:
        """Count."""

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
