"""From configuration to actors: which parts there are, and what each is given. Nothing runs yet."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import frozen

from empath.app.shutdown import Shutdown
from empath.config.schema import Config, HostPort, ListenerSettings, ListenerTls
from empath.delivery.capacity import Capacity
from empath.delivery.closing import Closing, Observe
from empath.delivery.dispatcher import Dispatcher
from empath.delivery.hop import Dialling
from empath.delivery.job import Job
from empath.delivery.lane import Lane
from empath.delivery.limits import RateLimits, domain_settings
from empath.delivery.sender import Connection, Dispatch
from empath.delivery.target import Finder, parsed
from empath.ingress.admission import Admission
from empath.ingress.listener import Intake
from empath.ingress.reception import Reception
from empath.policy.breaker import Breaker
from empath.policy.relay import RelayPolicy
from empath.policy.retry import RetryPolicy
from empath.policy.route import NextHop, Routes
from empath.policy.site import site_of
from empath.policy.tls import TlsPolicy
from empath.policy.window import Window
from empath.smtp import Domain
from empath.spool.contract import Spool
from empath.world.endpoint import TcpEndpoint
from empath.world.ports import World
from empath.world.tls import opportunistic_context, server_context

LANE_ROOM = 2000
"""Jobs that may wait in one lane before further ones go back to the spool."""
ROOM = 10_000
"""Deliveries that may be in memory in all."""


@frozen(kw_only=True)
class Assembly:
    """Makes the parts of one worker."""

    config: Config
    world: World
    spool: Spool
    shutdown: Shutdown
    observe: Observe
    capture: TcpEndpoint | None
    """Where the peer of the sandbox listens; None: mail goes out."""

    def intake(self, listener: ListenerSettings, admission: Admission) -> Intake:
        """The sessions of a listener. Raises CertificateUnusable."""
        files = listener.starttls
        context = None
        if listener.tls is not ListenerTls.NONE and files.cert_file and files.key_file:
            context = server_context(files.cert_file, files.key_file)
        reception = Reception(
            hostname=self.config.hostname,
            listener=listener,
            limits=self.config.smtp.limits,
            inline_limit_bytes=self.config.spool.inline_body_limit_bytes,
            relay=RelayPolicy(
                networks=self.config.relay.from_networks,
                domains=frozenset(domain.ascii for domain in self.config.relay.domains),
            ),
            spool=self.spool,
            clock=self.world.clock,
            entropy=self.world.entropy,
            tls=context,
            observe=self.observe,
        )
        return Intake(reception, admission)

    def admission(self) -> Admission:
        """The one count of sessions for all listeners."""
        limits = self.config.smtp.limits
        return Admission(limits.max_connections, limits.max_connections_per_ip)

    def dispatcher(self) -> Dispatcher:
        """The sending side."""
        delivery = self.config.delivery
        closing = self._closing()
        finder = self._finder()
        capacity = Capacity(delivery.max_parallel_deliveries)
        context = opportunistic_context()

        def release(job: Job) -> None:
            dispatcher.release(job)

        async def shed(lane: Lane) -> None:
            await dispatcher.shed(lane)

        def dialling(domain: str) -> Dialling:
            own = domain_settings(delivery, domain)
            policy = TlsPolicy.REQUIRED if own and own.require_tls else delivery.tls.default_policy
            return Dialling(
                network=self.world.network,
                hostname=self.config.hostname.ascii,
                timeouts=delivery.smtp_timeouts,
                # The peer of the sandbox is this very process, and has no certificate.
                tls=policy if self.capture is None else TlsPolicy.DISABLED,
                context=context,
            )

        dispatch = Dispatch(
            finder=finder,
            dialling=dialling,
            limits=RateLimits(delivery),
            closing=closing,
            shield=self.shutdown.shield,
            release=release,
            shed=shed,
            idle_s=delivery.connection_pool.idle_timeout_s,
            max_messages=delivery.max_messages_per_connection,
            max_recipients=delivery.max_recipients_per_transaction,
            put_back_s=delivery.retry_base_delay_s,
        )
        dispatcher = Dispatcher(
            spool=self.spool,
            closing=closing,
            new_lane=partial(self._lane, capacity, lambda lane: Connection(lane, dispatch)),
            site_of=lambda domain: site_of(parsed(domain), finder.next_hop(domain)),
            room=ROOM,
            lane_room=LANE_ROOM,
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
            and site == site_of(domain, self._next_hop(own.mx_override) if own.mx_override else None)
        ]
        return min(limits, default=delivery.max_connections_per_host)

    def _closing(self) -> Closing:
        delivery = self.config.delivery
        return Closing(
            spool=self.spool,
            retry=RetryPolicy(
                base_delay_s=delivery.retry_base_delay_s,
                multiplier=delivery.retry_multiplier,
                max_delay_s=delivery.retry_max_delay_s,
                jitter_factor=delivery.retry_jitter_factor,
                max_attempts=delivery.max_attempts,
                max_age_s=delivery.max_age_s,
            ),
            clock=self.world.clock,
            entropy=self.world.entropy,
            hostname=self.config.hostname.ascii,
            bounce=delivery.dsn.bounce,
            observe=self.observe,
        )

    def _finder(self) -> Finder:
        delivery = self.config.delivery
        if self.capture is not None:
            routes = Routes(smart_host=NextHop(self.capture.host, self.capture.port))
        else:
            overrides = {
                domain.ascii: self._next_hop(own.mx_override)
                for domain, own in delivery.domains.items()
                if own.mx_override is not None
            }
            smart_host = self._next_hop(delivery.smart_host) if delivery.smart_host else None
            routes = Routes(smart_host=smart_host, overrides=overrides)
        return Finder(
            routes=routes,
            resolver=self.world.resolver,
            entropy=self.world.entropy,
            own_name=self.config.hostname.ascii,
            port=delivery.smtp_port,
            allow_private=delivery.allow_private_hosts,
        )

    def _next_hop(self, host: HostPort) -> NextHop:
        name = host.host.ascii if isinstance(host.host, Domain) else str(host.host)
        return NextHop(name, host.port or self.config.delivery.smtp_port)
