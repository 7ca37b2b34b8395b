"""The sending side, put together: from configuration to a dispatcher, what operators do to it, and who explains it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial

from attrs import evolve, field, frozen

from empath.app.connecting import Connecting
from empath.app.lane_terms import LaneTerms
from empath.app.reply_rules import read_rules
from empath.app.shutdown import Shutdown
from empath.app.upkeep import Upkeep
from empath.config.retries import retries
from empath.config.schema import Config
from empath.delivery.explain import Explainer, Tallies
from empath.delivery.finding.company import Company
from empath.delivery.finding.routing import approach, own_host, routes
from empath.delivery.finding.target import Finder
from empath.delivery.lanes.capacity import Capacity
from empath.delivery.lanes.control import Control
from empath.delivery.lanes.dispatch import Dispatch
from empath.delivery.lanes.dispatcher import Dispatcher
from empath.delivery.lanes.helm import Helm
from empath.delivery.lanes.hosts import Hosts
from empath.delivery.lanes.job import Job
from empath.delivery.lanes.lane import Lane
from empath.delivery.lanes.renewal import Terms, renew
from empath.delivery.lanes.rooms import Rooms
from empath.delivery.lanes.sender import Connection
from empath.delivery.lanes.stock import Stock
from empath.delivery.recording.closing import Closing, Observe
from empath.delivery.recording.reporting import Reporting
from empath.mail.dialogue import Tap
from empath.mail.facts import Fact
from empath.policy.approach import Approach
from empath.policy.breaker import Breaker
from empath.policy.replies import Reactions, ReplyRule, classes_after, reactions_after
from empath.policy.route import NextHop, Routes
from empath.policy.steering import Steering
from empath.policy.window import Window
from empath.spool.contract import Spool
from empath.world.endpoint import TcpEndpoint
from empath.world.ports import World


@frozen(kw_only=True)
class Sending:
    """What the rest of a worker has of it."""

    dispatcher: Dispatcher
    control: Control
    explainer: Explainer
    hosts: Hosts
    terms: LaneTerms
    """Those that lanes are made under now."""


@frozen(kw_only=True)
class _Made:
    """What is made of one configuration."""

    terms: Terms
    lanes: LaneTerms
    finder: Finder
    connecting: Connecting


@frozen(kw_only=True)
class Renewal:
    """A sending side that goes on under another configuration, once it is told to."""

    sending: Sending
    """As it will be."""
    made: _Made
    connections: int
    """How many there may be in all."""
    reserved: int
    """How many of them are for the highest class."""

    async def enforce(self) -> None:
        """Go on under it. A SpoolError: it holds, and what was in the lanes is attempted a little later."""
        explainer, made = self.sending.explainer, self.made
        explainer.finder, explainer.tls_of = made.finder, made.connecting.tls_of
        explainer.capacity.renew(self.connections, self.reserved)
        await renew(self.sending.dispatcher, made.terms)


@frozen(kw_only=True)
class SendingSide:
    """Makes the parts. Raises RulesUnusable."""

    config: Config
    world: World
    spool: Spool
    shutdown: Shutdown
    tell: Observe
    capture: TcpEndpoint | None
    upkeep: Upkeep
    tap: Tap = field(factory=Tap)
    tallies: Tallies = field()
    """Of an earlier sending side, if there was one."""

    @tallies.default
    def _new_tallies(self) -> Tallies:
        delivery = self.config.delivery
        return Tallies(max_sites=delivery.max_lanes, max_deliveries=delivery.max_deliveries_in_memory)

    _own_rules: tuple[ReplyRule, ...] = field(init=False)
    """Of the operator, about what hosts answer."""

    @_own_rules.default
    def _read_rules(self) -> tuple[ReplyRule, ...]:
        own, path = self.config.delivery.reply_rules, self.config.delivery.rules_file
        return own if path is None else (*own, *read_rules(path))

    _reactions: Reactions = field(init=False)

    @_reactions.default
    def _order_reactions(self) -> Reactions:
        return reactions_after(self._own_rules)

    def observe(self, fact: Fact) -> None:
        """Take note of what the sending side does, and pass it on."""
        self.tallies.observe(fact)
        self.tell(fact)

    def make(self) -> Sending:
        """Put it together."""
        delivery = self.config.delivery
        capacity, hosts = Capacity(delivery.max_parallel_deliveries, delivery.priorities.reserved_connections), Hosts()
        made = self._made(capacity, hosts, lambda: dispatcher)
        terms = made.terms
        stock = Stock(max_deliveries=delivery.max_deliveries_in_memory, max_bytes=delivery.max_memory_bytes)
        dispatcher = Dispatcher(
            spool=self.spool,
            closing=terms.closing,
            new_lane=terms.new_lane,
            site_of=terms.site_of,
            company_of=terms.company_of,
            stock=stock,
            rooms=Rooms(delivery.max_backlog_per_site, stock),
            max_lanes=delivery.max_lanes,
            head_start_s=terms.head_start_s,
            lease_s=terms.lease_s,
        )
        control = Control(dispatcher=dispatcher, store=self.spool, is_frozen_at_start=delivery.frozen)
        explainer = Explainer(
            dispatcher=dispatcher,
            control=control,
            capacity=capacity,
            finder=made.finder,
            tls_of=made.connecting.tls_of,
            tallies=self.tallies,
            is_draining=lambda: self.shutdown.takes_nothing,
        )
        return Sending(dispatcher=dispatcher, control=control, explainer=explainer, hosts=hosts, terms=made.lanes)

    def renew(self, sending: Sending) -> Renewal:
        """Make anew what hangs on configuration, for a sending side that runs. Nothing has changed for it yet."""
        made = self._made(sending.explainer.capacity, sending.hosts, lambda: sending.dispatcher)
        made.lanes.inherit(sending.terms)
        delivery = self.config.delivery
        return Renewal(
            sending=evolve(sending, terms=made.lanes),
            made=made,
            connections=delivery.max_parallel_deliveries,
            reserved=delivery.priorities.reserved_connections,
        )

    def _made(self, capacity: Capacity, hosts: Hosts, dispatcher: Callable[[], Dispatcher]) -> _Made:
        delivery = self.config.delivery
        finder, closing = self._finder(), self._closing()
        connecting = self._connecting(finder)
        lanes = LaneTerms(delivery, finder)
        dispatch = self._dispatch(connecting, closing, lanes, hosts, dispatcher)
        company = Company(finder=finder, configured=connecting.tls_of, is_limited=lanes.messages.is_limited)
        terms = Terms(
            closing=closing,
            new_lane=partial(self._lane, lanes, capacity, lambda lane: Connection(lane, dispatch)),
            site_of=lru_cache(maxsize=delivery.max_lanes)(lanes.site_of),
            company_of=lru_cache(maxsize=delivery.max_lanes)(company.of),
            head_start_s=delivery.priorities.head_start_s,
            lease_s=delivery.retry_base_delay_s,
        )
        return _Made(terms=terms, lanes=lanes, finder=finder, connecting=connecting)

    def _dispatch(
        self,
        connecting: Connecting,
        closing: Closing,
        lanes: LaneTerms,
        hosts: Hosts,
        dispatcher: Callable[[], Dispatcher],
    ) -> Dispatch:
        delivery = self.config.delivery

        def release(job: Job) -> None:
            dispatcher().release(job)

        async def shed(lane: Lane) -> None:
            await dispatcher().shed(lane)

        return Dispatch(
            finder=connecting.finder,
            dialling=connecting.dialling,
            connections=lanes.connections,
            hosts=hosts,
            closing=closing,
            shield=self.shutdown.shield,
            release=release,
            shed=shed,
            idle_s=delivery.connection_pool.idle_timeout_s,
            max_messages=delivery.max_messages_per_connection,
            max_recipients=delivery.max_recipients_per_transaction,
            max_search_s=delivery.max_search_time_s,
            one_write_bytes=delivery.one_write_limit_bytes,
            put_back_s=delivery.retry_base_delay_s,
        )

    def _connecting(self, finder: Finder) -> Connecting:
        return Connecting(
            self.config,
            self.world,
            finder,
            sandboxed=self.capture is not None,
            sts=self.upkeep.policies(self.config),
            tap=self.tap,
            witness=self.upkeep.witness,
        )

    def _lane(self, terms: LaneTerms, capacity: Capacity, new_sender: Callable[[Lane], Connection], site: str) -> Lane:
        delivery = self.config.delivery
        breaker = delivery.circuit_breaker
        window = Window(terms.connection_limit(site))
        return Lane(
            site=site,
            breaker=Breaker(
                failure_threshold=breaker.failure_threshold,
                timeout_s=breaker.timeout_s,
                max_timeout_s=breaker.max_timeout_s,
                half_open_max_calls=breaker.half_open_max_calls,
            ),
            window=window,
            leave=terms.leave(site, window),
            helm=Helm(
                site=site,
                window=window,
                reactions=self._reactions,
                new_steering=partial(
                    Steering,
                    least_per_s=delivery.adaptation.min_rate.per_second,
                    interval_s=delivery.adaptation.recovery_interval_s,
                ),
                observe=self.observe,
                wall=self.world.clock.now,
            ),
            capacity=capacity,
            new_sender=new_sender,
            observe=self.observe,
            wall=self.world.clock.now,
        )

    def _closing(self) -> Closing:
        delivery = self.config.delivery
        return Closing(
            spool=self.spool,
            retry=retries(delivery),
            rules=classes_after(self._own_rules),
            uncertain=delivery.uncertain.action,
            clock=self.world.clock,
            entropy=self.world.entropy,
            reporting=Reporting(
                spool=self.spool,
                entropy=self.world.entropy,
                hostname=self.config.hostname.ascii,
                settings=delivery.dsn,
            ),
            observe=self.observe,
        )

    def _finder(self) -> Finder:
        delivery = self.config.delivery
        capture = self.capture
        # Asked for each message, and the answer changes with the configuration only.
        how = lru_cache(maxsize=delivery.max_lanes)(partial(approach, delivery))
        return Finder(
            routes=Routes(smart_host=NextHop(capture.host, capture.port)) if capture else routes(delivery),
            resolver=self.world.resolver,
            entropy=self.world.entropy,
            own=own_host(self.config),
            approach=(lambda domain: Approach(port=capture.port)) if capture else how,
            max_hosts=delivery.max_hosts_per_attempt,
            enforce_dnssec=delivery.dns.dnssec.enforce and capture is None,
        )
