"""From configuration to actors: which parts there are, and what each is given. Nothing runs yet."""

from __future__ import annotations

from functools import partial

from attrs import define, evolve, field

from empath.app.encryption import Encryption
from empath.app.lane_terms import classing
from empath.app.logins import Logins
from empath.app.overlaid import overlaid
from empath.app.sending import Renewal, Sending, SendingSide
from empath.app.shutdown import Shutdown
from empath.app.upkeep import Upkeep
from empath.config.relay_policy import relay_policy
from empath.config.rollup import rolled_up
from empath.config.schema import Config, ListenerSettings
from empath.delivery.recording.closing import Observe
from empath.hooks import Plugged, chain_for, plug
from empath.ingress.injection import Injection
from empath.ingress.limits.admission import Admission
from empath.ingress.limits.quotas import Quotas, prefixes, quota
from empath.ingress.listener import Intake
from empath.ingress.reception import Reception
from empath.mail.dialogue import Tap
from empath.policy.reception.logins import SenderLogins
from empath.policy.steering import RuleKind
from empath.spool.contract import Spool
from empath.world.endpoint import TcpEndpoint
from empath.world.free_space import FreeSpace
from empath.world.ports import World


@define(eq=False, kw_only=True)
class Assembly:
    """Makes the parts of one worker. Raises HookUnusable and RulesUnusable."""

    config: Config = field(converter=rolled_up)
    """What they are made after; see ``renew``."""
    world: World
    spool: Spool
    shutdown: Shutdown
    observe: Observe
    capture: TcpEndpoint | None
    """Where the peer of the sandbox listens; None: mail goes out."""
    free_space: FreeSpace | None = None
    encryption: Encryption
    _quotas: Quotas = field(init=False)

    @_quotas.default
    def _new_quotas(self) -> Quotas:
        return Quotas(self.config.smtp.limits)

    logins: Logins = field(init=False)

    @logins.default
    def _new_logins(self) -> Logins:
        return Logins(self.config.smtp, self.world)

    tap: Tap = field(init=False, factory=Tap)
    """Who is told what is said in SMTP, if somebody listens."""
    upkeep: Upkeep = field(init=False)

    @upkeep.default
    def _new_upkeep(self) -> Upkeep:
        return Upkeep.of(self.config, self.world, self.spool)

    sending: Sending = field(init=False)

    @sending.default
    def _put_together(self) -> Sending:
        return self._sending_side(self.config).make()

    _hooks: tuple[Plugged, ...] = field(init=False)

    @_hooks.default
    def _plug_hooks(self) -> tuple[Plugged, ...]:
        return plug(self.config.smtp.hooks, self.world)

    _intakes: list[tuple[int, Intake]] = field(init=False, factory=list)
    """With the place of their listener among those of the configuration."""
    _admission: Admission | None = field(init=False, default=None)

    def _sending_side(self, config: Config) -> SendingSide:
        return SendingSide(
            config=config,
            world=self.world,
            spool=self.spool,
            shutdown=self.shutdown,
            tell=self.observe,
            capture=self.capture,
            upkeep=self.upkeep,
            tap=self.tap,
        )

    async def renew(self, config: Config) -> None:
        """Go on under another configuration, which has the same values where a restart is needed.

        Sessions and transactions that are under way keep what they began with. Raises RulesUnusable, HookUnusable,
        CertificateUnusable and UsersUnusable: nothing has changed; SpoolError: all of it holds, and mail that was about
        to leave waits a little.
        """
        smtp = config.smtp
        certificates = await self.world.offload.run(partial(self.encryption.opened, smtp.listeners))
        users = await self.logins.opened(smtp)
        hooks = plug(smtp.hooks, self.world, known=self._hooks)
        renewal = self._renewal(config)
        # From here on nothing can fail, and nothing waits until all of it holds.
        self.encryption.renew(smtp.tls, smtp.listeners, certificates)
        self.logins.renew(smtp, users)
        self._hooks = hooks
        limits, self.config, self.sending = self.config.smtp.limits, config, renewal.sending
        if limits != smtp.limits:
            self._quotas = Quotas(smtp.limits)
            if self._admission is not None:
                self._admission.renew(self._new_admission())
        self.upkeep.renew(config)
        self.shutdown.grace_s = config.shutdown.grace_s
        if self.free_space is not None:
            self.free_space.min_free_bytes = config.spool.min_free_bytes
        for place, intake in self._intakes:
            intake.renew(self._reception(smtp.listeners[place]))
        await renewal.enforce()

    def _renewal(self, config: Config) -> Renewal:
        """A sending side after this configuration, with what operators have laid over it. Raises RulesUnusable."""
        laid_over = overlaid(rolled_up(config), self.sending.control.rules(RuleKind.ROUTE))
        side = evolve(self._sending_side(laid_over), tallies=self.sending.explainer.tallies)
        return side.renew(self.sending)

    async def reroute(self) -> None:
        """Go on with the next hops that operators name at the moment. A SpoolError: see ``renew``."""
        renewal = self._renewal(self.config)
        self.sending = renewal.sending
        await renewal.enforce()

    def intake(self, place: int, admission: Admission) -> Intake:
        """The sessions of a listener, by its place in the configuration. Raises CertificateUnusable."""
        intake = Intake(self._reception(self.config.smtp.listeners[place]), admission)
        self._intakes.append((place, intake))
        return intake

    def _reception(self, listener: ListenerSettings) -> Reception:
        return Reception(
            hostname=self.config.hostname,
            listener=listener,
            limits=self.config.smtp.limits,
            inline_limit_bytes=self.config.spool.inline_body_limit_bytes,
            deduplication_window_s=self.config.spool.deduplication_window_s,
            quotas=self._quotas,
            classing=classing(self.config.delivery.priorities, listener),
            heeds_tls_required=self.config.delivery.tls.tls_required_header,
            users=self.logins.of(listener),
            sender_logins=SenderLogins(self.config.relay.sender_logins),
            relay=relay_policy(self.config),
            hooks=chain_for(listener, self._hooks),
            spool=self.spool,
            clock=self.world.clock,
            entropy=self.world.entropy,
            tls=self.encryption.entrance(listener),
            observe=self.observe,
            free_space=self.free_space,
            traces=self._traces,
            tap=self.tap,
        )

    @property
    def _traces(self) -> float | None:
        tracing = self.config.tracing
        return tracing.sample_ratio if tracing.enabled else None

    def injection(self) -> Injection:
        """The way in for messages that come over no listener."""
        return Injection(
            hostname=self.config.hostname,
            limits=self.config.smtp.limits,
            inline_limit_bytes=self.config.spool.inline_body_limit_bytes,
            relay=relay_policy(self.config),
            spool=self.spool,
            clock=self.world.clock,
            entropy=self.world.entropy,
            observe=self.observe,
            free_space=self.free_space,
            traces=self._traces,
            heeds_tls_required=self.config.delivery.tls.tls_required_header,
        )

    def pause(self) -> None:
        """Take in nothing more, for the time being: clients are sent away, and sessions end when they can."""
        self.shutdown.paused = True
        for _, intake in self._intakes:
            intake.pause()

    def resume(self) -> None:
        """Take in again."""
        self.shutdown.paused = False
        for _, intake in self._intakes:
            intake.resume()

    @property
    def sessions(self) -> int:
        """How many are open."""
        return 0 if self._admission is None else self._admission.open

    def admission(self) -> Admission:
        """The one count of sessions for all listeners."""
        self._admission = self._admission or self._new_admission()
        return self._admission

    def _new_admission(self) -> Admission:
        limits = self.config.smtp.limits
        return Admission(
            limits.max_connections,
            limits.max_connections_per_ip,
            max_sessions_per_network=limits.max_connections_per_prefix,
            prefixes=prefixes(limits),
            arrivals=quota(limits.connections_per_client, limits),
        )
