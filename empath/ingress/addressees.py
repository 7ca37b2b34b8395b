"""The recipients of an open transaction: whom RCPT named, and whom that stands for.

Each address is there once, however often it was named and by whichever alias it was found. So there are never more than
``smtp.limits.max_recipients``, but for those that one alias alone stands for, which ``relay.max_alias_recipients``
bounds, and for the postmasters, of whom there is one in each domain of ours.
"""

from __future__ import annotations

from itertools import islice

from attrs import define, field

from empath.mail.envelope import Recipient, redirected
from empath.policy.reception.relay import RelayPolicy
from empath.smtp import Address, Rcpt


@define(eq=False)
class Addressees:
    """Used again for every message of a session: ``clear`` empties it."""

    _relay: RelayPolicy
    _most: int
    _by_address: dict[Address, Recipient] = field(init=False, factory=dict)

    def __len__(self) -> int:
        """How many deliveries there will be."""
        return len(self._by_address)

    @property
    def recipients(self) -> tuple[Recipient, ...]:
        """All of them, in the order in which they were named."""
        return tuple(self._by_address.values())

    def add(self, rcpt: Rcpt) -> bool:
        """Take a recipient that may be reached, with all that it stands for; whether there was room for it."""
        named = rcpt.forward_path
        goals = self._relay.destinations(named)
        new = [goal for goal in goals if goal not in self._by_address]
        crowded = bool(self._by_address) and len(self._by_address) + len(new) > self._most
        if crowded and new and not self._relay.is_postmaster(named):
            return False
        for goal in new:
            self._by_address[goal] = redirected(Recipient(named, rcpt.params), goal)
        return True

    def keep_first(self, count: int) -> None:
        """Forget those that were named after the first ``count``."""
        self._by_address = dict(islice(self._by_address.items(), count))

    def clear(self) -> None:
        """Nobody was named."""
        self._by_address = {}
