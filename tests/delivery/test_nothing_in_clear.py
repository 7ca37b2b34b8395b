"""Nothing of an envelope goes in clear where TLS is a condition: whole messages to every kind of host."""

from itertools import product
from typing import Final

import pytest
import trio
from trio.testing import MockClock

from empath.config.schema import DeliverySettings, DomainSettings, TlsSettings
from empath.mail import DeliveryAttempted
from empath.mail.outcome import Delivered
from empath.policy.encryption.tls import TlsPolicy
from empath.sim import SimulatedWorld
from empath.smtp import Domain
from empath.world import FetchResponse, TcpEndpoint, TlsaRecord
from tests.delivery.shown import tlsa
from tests.delivery.stage import stage
from tests.delivery.test_tls_policies import SITUATIONS, UNUSABLE, host_in
from tests.delivery.tls_hosts import TlsHost

PUBLISHED: Final = ("nothing", "match", "mismatch", "unusable", "lost", "enforce", "testing")
BINDING: Final = ("match", "mismatch", "unusable", "lost", "enforce")
CASES: Final = {f"d{number}.example": case for number, case in enumerate(product(TlsPolicy, PUBLISHED))}


def publish(world: SimulatedWorld, domain: str, what: str, situation: str) -> None:
    zones, name = world.zones, f"_25._tcp.mx.{domain}"
    records: dict[str, TlsaRecord] = {"match": tlsa(situation), "mismatch": tlsa("good"), "unusable": UNUSABLE}
    if what in records:
        zones.add(name, "TLSA", records[what])
    elif what == "lost":
        zones.failing.add(name)
    elif what != "nothing":
        zones.add(f"_mta-sts.{domain}", "TXT", b"v=STSv1; id=1;")
        text = f"version: STSv1\nmode: {what}\nmx: mx.{domain}\nmax_age: 604800\n"
        page = FetchResponse(200, {"content-type": "text/plain"}, text.encode())
        world.fetch.pages[f"https://mta-sts.{domain}/.well-known/mta-sts.txt"] = page


@pytest.mark.parametrize("situation", SITUATIONS)
async def test_where_tls_is_a_condition_no_envelope_is_heard_on_the_way(
    autojump_clock: MockClock, situation: str
) -> None:
    world, hosts = SimulatedWorld(1), dict[str, TlsHost]()
    world.zones.signed.add("example")
    own = {Domain.parse(domain): DomainSettings(tls_policy=policy) for domain, (policy, _) in CASES.items()}
    async with trio.open_nursery() as nursery:
        for number, (domain, (_, what)) in enumerate(CASES.items()):
            address = f"198.51.100.{number + 1}"
            world.zones.add_mx(domain, f"mx.{domain}")
            world.zones.add_host(f"mx.{domain}", address)
            publish(world, domain, what, situation)
            hosts[domain] = host_in(situation)
            listener = await world.network.host(address).listen(TcpEndpoint(address, 25))
            nursery.start_soon(hosts[domain].serve, listener)
        async with stage(DeliverySettings(domains=own, tls=TlsSettings()), world=world) as place:
            for domain in CASES:
                await place.put(f"b@{domain}", sender=None)
            await trio.sleep(30)
            fates = {str(fact.recipient).partition("@")[2]: fact.outcome for fact in place.said(DeliveryAttempted)}
        nursery.cancel_scope.cancel()
    assert set(fates) == set(CASES)
    for domain, (policy, what) in CASES.items():
        heard = hosts[domain].heard_of_the_envelope
        if policy.mandatory or (policy is TlsPolicy.OPPORTUNISTIC and what in BINDING):
            assert heard == [], (policy, what)
        else:
            # What would not come at all would prove nothing.
            assert isinstance(fates[domain], Delivered), (policy, what)
            assert bool(heard) is (policy is TlsPolicy.DISABLED or situation in SITUATIONS[5:])
