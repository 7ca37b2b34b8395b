"""How connections to next hops are made: what all of them share, and what differs for each recipient domain."""

from __future__ import annotations

import logging
from functools import partial

from attrs import define, evolve, field

from empath.config.schema import Config, Mechanism
from empath.delivery.finding.demands import Demands, DomainTls
from empath.delivery.finding.routing import smart_host_begins_with_tls
from empath.delivery.finding.sts import StsPolicies
from empath.delivery.finding.target import Finder
from empath.delivery.finding.tls_choice import TlsChoice, unchecked_domains
from empath.delivery.talking.dialling import Dialling
from empath.delivery.talking.login import Login
from empath.delivery.telling.witness import Witness
from empath.mail.dialogue import Tap
from empath.policy.encryption.broken_tls import BrokenTls
from empath.policy.encryption.tls import TlsPolicy
from empath.world.ports import World
from empath.world.sending_contexts import SendingContexts

_LOG = logging.getLogger(__name__)


@define(eq=False)
class Connecting:
    """Makes a `Dialling` for each recipient domain."""

    _config: Config
    _world: World
    _finder: Finder
    _sandboxed: bool = field(kw_only=True)
    """Whether all mail goes to the peer of the sandbox, which is this very process, and has no certificate."""
    _tap: Tap = field(kw_only=True, factory=Tap)
    _witness: Witness | None = field(kw_only=True, default=None)
    _sts: StsPolicies | None = field(kw_only=True)
    """None: MTA-STS is not asked for."""
    _implicit_tls: bool = field(init=False)
    """Whether the smart host is one that begins with TLS."""
    _contexts: SendingContexts = field(init=False)
    _broken: BrokenTls = field(init=False)
    _demands: Demands = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Warn of what is not looked at."""
        delivery, world = self._config.delivery, self._world
        self._implicit_tls = smart_host_begins_with_tls(delivery)
        settings, choice = delivery.tls, TlsChoice(delivery)
        self._contexts = SendingContexts(world.offload, ca_file=settings.ca_file)
        self._broken = BrokenTls(settings.remember_broken_s, settings.max_broken_hosts)
        self._demands = Demands(
            configured=(lambda _: DomainTls(policy=TlsPolicy.DISABLED))
            if self._sandboxed
            else partial(self._choice, choice=choice),
            is_routed=lambda domain: self._finder.next_hop(domain) is not None,
            resolver=world.resolver,
            sts=self._sts,
            dane=settings.dane,
            reported=self._witness is not None,
        )
        for whom in unchecked_domains(delivery):
            _LOG.warning(
                "accept_invalid_certs: certificates of next hops are not looked at for %s; whoever stands in the way"
                " can read that mail and change it",
                whom,
            )

    @property
    def finder(self) -> Finder:
        """Where it is connected to."""
        return self._finder

    def dialling(self, domain: str) -> Dialling:
        """How connections for a recipient domain are made."""
        return Dialling(
            domain=domain,
            network=self._world.network,
            clock=self._world.clock,
            hostname=self._config.hostname.ascii,
            timeouts=self._config.delivery.smtp_timeouts,
            demands=self._demands,
            contexts=self._contexts,
            broken=self._broken,
            login=self._login(domain),
            implicit_tls=self._implicit_tls and self._is_smart(domain),
            tap=self._tap,
            witness=self._witness,
        )

    def tls_of(self, domain: str) -> DomainTls:
        """What configuration says about TLS for a recipient domain."""
        return self._demands.configured(domain)

    def _is_smart(self, domain: str) -> bool:
        """Whether mail for a domain goes to the smart host."""
        smart_host = self._finder.routes.smart_host
        return not self._sandboxed and smart_host is not None and self._finder.next_hop(domain) == smart_host

    def _login(self, domain: str) -> Login | None:
        """As whom to log in for mail to a domain: at the smart host and nowhere else."""
        auth = self._config.delivery.smart_host_auth
        if auth.user is None or auth.password_file is None or not self._is_smart(domain):
            return None
        return Login(
            user=auth.user,
            secret_file=auth.password_file,
            mechanism=None if auth.mechanism is Mechanism.AUTO else auth.mechanism.value.upper(),
            disk=self._world.disk,
        )

    def _choice(self, domain: str, choice: TlsChoice) -> DomainTls:
        """What configuration says. A password is given to nobody but the host that it is for."""
        own = choice.of(domain)
        return own if self._login(domain) is None else evolve(own, policy=TlsPolicy.VERIFIED, by_host_name=True)
