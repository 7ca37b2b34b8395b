"""From configuration to actors: which parts there are, and what each is given. Nothing runs yet."""

from __future__ import annotations

from pathlib import Path

import trio
from attrs import define, evolve, field

from empath.app.encryption import Encryption
from empath.app.lane_terms import classing
from empath.app.sending import Sending, SendingSide
from empath.app.shutdown import Shutdown
from empath.app.upkeep import Upkeep
from empath.config.relay_policy import relay_policy
from empath.config.rollup import rolled_up
from empath.config.schema import Config, ListenerAuth, ListenerSettings
from empath.delivery.recording.closing import Observe
from empath.hooks import Plugged, chain_for, plug
from empath.ingress.injection import Injection
from empath.ingress.limits.admission import Admission
from empath.ingress.limits.quotas import Quotas, prefixes, quota
from empath.ingress.listener import Intake
from empath.ingress.logins.users import Users, make_users
from empath.ingress.reception import Reception
from empath.policy.reception.logins import SenderLogins
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
    _users: dict[Path, Users] = field(init=False, factory=dict)
    """By file: listeners that name the same one share its users, and the count of their guesses."""

    @_quotas.default
    def _new_quotas(self) -> Quotas:
        return Quotas(self.config.smtp.limits)

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

    _intakes: list[tuple[ListenerSettings, Intake]] = field(init=False, factory=list)
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
        )

    async def renew(self, config: Config) -> None:
        """Go on under another configuration, which has the same values where a restart is needed.

        Sessions and transactions that are under way keep what they began with. Raises RulesUnusable: nothing has
        changed; SpoolError: all of it holds, and mail that was about to leave waits a little.
        """
        sending = self.sending
        side = evolve(self._sending_side(rolled_up(config)), tallies=sending.explainer.tallies)
        renewal = side.renew(sending)
        limits, self.config, self.sending = self.config.smtp.limits, config, renewal.sending
        if limits != self.config.smtp.limits:
            self._quotas = Quotas(self.config.smtp.limits)
            if self._admission is not None:
                self._admission.renew(self._new_admission())
        if self.free_space is not None:
            self.free_space.min_free_bytes = config.spool.min_free_bytes
        for listener, intake in self._intakes:
            intake.renew(self._reception(listener))
        await renewal.enforce()

    def intake(self, listener: ListenerSettings, admission: Admission) -> Intake:
        """The sessions of a listener. Raises CertificateUnusable."""
        intake = Intake(self._reception(listener), admission)
        self._intakes.append((listener, intake))
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
            heeds_tls_required=self.config.delivery.tls.tls_required_header,
        )

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
