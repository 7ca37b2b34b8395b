"""Control: what operators may do to lanes while they run, and what becomes of it after a restart.

Every change is written to the spool before it holds, so that it survives what comes next, and is told as a fact. A
rule ends when somebody ends it or when its time is over; then all is as it was. Nothing here sends anything, and
nothing lets anything go beyond a limit: a flush makes mail due, and its lanes take it as they take all that is due.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from math import inf
from typing import Final

import trio
from attrs import define, field

from empath.delivery.lanes.dispatcher import Dispatcher
from empath.delivery.lanes.job import Job
from empath.delivery.lanes.lane import Lane
from empath.delivery.lanes.rule_store import RuleStore
from empath.mail.delivery import Status
from empath.mail.facts import OperatorActed, RuleEnded, RuleSet
from empath.mail.failure import DamagedRecord
from empath.mail.ids import MessageId
from empath.policy.breaker import BreakerState
from empath.policy.steering import OperatorRule, RuleBook, RuleKind, Scope, decode_rule, encode_rule
from empath.spool.contract import Changed, Hold, Release, RetryNow, Selector, StoredRule

_LOG = logging.getLogger(__name__)

CONFIGURED: Final = "fz-0"
"""The freeze that ``delivery.frozen`` asks for. It is not kept: each start asks for it anew."""

_MOMENT_S: Final = 1.0


@define(eq=False, kw_only=True)
class Control:
    """See the module. Every method that changes something may raise a SpoolError: then nothing has changed.

    ``by`` is who wants it and ``why`` the reason, both for people; ``for_s`` how long it is to hold, None: until
    somebody ends it.
    """

    dispatcher: Dispatcher
    store: RuleStore
    book: RuleBook = field(factory=RuleBook)
    is_frozen_at_start: bool = False
    """Whether ``delivery.frozen`` is set."""
    _changed: trio.Event = field(init=False, factory=trio.Event)

    def __attrs_post_init__(self) -> None:
        """Have new lanes asked for."""
        self.dispatcher.prepare = self.prepare

    async def load(self) -> None:
        """Put in force what earlier processes have left. Before the first claim."""
        now, moment = self.dispatcher.closing.clock.now(), trio.current_time()
        for stored in await self.store.rules():
            try:
                self.book.add(decode_rule(stored.id, stored.kind, stored.body), now=now, moment=moment)
            except DamagedRecord as problem:
                _LOG.error("%s; it does not hold, and is kept", problem)
        if self.is_frozen_at_start:
            rule = OperatorRule(
                id=CONFIGURED,
                kind=RuleKind.FREEZE,
                scope=Scope(),
                by="configuration",
                why="delivery.frozen is set",
                created=now,
                until=None,
            )
            self.book.add(rule, now=now, moment=moment)
        await self._enforce(self.book)

    async def run(self) -> None:
        """End rules when their time is over, until cancelled."""
        while True:
            self._changed = trio.Event()
            for rule in self.book.expired(trio.current_time()):
                await self._end(rule, by=None)
            with trio.move_on_at(self.book.next_end):
                await self._changed.wait()

    def rules(self, *kinds: RuleKind) -> list[OperatorRule]:
        """The rules that are in force, the oldest first; of these kinds, or all."""
        return [rule for rule in self.book if not kinds or rule.kind in kinds]

    async def suspend(self, scope: Scope, *, by: str, why: str, for_s: float | None = None) -> OperatorRule:
        """Attempt nothing of this scope, be it here or still to come. A ValueError: the scope is everything."""
        if scope.is_everything:
            raise ValueError("a suspension is for a lane, a domain or a sender; to stop everything, freeze the node")
        return await self._set(RuleKind.SUSPENSION, scope, by=by, why=why, for_s=for_s)

    async def freeze(self, *, by: str, why: str, for_s: float | None = None) -> OperatorRule:
        """Attempt nothing at all. What is under way comes to its end. If the node is frozen, nothing changes."""
        return self.book.frozen or await self._set(RuleKind.FREEZE, Scope(), by=by, why=why, for_s=for_s)

    async def thaw(self, *, by: str) -> OperatorRule | None:
        """End the freeze; None: there was none."""
        rule = self.book.frozen
        return None if rule is None else await self.end(rule.id, by=by)

    async def set_limit(
        self,
        scope: Scope,
        *,
        rate_per_s: float | None = None,
        connections: int | None = None,
        by: str,
        why: str,
        for_s: float | None = None,
    ) -> OperatorRule:
        """Lay other limits over those of the configuration, for each lane of the scope. A ValueError: it has none."""
        if rate_per_s is None and connections is None:
            raise ValueError("an overlay sets a rate, a number of connections, or both")
        if (rate_per_s is not None and not 0 < rate_per_s < inf) or (connections is not None and connections < 1):
            raise ValueError("a rate is above 0, and connections are at least 1; to stop a lane, suspend it")
        if scope.sender is not None:
            raise ValueError("limits are those of lanes and domains, not of senders")
        return await self._set(
            RuleKind.OVERLAY, scope, by=by, why=why, for_s=for_s, rate_per_s=rate_per_s, connections=connections
        )

    async def open_breaker(self, site: str, *, by: str, why: str, for_s: float | None = None) -> OperatorRule:
        """Open the breaker of a lane. When the time is over it probes as always."""
        return await self._set(RuleKind.BREAKER, Scope(lane=site), by=by, why=why, for_s=for_s)

    async def close_breaker(self, site: str, *, by: str) -> bool:
        """Close the breaker of a lane, whoever opened it; whether there was anything to close."""
        rules = [rule for rule in self.rules(RuleKind.BREAKER) if rule.scope.lane == site]
        for rule in rules:
            await self.end(rule.id, by=by)
        lane = self.dispatcher.lanes.get(site)
        if lane is None or lane.breaker.state is BreakerState.CLOSED:
            return bool(rules)
        self._tell("close breaker", site, by=by)
        lane.reset_breaker()
        self.dispatcher.note(lane)
        return True

    async def reset_lane(self, site: str, *, by: str) -> bool:
        """Close the breaker, and forget what hosts have asked for and what the window has found out; whether there is
        a lane.
        """
        await self.close_breaker(site, by=by)
        lane = self.dispatcher.lanes.get(site)
        if lane is None:
            return False
        self._tell("reset lane", site, by=by)
        lane.reset()
        self.dispatcher.note(lane)
        return True

    def _tell(self, verb: str, site: str, *, by: str) -> None:
        """Somebody has done something to a lane that no rule says, and that ends with it."""
        self.dispatcher.closing.observe(
            OperatorActed(
                at=self.dispatcher.closing.clock.now(),
                by=by,
                verb=verb,
                selector=f"lane {site}",
                why="",
                count=1,
                skipped=0,
                job=None,
            )
        )

    async def end(self, name: str, *, by: str) -> OperatorRule | None:
        """End a rule: resume what is suspended, lift an overlay, thaw; None: there is no such rule."""
        rule = self.book.find(name)
        return None if rule is None else await self._end(rule, by=by)

    async def flush(self, selector: Selector) -> Changed:
        """Make what waits due now. Every limit, breaker and rule holds as before: lanes take it at their pace."""
        return await self.store.apply(RetryNow(), selector, now=self.dispatcher.closing.clock.now())

    async def hold(self, selector: Selector, *, by: str, why: str) -> Changed:
        """Put chosen deliveries on hold until somebody releases them. What is under way comes to its end first."""
        await self._recall(selector)
        now = self.dispatcher.closing.clock.now()
        return await self.store.apply(Hold(f"{by}: {why}" if why else by), selector, now=now)

    async def release(self, selector: Selector) -> Changed:
        """Let chosen deliveries wait again that are on hold; they are due."""
        return await self.store.apply(Release(), selector, now=self.dispatcher.closing.clock.now())

    def prepare(self, lane: Lane) -> None:
        """Tell a lane that was just made what holds for it."""
        if len(self.book):
            self._instruct(lane)

    async def _set(
        self,
        kind: RuleKind,
        scope: Scope,
        *,
        by: str,
        why: str,
        for_s: float | None,
        rate_per_s: float | None = None,
        connections: int | None = None,
    ) -> OperatorRule:
        now = self.dispatcher.closing.clock.now()
        rule = OperatorRule(
            id=self.book.new_name(kind),
            kind=kind,
            scope=scope,
            by=by,
            why=why,
            created=now,
            until=None if for_s is None else now + for_s,
            rate_per_s=rate_per_s,
            connections=connections,
        )
        await self.store.put_rule(StoredRule(id=rule.id, kind=kind.value, body=encode_rule(rule)))
        self.book.add(rule, now=now, moment=trio.current_time())
        self.dispatcher.closing.observe(
            RuleSet(at=now, rule=rule.id, kind=kind.name.lower(), scope=str(scope), by=by, why=why, until=rule.until)
        )
        await self._enforce([rule])
        return rule

    async def _end(self, rule: OperatorRule, *, by: str | None) -> OperatorRule:
        if rule.id != CONFIGURED:
            await self.store.remove_rule(rule.id)
        self.book.remove(rule.id)
        now = self.dispatcher.closing.clock.now()
        self.dispatcher.closing.observe(
            RuleEnded(at=now, rule=rule.id, kind=rule.kind.name.lower(), scope=str(rule.scope), by=by)
        )
        lane = self.dispatcher.lanes.get(rule.scope.lane or "")
        if rule.kind is RuleKind.BREAKER and by is not None and lane is not None:
            lane.reset_breaker()
        await self._enforce([rule])
        if rule.kind is RuleKind.SUSPENSION and rule.scope.is_partial:
            await self.flush(_kept_back_by(rule.scope))
        return rule

    async def _enforce(self, rules: Iterable[OperatorRule]) -> None:
        """Have lanes do what the book says, now that these rules have come or gone."""
        dispatcher, book = self.dispatcher, self.book
        dispatcher.frozen = book.frozen is not None
        dispatcher.kept_back = self._kept_back if book.is_partial else None
        jobs: list[Job] = []
        sites = {rule.scope.lane for rule in rules}
        for lane in [*dispatcher.lanes.values()]:
            if lane.site in sites or None in sites:
                self._instruct(lane)
                jobs += lane.shed()
                if book.is_partial:
                    jobs += lane.take_out(lambda job: self._kept_back(job) is not None)
                dispatcher.note(lane)
        self._changed.set()
        dispatcher.wake()
        await dispatcher.put_back(jobs, dispatcher.closing.clock.now())

    def _instruct(self, lane: Lane) -> None:
        orders = self.book.orders_for(lane.site)
        lane.steer(orders)
        if orders.breaker_until is not None and lane.breaker.until != orders.breaker_until:
            lane.isolate(orders.breaker_until)

    def _kept_back(self, job: Job) -> float | None:
        """Until when a job waits for a rule that does not stop its lane; inf: nobody knows. None: for none."""
        sender = job.envelope.reverse_path
        rule = self.book.suspended(job.site, job.domain, "" if sender is None else str(sender))
        if rule is None:
            return None
        return inf if rule.until is None else rule.until

    async def _recall(self, selector: Selector) -> None:
        """Have what is in memory and may be meant wait in the spool again, where it can be chosen."""
        names = {one if isinstance(one, MessageId) else one.message for one in selector.ids}

        def may_be_meant(job: Job) -> bool:
            return (not names or job.claim.mid in names) and (
                not selector.domains or any(one.domain in selector.domains for one in job.deliveries)
            )

        jobs = [job for lane in self.dispatcher.lanes.values() for job in lane.take_out(may_be_meant)]
        # In a moment, and not now: else the dispatcher would claim it before it was chosen.
        await self.dispatcher.put_back(jobs, self.dispatcher.closing.clock.now() + _MOMENT_S)


def _kept_back_by(scope: Scope) -> Selector:
    """What was put back while a rule of this scope held. What waits for its next attempt is no business of the rule."""
    return Selector(
        statuses=frozenset({Status.PENDING}),
        domains=frozenset() if scope.domain is None else frozenset({scope.domain}),
        sender=scope.sender,
    )
