"""Enforcement: lanes, and the dispatcher that feeds them, do what the book of rules says.

A rule for a lane is an order to it. A rule for something less, a sender or one domain of a lane that has several, is
looked up for each job: what it suspends waits in the spool, and what it limits goes in transactions of its own.
"""

from __future__ import annotations

from collections.abc import Collection
from math import inf

from attrs import define

from empath.delivery.lanes.dispatcher import Dispatcher
from empath.delivery.lanes.job import Job
from empath.delivery.lanes.lane import Lane
from empath.policy.steering import OperatorRule, RuleBook


@define(eq=False)
class Enforcement:
    """See the module."""

    _dispatcher: Dispatcher
    _book: RuleBook

    def __attrs_post_init__(self) -> None:
        """Have new lanes asked for."""
        self._dispatcher.prepare = self.prepare

    async def enforce(self, rules: Collection[OperatorRule]) -> None:
        """Have lanes do what the book says, now that these rules have come or gone."""
        dispatcher, book = self._dispatcher, self._book
        dispatcher.frozen = book.frozen is not None or book.drain is not None
        dispatcher.kept_back = self._kept_back if book.is_partial else None
        dispatcher.apart = book.domains
        jobs: list[Job] = []
        sites = {rule.scope.lane for rule in rules}
        for lane in [*dispatcher.lanes.values()]:
            if lane.site in sites or None in sites:
                self._instruct(lane)
                jobs += lane.shed()
                if book.domains or book.is_partial:
                    jobs += lane.take_out(self._has_to_go)
                dispatcher.note(lane)
        dispatcher.wake()
        await dispatcher.put_back(jobs, dispatcher.closing.clock.now())

    def prepare(self, lane: Lane) -> None:
        """Tell a lane that was just made what holds for it."""
        if len(self._book):
            self._instruct(lane)

    def _instruct(self, lane: Lane) -> None:
        orders = self._book.orders_for(lane.site)
        lane.steer(orders)
        if orders.breaker_until is not None and lane.breaker.until != orders.breaker_until:
            lane.isolate(orders.breaker_until)

    def _has_to_go(self, job: Job) -> bool:
        """Whether a job is to wait in the spool, or to come back from there in parts."""
        is_divided = job.mixed and any(one.domain in self._book.domains for one in job.deliveries)
        return is_divided or self._kept_back(job) is not None

    def _kept_back(self, job: Job) -> float | None:
        """Until when a job waits for a rule that does not stop its lane; inf: nobody knows. None: for none."""
        sender = job.envelope.reverse_path
        rule = self._book.suspended(job.site, job.domain, "" if sender is None else str(sender))
        if rule is None:
            return None
        return inf if rule.until is None else rule.until
