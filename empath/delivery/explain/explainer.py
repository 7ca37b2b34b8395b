"""The explainer: who is asked why mail waits. It reads, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import trio
from attrs import define

from empath.delivery.explain import reasons
from empath.delivery.explain.gates import Gate, gates_of
from empath.delivery.explain.rows import LaneRow, row_at_rest, row_of
from empath.delivery.explain.stories import AddressExplanation, DeliveryExplanation, LaneExplanation, Stop, Way
from empath.delivery.explain.tally import Tallies
from empath.delivery.finding.demands import DomainTls
from empath.delivery.finding.target import Finder
from empath.delivery.lanes.capacity import Capacity
from empath.delivery.lanes.control import Control
from empath.delivery.lanes.dispatcher import Dispatcher
from empath.delivery.lanes.job import Job
from empath.delivery.lanes.lane import Lane
from empath.mail.delivery import FINAL, Status
from empath.mail.failure import DamagedRecord, Failure
from empath.mail.failure_class import FailureClass
from empath.mail.ids import MessageId
from empath.mail.progress import decode_progress
from empath.mail.waiting import Wait, WaitReason
from empath.policy.steering import Asked, OperatorRule, RuleKind
from empath.smtp import Address, Domain
from empath.spool.contract import Row, Selector

_MOST: Final = 1000
"""Recipients of one message that are explained."""
_MOST_WAYS: Final = 10
"""Domains of one message whose way is looked up."""
_LOOK_UP_S: Final = 5.0
"""How long that may take for each of them."""


@define(eq=False, kw_only=True)
class Explainer:
    """See the module. What is async asks the spool or DNS, and may raise a SpoolError."""

    dispatcher: Dispatcher
    control: Control
    capacity: Capacity
    finder: Finder
    tls_of: Callable[[str], DomainTls]
    """What configuration says about TLS for a recipient domain."""
    tallies: Tallies
    is_draining: Callable[[], bool] = lambda: False
    """Whether the daemon is stopping."""

    def lanes(self) -> list[LaneRow]:
        """A row for each lane, and for each site whose attempts are remembered. Cheap: nothing is asked."""
        return list(self.each_lane())

    def each_lane(self) -> Iterator[LaneRow]:
        """The same one by one, for who lets others have a turn meanwhile. Lanes are those at the beginning."""
        dispatcher, wall = self.dispatcher, self._wall
        lanes = dict(dispatcher.lanes)
        known = [(site, tally) for site, tally in self.tallies if site not in lanes]
        for lane in lanes.values():
            yield self._row(lane)
        for site, tally in known:
            yield row_at_rest(site, tally, wall=wall, is_set_aside=dispatcher.rooms.is_aside(site))

    async def lane(self, site: str) -> LaneExplanation:
        """All that is known of a lane. One that does not exist is described as it would be made."""
        wall, lane = self._wall, self.dispatcher.lanes.get(site)
        set_aside = await self.dispatcher.spool.count(Selector(sites_aside=frozenset({site})), now=wall)
        is_aside = self.dispatcher.rooms.is_aside(site)
        if lane is None:
            row = row_at_rest(site, self.tallies.of(site), wall=wall, is_set_aside=is_aside)
        else:
            row = self._row(lane)
        rules = self._rules_for(site)
        return LaneExplanation(
            row=row,
            set_aside=set_aside,
            gates=self._gates(lane),
            rules=rules,
            asked=() if lane is None else asked_of(lane),
            actions=(
                *(_undo(rule) for rule in rules),
                *([f"empathctl breakers close {site}"] if row.breaker != "closed" else []),
                *([f"empathctl lanes reset {site}"] if row.state == "slowed" else []),
                f"empathctl suspend --lane {site} --for 1h --reason '...'",
            ),
        )

    async def message(self, mid: MessageId) -> list[DeliveryExplanation]:
        """One explanation for each delivery of a message that is here; none: there is no such message."""
        page = await self.dispatcher.spool.find(Selector(ids=frozenset({mid})), now=self._wall, limit=_MOST)
        ways: dict[str, Way] = {}
        for row in page.rows:
            if row.domain not in ways and not row.is_deleted and row.status not in FINAL and len(ways) < _MOST_WAYS:
                ways[row.domain] = await self.way(row.domain)
        return [self._delivery(row, ways.get(row.domain)) for row in page.rows]

    async def address(self, address: Address) -> AddressExplanation:
        """Where a message to this address would go now, and what would hold it up."""
        way = await self.way(address.domain.ascii if isinstance(address.domain, Domain) else str(address.domain))
        return AddressExplanation(address=str(address), way=way, lane=await self.lane(way.site))

    async def way(self, domain: str) -> Way:
        """The way of mail for a domain, looked up now."""
        trouble, stops = f"looking it up takes longer than {_LOOK_UP_S:g} s", tuple[Stop, ...]()
        with trio.move_on_after(_LOOK_UP_S):
            try:
                targets = await self.finder.find(domain)
                trouble, stops = "", tuple(Stop(one.host, one.address, one.port, one.source) for one in targets)
            except Failure as problem:
                trouble = str(problem.diagnosis)
        site = self.dispatcher.site_of(domain)
        tally = self.tallies.of(site)
        next_hop = self.finder.next_hop(domain)
        return Way(
            domain=domain,
            site=site,
            next_hop=None if next_hop is None else str(next_hop),
            tls=self.tls_of(domain).policy.value,
            last=None if tally is None else tally.seal,
            stops=stops,
            trouble=trouble,
        )

    @property
    def _wall(self) -> float:
        return self.dispatcher.closing.clock.now()

    def _row(self, lane: Lane) -> LaneRow:
        is_aside = self.dispatcher.rooms.is_aside(lane.site)
        return row_of(lane, self.tallies.of(lane.site), wall=self._wall, is_set_aside=is_aside)

    def _gates(self, lane: Lane | None) -> tuple[Gate, ...]:
        return () if lane is None else gates_of(lane, self.capacity, self.control.book.frozen)

    def _rules_for(self, site: str) -> tuple[OperatorRule, ...]:
        return tuple(
            rule
            for rule in self.control.book
            if rule.scope.lane in (None, site)
            and (rule.kind is not RuleKind.ROUTE or self.dispatcher.site_of(rule.scope.domain or "") == site)
        )

    def _delivery(self, row: Row, way: Way | None) -> DeliveryExplanation:
        site = self.dispatcher.site_of(row.domain)
        policy = self.dispatcher.closing.retry.policy(row.domain, self._class_of(row))
        rules = self._rules_touching(row, site)
        return DeliveryExplanation(
            row=row,
            site=site,
            wait=self.wait_of(row),
            max_attempts=policy.max_attempts,
            expires=row.received + policy.max_age_s,
            way=way,
            attempts=tuple(self.tallies.past(row.id)),
            gates=self._gates(self.dispatcher.lanes.get(site)),
            rules=rules,
            actions=(*(_undo(rule) for rule in rules), *_actions(row)),
        )

    def wait_of(self, row: Row) -> Wait | None:
        """The one reason why a delivery waits; None: it has ended, or lies in the trash."""
        if row.is_deleted or row.status in FINAL:
            return None
        if row.status is Status.HELD:
            return reasons.of_row(row, self._wall)
        site = self.dispatcher.site_of(row.domain)
        lane = self.dispatcher.lanes.get(site)
        if row.status is Status.IN_PROGRESS:
            return self._in_memory(row, lane)
        held_up = self.of_node() or (None if lane is None else self.of_lane(lane))
        own = reasons.DUE if row.aside is not None else reasons.of_row(row, self._wall)
        waits = [reasons.of_rule(rule) for rule in self._rules_touching(row, site)]
        if own.reason is not WaitReason.DUE:
            waits.append(own)
        elif held_up is not None:
            waits.append(held_up)
        return reasons.longest(waits) or own

    def _in_memory(self, row: Row, lane: Lane | None) -> Wait:
        """Of one that is claimed: it waits in its lane, or is with a sender."""

        def is_meant(job: Job) -> bool:
            return any(one.key == row.key for one in job.deliveries)

        own = None if lane is None else reasons.of_job(lane, is_meant, self._wall)
        if lane is not None and any(map(is_meant, lane.backlog)):
            waits = (self.of_node(), own, self.of_lane(lane))
            return reasons.longest(wait for wait in waits if wait is not None) or reasons.DUE
        return own or self._of_full_disk() or Wait(WaitReason.IN_FLIGHT)

    def of_node(self) -> Wait | None:
        """What holds up all that this node would attempt."""
        return Wait(WaitReason.DRAINING) if self.is_draining() else self._of_full_disk()

    def _of_full_disk(self) -> Wait | None:
        said = self.dispatcher.closing.persistence.full
        return Wait(WaitReason.DISK_LOW, None, said) if said else None

    def of_lane(self, lane: Lane) -> Wait | None:
        """What holds up a lane."""
        tally = self.tallies.of(lane.site)
        return reasons.of_lane(lane, self._wall, "" if tally is None else tally.last_reply)

    def _rules_touching(self, row: Row, site: str) -> tuple[OperatorRule, ...]:
        stops = (RuleKind.SUSPENSION, RuleKind.FREEZE)
        rules = self.control.rules(*stops)
        return tuple(rule for rule in rules if rule.scope.touches(site, row.domain, row.sender))

    def _class_of(self, row: Row) -> FailureClass | None:
        try:
            return self.dispatcher.closing.classify(decode_progress(row.last).last) if row.last else None
        except DamagedRecord:
            return None


def asked_of(lane: Lane) -> tuple[Asked, ...]:
    """What the hosts of a lane have asked for, as far as it is heeded."""
    steering = lane.helm.steering
    if steering is None:
        return ()
    found = (steering.stop_asked, steering.pace_asked, steering.cap_asked)
    return tuple(asked for asked in found if asked is not None)


def _undo(rule: OperatorRule) -> str:
    match rule.kind:
        case RuleKind.SUSPENSION:
            return f"empathctl resume {rule.id}"
        case RuleKind.FREEZE:
            return "empathctl queue thaw"
        case RuleKind.ROUTE:
            return f"empathctl dns override remove {rule.scope.domain}"
        case RuleKind.DRAIN:
            return "empathctl undrain"
        case RuleKind.BREAKER:
            return f"empathctl breakers close {rule.scope.lane}"
        case RuleKind.OVERLAY:
            return f"empathctl limit clear {rule.id}"


def _actions(row: Row) -> tuple[str, ...]:
    name = row.mid
    if row.is_deleted:
        return (f"empathctl queue undelete {name}",)
    if row.status is Status.HELD:
        return (f"empathctl queue release {name}", f"empathctl queue bounce {name}")
    if row.status in FINAL or row.status is Status.IN_PROGRESS:
        return ()
    return (f"empathctl queue retry {name}", f"empathctl queue hold {name}", f"empathctl queue bounce {name}")
