"""A job: what one sender does at a time, which is one message for those of its recipients that go the same way."""

from __future__ import annotations

from collections.abc import Collection

from attrs import evolve, frozen

from empath.delivery.lanes.search import Search
from empath.mail.envelope import Envelope
from empath.spool.contract import Claim, ClaimedDelivery


@frozen(kw_only=True)
class Job:
    """The due deliveries of one message that share a recipient domain, or the way to a configured next hop."""

    claim: Claim
    envelope: Envelope
    site: str
    """The destination, by which the lane is found: the domain itself, or what configuration puts in its place."""
    deliveries: tuple[ClaimedDelivery, ...]
    mixed: bool = False
    """Whether the recipient domains are not all the same."""
    search: Search | None = None
    """How far it has come on its way to a host; None: it is yet to begin."""

    @property
    def domain(self) -> str:
        """The recipient domain, by which the route is found; A-labels in lower case. The first one speaks for all."""
        return self.deliveries[0].domain

    @property
    def ordinals(self) -> tuple[int, ...]:
        """Which recipients of the envelope."""
        return tuple([delivery.key.ordinal for delivery in self.deliveries])

    def only(self, ordinals: Collection[int]) -> Job:
        """The same for fewer recipients."""
        if all(one.key.ordinal in ordinals for one in self.deliveries):
            return self
        return evolve(self, deliveries=tuple([one for one in self.deliveries if one.key.ordinal in ordinals]))
