"""New terms for a dispatcher that runs: configuration was read again, and mail goes on.

Lanes are made under terms, so they are made anew. An old lane finishes what is with its senders, and ends; what waits
in it is put back, is due at once, and comes to a new lane. The bounds hold over both: connections, and connections to
each host, are counted where old and new lanes look. What was found out about a site in trouble is handed on: an open
breaker stays open, and who has asked for slower mail gets it slower. A window begins anew.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

import trio
from attrs import frozen

from empath.delivery.lanes.dispatcher import Dispatcher
from empath.delivery.lanes.lane import Lane
from empath.delivery.recording.closing import Closing
from empath.policy.breaker import BreakerState


@frozen(kw_only=True)
class Terms:
    """What a dispatcher can take anew. See its attributes of the same names."""

    closing: Closing
    new_lane: Callable[[str], Lane]
    site_of: Callable[[str], str]
    company_of: Callable[[str], Hashable]
    head_start_s: float
    lease_s: float


async def renew(dispatcher: Dispatcher, terms: Terms) -> None:
    """Go on under these terms. A SpoolError: they hold, and what was in the lanes is attempted later than it could."""
    retired = list(dispatcher.lanes.values())
    dispatcher.closing, dispatcher.new_lane = terms.closing, terms.new_lane
    dispatcher.site_of, dispatcher.company_of = terms.site_of, terms.company_of
    dispatcher.head_start_s, dispatcher.lease_s = terms.head_start_s, terms.lease_s
    jobs = [job for lane in retired for job in lane.drain()]
    for lane in retired:
        dispatcher.forget(lane.site)
    for lane in retired:
        if _is_in_trouble(lane):
            _hand_on(lane, dispatcher.open_lane(lane.site))
            dispatcher.note(dispatcher.lanes[lane.site])
    await dispatcher.put_back(jobs, dispatcher.closing.clock.now())


def _is_in_trouble(lane: Lane) -> bool:
    return lane.helm.steering is not None or lane.breaker.state is not BreakerState.CLOSED


def _hand_on(old: Lane, new: Lane) -> None:
    """Let the new lane know what the old one has found out. Limits are its own."""
    new.breaker.inherit(old.breaker)
    new.helm.steering = old.helm.steering
    new.helm.settle(trio.current_time())
