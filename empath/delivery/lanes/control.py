"""Control: what operators may do to lanes while they run, and what becomes of it after a restart.

Every change is written to the spool before it holds, so that it survives what comes next, and is told as a fact. A
rule ends when somebody ends it or when its time is over; then all is as it was. Nothing here sends anything, and
nothing lets anything go beyond a limit: a flush makes mail due, and its lanes take it as they take all that is due.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import trio
from attrs import define, evolve, field

from empath.delivery.lanes.dispatcher import Dispatcher
from empath.delivery.lanes.enforcement import Enforcement
from empath.delivery.lanes.job import Job
from empath.delivery.lanes.rule_store import RuleStore, kept_back_by
from empath.mail.failure import DamagedRecord
from empath.mail.ids import MessageId
from empath.mail.operator_facts import OperatorActed, RuleEnded, RuleSet
from empath.policy.breaker import BreakerState
from empath.policy.steering import OperatorRule, RuleBook, RuleKind, Scope, decode_rule, encode_rule
from empath.policy.steering.overlay import objection
from empath.policy.steering.rule import configured_freeze
from empath.smtp import AddressError
from empath.spool.contract import Changed, Hold, Release, RetryNow, Selector, StoredRule

_LOG = logging.getLogger(__name__)

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
    reroute: Callable[[], Awaitable[None]] | None = field(init=False, default=None)
    """Called when a next hop that is named has come or gone."""
    _enforcement: Enforcement = field(init=False)
    _changed: trio.Event = field(init=False, factory=trio.Event)

    def __attrs_post_init__(self) -> None:
        """Have lanes obey the book."""
        self._enforcement = Enforcement(self.dispatcher, self.book)

    async def load(self) -> None:
        """Put in force what earlier processes have left. Before the first claim."""
        now, moment = self.dispatcher.closing.clock.now(), trio.current_time()
        for stored in await self.store.rules():
            try:
                self.book.add(decode_rule(stored.id, stored.kind, stored.body), now=now, moment=moment)
            except DamagedRecord as problem:
                _LOG.error("%s; it does not hold, and is kept", problem)
        if self.is_frozen_at_start:
            self.book.add(configured_freeze(now), now=now, moment=moment)
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

    async def thaw(self, *, by: str, why: str = "") -> OperatorRule | None:
        """End the freeze; None: there was none."""
        rule = self.book.frozen
        return None if rule is None else await self.end(rule.id, by=by, why=why)

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
        """Lay other limits over those of the configuration, for each lane of the scope or for one domain. A
        ValueError: that cannot be.
        """
        try:
            site = None if scope.domain is None else self.dispatcher.site_of(scope.domain)
        except AddressError as problem:
            raise ValueError(f"{scope.domain!r} is no domain: {problem}") from None
        wrong = objection(scope, rate_per_s=rate_per_s, connections=connections, site=site)
        if wrong is not None:
            raise ValueError(wrong)
        return await self._set(
            RuleKind.OVERLAY, scope, by=by, why=why, for_s=for_s, rate_per_s=rate_per_s, connections=connections
        )

    async def open_breaker(self, site: str, *, by: str, why: str, for_s: float | None = None) -> OperatorRule:
        """Open the breaker of a lane. When the time is over it probes as always."""
        return await self._set(RuleKind.BREAKER, Scope(lane=site), by=by, why=why, for_s=for_s)

    async def close_breaker(self, site: str, *, by: str, why: str = "") -> bool:
        """Close the breaker of a lane, whoever opened it; whether there was anything to close."""
        rules = [rule for rule in self.rules(RuleKind.BREAKER) if rule.scope.lane == site]
        for rule in rules:
            await self.end(rule.id, by=by, why=why)
        lane = self.dispatcher.lanes.get(site)
        if lane is None or lane.breaker.state is BreakerState.CLOSED:
            return bool(rules)
        self._tell("close breaker", site, by=by, why=why)
        lane.reset_breaker()
        self.dispatcher.note(lane)
        return True

    async def reset_lane(self, site: str, *, by: str, why: str = "") -> bool:
        """Close the breaker, and forget what hosts have asked for and what the window has found out; whether there is
        a lane.
        """
        await self.close_breaker(site, by=by, why=why)
        lane = self.dispatcher.lanes.get(site)
        if lane is None:
            return False
        self._tell("reset lane", site, by=by, why=why)
        lane.reset()
        self.dispatcher.note(lane)
        return True

    def _tell(self, verb: str, site: str, *, by: str, why: str) -> None:
        """Somebody has done something to a lane that no rule says, and that ends with it."""
        self.dispatcher.closing.observe(
            OperatorActed(
                at=self.dispatcher.closing.clock.now(),
                by=by,
                verb=verb,
                selector=f"lane {site}",
                why=why,
                count=1,
                skipped=0,
                job=None,
            )
        )

    async def end(self, name: str, *, by: str, why: str = "") -> OperatorRule | None:
        """End a rule: resume what is suspended, lift an overlay, thaw; None: there is no such rule."""
        rule = self.book.find(name)
        return None if rule is None else await self._end(rule, by=by, why=why)

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
        rule = self.new_rule(kind, scope, by=by, why=why, for_s=for_s)
        return await self.put(evolve(rule, rate_per_s=rate_per_s, connections=connections))

    def new_rule(
        self,
        kind: RuleKind,
        scope: Scope,
        *,
        by: str,
        why: str,
        for_s: float | None = None,
        next_hop: str | None = None,
    ) -> OperatorRule:
        """A rule that begins now, before it is put in force."""
        now = self.dispatcher.closing.clock.now()
        name, until = self.book.new_name(kind), None if for_s is None else now + for_s
        return OperatorRule(
            id=name, kind=kind, scope=scope, by=by, why=why, created=now, until=until, next_hop=next_hop
        )

    async def put(self, rule: OperatorRule) -> OperatorRule:
        """Put a rule in force, and return it."""
        now = rule.created
        if rule.is_kept:
            await self.store.put_rule(StoredRule(id=rule.id, kind=rule.kind.value, body=encode_rule(rule)))
        self.book.add(rule, now=now, moment=trio.current_time())
        self.dispatcher.closing.observe(
            RuleSet(
                at=now,
                rule=rule.id,
                kind=rule.kind.name.lower(),
                scope=str(rule.scope),
                by=rule.by,
                why=rule.why,
                until=rule.until,
                terms=rule.terms,
            )
        )
        await self._enforce([rule])
        return rule

    async def _end(self, rule: OperatorRule, *, by: str | None, why: str = "") -> OperatorRule:
        if rule.is_kept:
            await self.store.remove_rule(rule.id)
        self.book.remove(rule.id)
        now = self.dispatcher.closing.clock.now()
        self.dispatcher.closing.observe(
            RuleEnded(at=now, rule=rule.id, kind=rule.kind.name.lower(), scope=str(rule.scope), by=by, why=why)
        )
        lane = self.dispatcher.lanes.get(rule.scope.lane or "")
        if rule.kind is RuleKind.BREAKER and by is not None and lane is not None:
            lane.reset_breaker()
        await self._enforce([rule])
        if rule.kind is RuleKind.SUSPENSION and rule.scope.is_partial:
            await self.flush(kept_back_by(rule.scope))
        return rule

    async def _enforce(self, rules: Iterable[OperatorRule]) -> None:
        """Have lanes do what the book says, now that these rules have come or gone."""
        rules = list(rules)
        if self.reroute is not None and any(rule.kind is RuleKind.ROUTE for rule in rules):
            await self.reroute()
        self._changed.set()
        await self._enforcement.enforce(rules)

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
