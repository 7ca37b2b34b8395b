"""DANE over real DNS: NSD serves signed zones, Unbound validates them, and a host with TLS stands on loopback."""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Final

import pytest
import trio
import trustme
from attrs import evolve, frozen
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from empath.delivery import Dialling
from empath.mail.failure import Failure
from empath.policy.approach import Approach
from empath.policy.encryption.tls import TlsPolicy
from empath.policy.route import Target
from empath.sim import SimulatedWorld
from empath.world import TcpEndpoint
from empath.world.network import SystemNetwork
from empath.world.resolver import DnsResolver, DnsSettings
from tests.delivery.dials import dialling_in
from tests.delivery.test_target import finder
from tests.delivery.tls_hosts import TlsHost, serving
from tests.peers import needs
from tests.process.dns import Resolver, resolving
from tests.process.ports import free_port
from tests.process.signing import sign

pytestmark = needs("nsd", "unbound")

ADDRESS: Final = "127.0.0.2"
PARENT: Final = """\
$TTL 60
@ SOA ns root 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
"""
CHILD: Final = """\
$TTL 60
@ SOA ns.example. root.example. 1 3600 600 86400 60
@ NS ns.example.
@ MX 10 mx
mx A 127.0.0.2
"""
OTHER_KEY: Final = "3 1 1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

# zone -> under `opportunistic`, under `dane`
FATES: Final = {
    "match": ("encrypted", "encrypted"),
    "anchor": ("encrypted", "encrypted"),
    "alias": ("encrypted", "encrypted"),
    "mismatch": ("tls_untrusted", "tls_untrusted"),
    "unusable": ("encrypted", "tls_untrusted"),
    "absent": ("encrypted", "tls_untrusted"),
    "plain": ("encrypted", "tls_untrusted"),
    # What was tampered with on the way cannot be told from what is not there, and must not be taken for it.
    "forged": ("dns", "dns"),
    "stripped": ("dns", "dns"),
}


@cache
def authority() -> trustme.CA:
    return trustme.CA()


@cache
def certificate() -> trustme.LeafCert:
    return authority().issue_cert("mx.anchor.example", key_type=trustme.KeyType.ECDSA)


def der(blob: trustme.Blob) -> str:
    return x509.load_pem_x509_certificate(blob.bytes()).public_bytes(Encoding.DER).hex()


@frozen
class Net:
    dns: Resolver
    port: int


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    """A zone for each fate."""
    port = free_port()
    own, anchor = f"3 0 0 {der(certificate().cert_chain_pems[0])}", f"2 0 0 {der(authority().cert_pem)}"
    records = {
        "match": own,
        "anchor": anchor,
        "mismatch": OTHER_KEY,
        "unusable": OTHER_KEY.replace("3 1 1", "1 1 1"),
        "plain": OTHER_KEY,
        "forged": OTHER_KEY,
        "stripped": OTHER_KEY,
    }
    zones = {name: f"{CHILD}_{port}._tcp.mx TLSA {record}\n" for name, record in records.items()}
    zones |= {"absent": CHILD, "alias": CHILD.replace("mx A 127.0.0.2", "mx CNAME mx.match.example.")}
    signed = {name: sign(f"{name}.example", text) for name, text in zones.items() if name != "plain"}
    delegations = "".join(f"{name} NS ns\n" for name in zones)
    signers = "".join(f"{zone.delegation_signer}\n" for zone in signed.values())
    parent = sign("example", PARENT + delegations + signers)
    served = {f"{name}.example": zone.text for name, zone in signed.items()}
    served["forged.example"] = signed["forged"].altered("00010203", "ff010203")
    served["stripped.example"] = signed["stripped"].without("TLSA")
    home = tmp_path_factory.mktemp("dane")
    served |= {"example": parent.text, "plain.example": zones["plain"]}
    with resolving(home / "dns", served, anchor=parent.delegation_signer) as dns:
        yield Net(dns, port)


@asynccontextmanager
async def host(net: Net) -> AsyncIterator[TlsHost]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate().configure_cert(context)
    listener = await SystemNetwork().listen(TcpEndpoint(ADDRESS, net.port))
    async with listener, serving(TlsHost(context), listener) as some:
        yield some


@asynccontextmanager
async def resolver(net: Net) -> AsyncIterator[DnsResolver]:
    settings = DnsSettings(servers=(TcpEndpoint("127.0.0.1", net.dns.port),), timeout_s=10)
    async with trio.open_nursery() as nursery:
        yield DnsResolver(settings, nursery)
        nursery.cancel_scope.cancel()


async def verdict(dialling: Dialling, target: Target) -> str:
    try:
        hop = await dialling.open(target)
    except Failure as problem:
        return problem.diagnosis.kind.value
    await hop.quit()
    return "clear" if hop.tls is None else "encrypted"


@pytest.mark.parametrize(("name", "fates"), FATES.items())
async def test_what_a_zone_has_published_decides(net: Net, name: str, fates: tuple[str, str]) -> None:
    domain, world = f"{name}.example", SimulatedWorld(1)
    async with host(net) as there, resolver(net) as dns:
        finding = evolve(finder(world, how=Approach(port=net.port, allow_private=True)), resolver=dns)
        (target,) = await finding.find(domain)
        for policy, fate in zip((TlsPolicy.OPPORTUNISTIC, TlsPolicy.DANE), fates, strict=True):
            plain = dialling_in(world, policy, domain=domain, network=SystemNetwork())
            dialling = evolve(plain, demands=evolve(plain.demands, resolver=dns))
            assert await verdict(dialling, target) == fate
        assert there.heard_of_the_envelope == []
