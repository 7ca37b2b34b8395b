"""What is in memory: how many deliveries, and how many octets of their messages. Both are bounded.

Octets are those of envelopes and of bodies that lie beside their rows; a large body stays in its file until it is sent.
The jobs of one claim share its octets, which are free when the last of them is.
"""

from __future__ import annotations

from typing import Final

from attrs import define, field

from empath.delivery.lanes.job import Job
from empath.spool.contract import Claim

_SHARES: Final = 8
"""A lane that holds one share of the room may get another, and then nothing more: others need the rest."""


@define(eq=False, kw_only=True)
class Stock:
    """Counts what was claimed and is not let go of yet."""

    max_deliveries: int
    max_bytes: int
    """Exceeded by one message at most."""
    deliveries: int = field(init=False, default=0)
    size_bytes: int = field(init=False, default=0)
    _jobs: dict[int, int] = field(init=False, factory=dict)
    """How many jobs of a claim are left, by its identity: it lives as long as they do. What it is about would be no
    name for it, since a delivery that was recorded as waiting may be claimed again before its job is let go of.
    """

    @property
    def share_deliveries(self) -> int:
        """How many deliveries a lane may hold before it gets no more."""
        return max(1, self.max_deliveries // _SHARES)

    @property
    def share_bytes(self) -> int:
        """How much its messages may take before it gets no more."""
        return max(1, self.max_bytes // _SHARES)

    @property
    def is_full(self) -> bool:
        """Whether nothing more may be claimed."""
        return self.deliveries >= self.max_deliveries or self.size_bytes >= self.max_bytes

    def is_share(self, deliveries: int, size_bytes: int) -> bool:
        """Whether this is more than one lane should hold."""
        return deliveries > self.share_deliveries or size_bytes > self.share_bytes

    def put(self, claim: Claim, jobs: int) -> None:
        """A claim was divided into jobs; 0: it was not."""
        if jobs:
            self.deliveries += len(claim.deliveries)
            self.size_bytes += claim.size_bytes
            self._jobs[id(claim)] = jobs

    def take_out(self, job: Job) -> None:
        """A job was let go of."""
        self.deliveries -= len(job.deliveries)
        name = id(job.claim)
        self._jobs[name] -= 1
        if not self._jobs[name]:
            del self._jobs[name]
            self.size_bytes -= job.claim.size_bytes
