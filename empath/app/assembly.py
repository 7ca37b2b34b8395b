"""From configuration to actors: which parts there are, and what each is given. Nothing runs yet."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

import trio
from attrs import field, frozen

from empath.app.connecting import Connecting
from empath.app.encryption import Encryption
from empath.app.reply_rules import read_rules
from empath.app.shutdown import Shutdown
from empath.config.relay_policy import relay_policy
from empath.config.retries import retries
from empath.config.schema import Config, ListenerAuth, ListenerSettings
from empath.delivery.finding.routing import approach, next_hop, own_host, routes
from empath.delivery.finding.target import Finder, parsed
from empath.delivery.lanes.capacity import Capacity
from empath.delivery.lanes.dispatch import Dispatch
from empath.delivery.lanes.dispatcher import Dispatcher
from empath.delivery.lanes.job import Job
from empath.delivery.lanes.lane import Lane
from empath.delivery.lanes.limits import RateLimits
from empath.delivery.lanes.rooms import Rooms
from empath.delivery.lanes.sender import Connection
from empath.delivery.lanes.stock import Stock
from empath.delivery.recording.closing import Closing, Observe
from empath.delivery.recording.reporting import Reporting
from empath.hooks import Plugged, chain_for, plug
from empath.ingress.limits.admission import Admission
from empath.ingress.limits.quotas import Quotas, prefixes, quota
from empath.ingress.listener import Intake
from empath.ingress.logins.users import Users, make_users
from empath.ingress.reception import Reception
from empath.policy.approach import Approach
from empath.policy.breaker import Breaker
from empath.policy.reception.logins import SenderLogins
from empath.policy.reply_rules import ReplyRules, before_shipped, shipped
from empath.policy.route import NextHop, Routes
from empath.policy.site import site_of
from empath.policy.window import Window
from empath.spool.contract import Spool
from empath.world.endpoint import TcpEndpoint
from empath.world.free_space import FreeSpace
from empath.world.ports import World


@frozen(kw_only=True)
class Assembly:
    """Makes the parts of one worker. Raises HookUnusable and RulesUnusable."""

    config: Config
    world: World
    spool: Spool
    shutdown: Shutdown
    observe: Observe
    capture: TcpEndpoint | None
    """Where the peer of the sandbox listens; None: mail goes out."""
    free_space: FreeSpace | None = None
    encryption: Encryption
    _quotas: Quotas = field(init=False)
    _users: dict[Path, Users] = field(init=False, factory=dict)
    """By file: listeners that name the same one share its users, and the count of their guesses."""

    @_quotas.default
    def _new_quotas(self) -> Quotas:
        return Quotas(self.config.smtp.limits)

    _rules: ReplyRules = field(init=False)

    @_rules.default
    def _read_rules(self) -> ReplyRules:
        path = self.config.delivery.rules_file
        return shipped() if path is None else before_shipped(read_rules(path))

    _hooks: tuple[Plugged, ...] = field(init=False)

    @_hooks.default
    def _plug_hooks(self) -> tuple[Plugged, ...]:
        return plug(self.config.smtp.hooks, self.world)

    def intake(self, listener: ListenerSettings, admission: Admission) -> Intake:
        """The sessions of a listener. Raises CertificateUnusable."""
        reception = Reception(
            hostname=self.config.hostname,
            listener=listener,
            limits=self.config.smtp.limits,
            inline_limit_bytes=self.config.spool.inline_body_limit_bytes,
            quotas=self._quotas,
            users=self._users_of(listener),
            sender_logins=SenderLogins(self.config.relay.sender_logins),
            relay=relay_policy(self.config),
            hooks=chain_for(listener, self._hooks),
            spool=self.spool,
            clock=self.world.clock,
            entropy=self.world.entropy,
            tls=self.encryption.entrance(listener),
            observe=self.observe,
            free_space=self.free_space,
        )
        return Intake(reception, admission)

    def _users_of(self, listener: ListenerSettings) -> Users | None:
        path = listener.users_file
        if listener.auth is ListenerAuth.NONE or path is None:
            return None
        if path not in self._users:
            smtp = self.config.smtp
            self._users[path] = make_users(self.world, path, smtp.auth, prefixes(smtp.limits))
        return self._users[path]

    async def load_users(self) -> None:
        """Read the users of all listeners that were made. Raises UsersUnusable."""
        for users in self._users.values():
            await users.load()

    async def watch_users(self) -> None:
        """Keep an eye on their files."""
        async with trio.open_nursery() as nursery:
            for users in self._users.values():
                nursery.start_soon(users.watch)

    def admission(self) -> Admission:
        """The one count of sessions for all listeners."""
        limits = self.config.smtp.limits
        return Admission(
            limits.max_connections,
            limits.max_connections_per_ip,
            max_sessions_per_network=limits.max_connections_per_prefix,
            prefixes=prefixes(limits),
            arrivals=quota(limits.connections_per_client, limits),
        )

    def dispatcher(self) -> Dispatcher:
        """The sending side."""
        delivery = self.config.delivery
        closing = self._closing()
        finder = self._finder()
        capacity = Capacity(delivery.max_parallel_deliveries)

        def release(job: Job) -> None:
            dispatcher.release(job)

        async def shed(lane: Lane) -> None:
            await dispatcher.shed(lane)

        dispatch = Dispatch(
            finder=finder,
            dialling=Connecting(self.config, self.world, finder, sandboxed=self.capture is not None).dialling,
            limits=RateLimits(delivery),
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
        stock = Stock(max_deliveries=delivery.max_deliveries_in_memory, max_bytes=delivery.max_memory_bytes)
        dispatcher = Dispatcher(
            spool=self.spool,
            closing=closing,
            new_lane=partial(self._lane, capacity, lambda lane: Connection(lane, dispatch)),
            site_of=lambda domain: site_of(parsed(domain), finder.next_hop(domain)),
            stock=stock,
            rooms=Rooms(delivery.max_backlog_per_site, stock),
            max_lanes=delivery.max_lanes,
            lease_s=delivery.retry_base_delay_s,
        )
        return dispatcher

    def _lane(self, capacity: Capacity, new_sender: Callable[[Lane], Connection], site: str) -> Lane:
        delivery = self.config.delivery
        breaker = delivery.circuit_breaker
        return Lane(
            site=site,
            breaker=Breaker(
                failure_threshold=breaker.failure_threshold,
                timeout_s=breaker.timeout_s,
                half_open_max_calls=breaker.half_open_max_calls,
            ),
            window=Window(self._connection_limit(site)),
            capacity=capacity,
            new_sender=new_sender,
            observe=self.observe,
            wall=self.world.clock.now,
        )

    def _connection_limit(self, site: str) -> int:
        """How many connections a site may get: a domain's own limit holds behind its ``mx_override`` as well."""
        delivery = self.config.delivery
        limits = [
            own.max_connections
            for domain, own in delivery.domains.items()
            if own.max_connections is not None
            and site == site_of(domain, next_hop(delivery, own.mx_override) if own.mx_override else None)
        ]
        return min(limits, default=delivery.max_connections_per_host)

    def _closing(self) -> Closing:
        delivery = self.config.delivery
        return Closing(
            spool=self.spool,
            retry=retries(delivery),
            rules=self._rules,
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
