"""How the tests dial: with policies that they choose, in a simulated world."""

from pathlib import Path

from empath.config.schema import DeliverySettings
from empath.delivery import Dialling
from empath.delivery.finding.demands import Demands, DomainTls
from empath.delivery.finding.sts import StsPolicies
from empath.policy.encryption.broken_tls import BrokenTls
from empath.policy.encryption.tls import TlsPolicy
from empath.sim import SimulatedWorld
from empath.world.ports import Network
from empath.world.sending_contexts import SendingContexts

DOMAIN = "example.org"


def dialling_in(
    world: SimulatedWorld,
    policy: TlsPolicy = TlsPolicy.OPPORTUNISTIC,
    *,
    domain: str = DOMAIN,
    accept_invalid_certs: bool = False,
    routed: bool = False,
    dane: bool = True,
    sts: StsPolicies | None = None,
    ca_file: Path | None = None,
    broken: BrokenTls | None = None,
    network: Network | None = None,
) -> Dialling:
    """``network``: another one than that of the simulated world."""
    own = DomainTls(policy=policy, accept_invalid_certs=accept_invalid_certs)
    return Dialling(
        domain=domain,
        network=network or world.host,
        clock=world.clock,
        hostname="mx.empath.example",
        timeouts=DeliverySettings().smtp_timeouts,
        demands=Demands(
            configured=lambda _: own, is_routed=lambda _: routed, resolver=world.resolver, sts=sts, dane=dane
        ),
        contexts=SendingContexts(world.offload, ca_file=ca_file),
        broken=broken or BrokenTls(3600, 100),
    )
