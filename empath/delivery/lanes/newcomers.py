"""Newcomers: messages that are attempted as soon as they are accepted, without being claimed from the spool first.

A claim is a transaction of its own, and reads again what was in memory a moment ago. A message that comes in while
nothing else is due is therefore claimed in the transaction that accepts it (`empath.spool.contract.Taker`), and goes
into its lanes when that is on the disk. What would overtake mail that waits longer, or finds no room, takes the way of
all others. After a crash there is no difference: what was claimed waits again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
from attrs import define, field

from empath.mail.record import decode_envelope
from empath.spool.contract import Acceptance, Claim

if TYPE_CHECKING:
    from empath.delivery.lanes.dispatcher import Dispatcher


@define(eq=False)
class Newcomers:
    """See ``empath.spool.contract.Taker``."""

    _dispatcher: Dispatcher
    _work: trio.Nursery
    """Where lanes run."""
    _ended: bool = field(init=False, default=False)

    def offer(self, acceptance: Acceptance) -> float | None:
        """See ``Taker``. What is due now, or was not let go yet, waits for the dispatcher."""
        dispatcher = self._dispatcher
        if acceptance.read is None or dispatcher.frozen or dispatcher.kept_back is not None:
            return None
        now = dispatcher.closing.clock.now()
        if dispatcher.next_due <= now or acceptance.next_attempt > now or dispatcher.stock.is_full:
            return None
        if not dispatcher.rooms.takes_newcomers(map(dispatcher.site_of, acceptance.domains)):
            return None
        return now + dispatcher.lease_s

    def take(self, claim: Claim) -> None:
        """See ``Taker``. What has lost its place meanwhile is put back."""
        dispatcher = self._dispatcher
        has_room = not (self._ended or dispatcher.stock.is_full)
        for job in dispatcher.jobs_of(claim, claim.read or decode_envelope(claim.envelope)):
            if not has_room or dispatcher.closing.is_expired(job) or not dispatcher.feed(job, self._work):
                self._work.start_soon(dispatcher.put_back, [job], dispatcher.closing.clock.now())

    def end(self) -> None:
        """No lane takes anything any more: the daemon is stopping."""
        self._ended = True
