"""Where an attempt connects to: what is asked, and what configuration and DNS make of it."""

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from empath.config.schema import Config, DeliverySettings, DomainSettings, ListenerSettings, Mode
from empath.delivery import Finder
from empath.delivery.finding.routing import approach, own_host
from empath.mail.diagnosis import Kind
from empath.mail.failure import Failure, PermanentFailure, TemporaryFailure
from empath.policy.approach import Approach, IpPreference
from empath.policy.route import NextHop, OwnHost, Routes
from empath.sim import SimulatedWorld
from empath.sim.resolver import SimulatedResolver
from empath.smtp import Domain
from empath.world.endpoint import TcpEndpoint

PLAIN = Approach(port=25)


def finder(
    world: SimulatedWorld,
    routes: Routes | None = None,
    *,
    how: Approach = PLAIN,
    enforce_dnssec: bool = False,
    max_hosts: int = 5,
) -> Finder:
    return Finder(
        routes=routes or Routes(),
        resolver=world.resolver,
        entropy=world.entropy,
        own=OwnHost(names=frozenset({"mx.empath.example"}), addresses=frozenset({"198.51.100.25"})),
        approach=lambda domain: how,
        max_hosts=max_hosts,
        enforce_dnssec=enforce_dnssec,
    )


async def found(finder: Finder, domain: str) -> list[tuple[str, str, int]]:
    return [(one.host, one.address, one.port) for one in await finder.find(domain)]


async def failure(finder: Finder, domain: str) -> Failure:
    with pytest.raises(Failure) as caught:
        await finder.find(domain)
    return caught.value


async def test_mail_exchangers_are_tried_in_their_order(autojump_clock: MockClock) -> None:
    world = SimulatedWorld(1)
    world.zones.add_mx("example.org", "one.example.org", "two.example.org")
    world.zones.add_host("one.example.org", "198.51.100.1")
    world.zones.add_host("two.example.org", "198.51.100.2")
    assert await found(finder(world), "example.org") == [
        ("one.example.org", "198.51.100.1", 25),
        ("two.example.org", "198.51.100.2", 25),
    ]


async def test_a_domain_without_mail_exchangers_is_its_own(autojump_clock: MockClock) -> None:
    world = SimulatedWorld(1)
    world.zones.add_host("example.org", "198.51.100.1")
    assert await found(finder(world), "example.org") == [("example.org", "198.51.100.1", 25)]


async def test_a_null_mx_is_returned_at_once_without_asking_for_addresses(autojump_clock: MockClock) -> None:
    """RFC 7505 3."""
    world = SimulatedWorld(1)
    world.zones.add_mx("null.example", ".", preference=0)
    world.zones.add_host("null.example", "198.51.100.1")
    problem = await failure(finder(world), "null.example")
    assert isinstance(problem, PermanentFailure)
    assert str(problem.diagnosis.status) == "5.1.10"


@pytest.mark.parametrize("trouble", ["failing", "silent"])
async def test_a_lookup_that_fails_never_leads_to_the_address_of_the_domain(
    autojump_clock: MockClock, trouble: str
) -> None:
    """SERVFAIL is no downgrade: the domain has an address, and mail must wait for its MX records all the same."""
    world = SimulatedWorld(1)
    world.zones.add_host("example.org", "198.51.100.1")
    {"failing": world.zones.failing, "silent": world.zones.silent}[trouble].add("example.org")
    problem = await failure(finder(world), "example.org")
    assert isinstance(problem, TemporaryFailure)
    assert problem.diagnosis.kind is Kind.DNS
    assert "example.org could not be looked up: example.org: " in problem.diagnosis.text
    world.zones.failing.clear()
    world.zones.silent.clear()
    assert await found(finder(world), "example.org") == [("example.org", "198.51.100.1", 25)]


async def test_a_domain_that_does_not_exist_is_returned(autojump_clock: MockClock) -> None:
    problem = await failure(finder(SimulatedWorld(1)), "missing.example")
    assert isinstance(problem, PermanentFailure)
    assert problem.diagnosis.kind is Kind.NO_SUCH_DOMAIN


async def test_an_alias_leads_to_the_exchangers_of_its_target(autojump_clock: MockClock) -> None:
    """RFC 5321 5.1: the name that results is processed as if it were the initial name."""
    world = SimulatedWorld(1)
    world.zones.add("alias.example", "CNAME", "example.org")
    world.zones.add_mx("example.org", "one.example.org")
    world.zones.add_host("one.example.org", "198.51.100.1")
    assert await found(finder(world), "alias.example") == [("one.example.org", "198.51.100.1", 25)]


async def test_an_alias_of_a_host_without_mail_exchangers_is_that_host(autojump_clock: MockClock) -> None:
    world = SimulatedWorld(1)
    world.zones.add("alias.example", "CNAME", "host.example")
    world.zones.add_host("host.example", "198.51.100.1")
    (target,) = await finder(world).find("alias.example")
    assert (target.host, target.canonical_name, target.address) == ("alias.example", "host.example", "198.51.100.1")


async def test_an_exchanger_that_is_an_alias_is_tolerated_and_keeps_its_name(autojump_clock: MockClock) -> None:
    """RFC 2181 10.3 forbids it, and it is common."""
    world = SimulatedWorld(1)
    world.zones.add_mx("example.org", "mx.example.org")
    world.zones.add("mx.example.org", "CNAME", "real.example.net")
    world.zones.add_host("real.example.net", "198.51.100.1")
    (target,) = await finder(world).find("example.org")
    assert (target.host, target.canonical_name) == ("mx.example.org", "real.example.net")


async def test_an_alias_in_a_circle_waits(autojump_clock: MockClock) -> None:
    world = SimulatedWorld(1)
    world.zones.add("a.example", "CNAME", "b.example")
    world.zones.add("b.example", "CNAME", "a.example")
    assert isinstance(await failure(finder(world), "a.example"), TemporaryFailure)


@pytest.mark.parametrize("how", ["name", "alias", "address"])
async def test_our_own_host_drops_those_that_are_no_better_and_alone_is_a_loop(
    autojump_clock: MockClock, how: str
) -> None:
    world = SimulatedWorld(1)
    ours = {"name": "mx.empath.example", "alias": "also.example", "address": "same.example"}[how]
    world.zones.add("also.example", "CNAME", "mx.empath.example")
    world.zones.add_host("mx.empath.example", "198.51.100.7")
    world.zones.add_host("same.example", "198.51.100.25")
    world.zones.add_host("one.example.org", "198.51.100.1")
    world.zones.add_mx("example.org", "one.example.org", ours, "one.example.org")
    world.zones.add_mx("loop.example", ours, "one.example.org")
    assert await found(finder(world), "example.org") == [("one.example.org", "198.51.100.1", 25)]
    problem = await failure(finder(world), "loop.example")
    assert isinstance(problem, PermanentFailure)
    assert str(problem.diagnosis.status) == "5.4.6"


async def test_a_name_in_another_script_is_asked_for_as_a_labels(autojump_clock: MockClock) -> None:
    """RFC 5890 2.3.2.1: DNS knows the A-label form only."""
    world = SimulatedWorld(1)
    world.zones.add_mx("xn--bcher-kva.example", "mx.xn--bcher-kva.example")
    world.zones.add_host("mx.xn--bcher-kva.example", "198.51.100.1")
    expected = [("mx.xn--bcher-kva.example", "198.51.100.1", 25)]
    assert await found(finder(world), "b\xfccher.example") == expected
    assert await found(finder(world), "xn--bcher-kva.example") == expected


async def test_an_address_literal_asks_nobody(autojump_clock: MockClock) -> None:
    world = SimulatedWorld(1)
    assert await found(finder(world), "[198.51.100.7]") == [("[198.51.100.7]", "198.51.100.7", 25)]


@pytest.mark.parametrize("literal", ["[127.0.0.1]", "[IPv6:::1]", "[10.0.0.1]"])
async def test_an_address_literal_cannot_send_us_to_a_private_host(autojump_clock: MockClock, literal: str) -> None:
    assert (await failure(finder(SimulatedWorld(1)), literal)).diagnosis.kind is Kind.NO_HOST


async def test_an_address_literal_of_our_own_is_a_loop(autojump_clock: MockClock) -> None:
    assert (await failure(finder(SimulatedWorld(1)), "[198.51.100.25]")).diagnosis.kind is Kind.LOOP


async def test_configuration_goes_before_dns_and_may_name_a_private_host(autojump_clock: MockClock) -> None:
    world = SimulatedWorld(1)
    routes = Routes(smart_host=NextHop("10.0.0.1", 2525))
    assert await found(finder(world, routes), "example.org") == [("10.0.0.1", "10.0.0.1", 2525)]
    world.zones.add_host("smart.example", "10.0.0.2")
    world.zones.add_mx("smart.example", "elsewhere.example")
    routes = Routes(smart_host=NextHop("smart.example", 2525))
    assert await found(finder(world, routes), "example.org") == [("smart.example", "10.0.0.2", 2525)]


async def test_dns_cannot_send_us_to_a_private_host(autojump_clock: MockClock) -> None:
    world = SimulatedWorld(1)
    world.zones.add_host("example.org", "127.0.0.1")
    with pytest.raises(Failure):
        await finder(world).find("example.org")
    allowed = finder(world, how=evolve(PLAIN, allow_private=True))
    assert await found(allowed, "example.org") == [("example.org", "127.0.0.1", 25)]


async def test_of_a_hundred_hosts_the_best_few_are_looked_up_and_all_at_once(autojump_clock: MockClock) -> None:
    world = SimulatedWorld(1)
    names = [f"mx{number}.example.org" for number in range(100)]
    world.zones.add_mx("example.org", *names)
    for number, name in enumerate(names):
        world.zones.add_host(name, f"198.51.100.{number}", f"2001:db8::{number}")
    world.world = evolve(world.world, resolver=SimulatedResolver(world.zones, latency_s=1))
    began = trio.current_time()
    hosts = [host for host, _, _ in await found(evolve(finder(world), resolver=world.world.resolver), "example.org")]
    assert trio.current_time() - began == 3  # the MX records; then, for all at once, IPv4 and after it IPv6
    assert list(dict.fromkeys(hosts)) == names[:5]
    assert len(hosts) == 6
    assert len({host for host, _, _ in await found(finder(world, max_hosts=2), "example.org")}) == 2


@pytest.mark.parametrize(("ip", "address"), [(IpPreference.V4, "198.51.100.1"), (IpPreference.V6, "2001:db8::1")])
async def test_a_family_that_is_not_used_is_not_asked_for(
    autojump_clock: MockClock, ip: IpPreference, address: str
) -> None:
    world = SimulatedWorld(1)
    world.zones.add_host("example.org", "198.51.100.1", "2001:db8::1")
    resolver = SimulatedResolver(world.zones, latency_s=1)
    began = trio.current_time()
    (target,) = await evolve(finder(world, how=evolve(PLAIN, ip=ip)), resolver=resolver).find("example.org")
    assert target.address == address
    assert trio.current_time() - began == 2  # the MX records, and one family


async def test_each_target_says_what_dnssec_vouches_for(autojump_clock: MockClock) -> None:
    """RFC 7672 2.2.1 tells a host that is known for sure from addresses that are."""
    world = SimulatedWorld(1)
    world.zones.signed |= {"example.org", "secure.example"}
    for domain, host in (("example.org", "mx.secure.example"), ("plain.example", "mx.secure.example")):
        world.zones.add_mx(domain, host)
    world.zones.add_mx("secure.example", "mx.plain.example")
    world.zones.add_host("mx.secure.example", "198.51.100.1")
    world.zones.add_host("mx.plain.example", "198.51.100.2")
    found = {
        domain: (await finder(world).find(domain))[0] for domain in ("example.org", "plain.example", "secure.example")
    }
    said = {domain: (target.host_secure, target.address_secure) for domain, target in found.items()}
    assert said == {"example.org": (True, True), "plain.example": (False, True), "secure.example": (True, False)}


async def test_a_host_that_configuration_names_is_known_for_sure(autojump_clock: MockClock) -> None:
    world = SimulatedWorld(1)
    world.zones.add_host("smart.example", "198.51.100.1")
    (target,) = await finder(world, Routes(smart_host=NextHop("smart.example", 25))).find("example.org")
    assert (target.host_secure, target.address_secure) == (True, False)


async def test_where_dnssec_is_enforced_mail_waits_for_what_it_does_not_vouch_for(autojump_clock: MockClock) -> None:
    world = SimulatedWorld(1)
    world.zones.signed |= {"example.org", "half.example"}
    world.zones.add_mx("example.org", "mx.plain.example", "mx.example.org")
    world.zones.add_mx("half.example", "mx.plain.example")
    world.zones.add_mx("plain.example", "mx.example.org")
    world.zones.add_host("mx.example.org", "198.51.100.1")
    world.zones.add_host("mx.plain.example", "198.51.100.2")
    strict = finder(world, enforce_dnssec=True)
    assert await found(strict, "example.org") == [("mx.example.org", "198.51.100.1", 25)]
    for domain in ("half.example", "plain.example", "missing.example"):
        problem = await failure(strict, domain)
        assert isinstance(problem, TemporaryFailure)
        assert problem.diagnosis.kind is Kind.DNS_INSECURE
        assert str(problem.diagnosis.status) == "4.7.0"
        assert "delivery.dns.dnssec.enforce" in problem.diagnosis.text


async def test_where_dnssec_is_enforced_a_resolver_that_is_not_believed_delivers_nothing_and_says_why(
    autojump_clock: MockClock,
) -> None:
    world = SimulatedWorld(1)
    world.zones.signed.add("example.org")
    world.zones.add_host("example.org", "198.51.100.1")
    resolver = SimulatedResolver(world.zones, trusted=False)
    problem = await failure(evolve(finder(world, enforce_dnssec=True), resolver=resolver), "example.org")
    assert "delivery.dns.trust_ad" in problem.diagnosis.text


def test_the_keys_of_a_domain_come_before_those_for_all() -> None:
    settings = DeliverySettings(
        ip=IpPreference.PREFER_V6,
        source=("192.0.2.1",),
        smtp_port=2525,
        max_addresses_per_attempt=3,
        allow_private_hosts=True,
        domains={
            Domain.parse("example.org"): DomainSettings(ip=IpPreference.V4),
            Domain.parse("example.net"): DomainSettings(source=("192.0.2.2", "2001:db8::2")),
        },
    )
    usual = Approach(port=2525, ip=IpPreference.PREFER_V6, sources=("192.0.2.1",), allow_private=True, max_addresses=3)
    assert approach(settings, "example.com") == approach(settings, "[192.0.2.9]") == usual
    assert approach(settings, "example.org") == evolve(usual, ip=IpPreference.V4)
    assert approach(settings, "example.net") == evolve(usual, sources=("192.0.2.2", "2001:db8::2"))


def test_this_host_is_its_name_its_listeners_and_what_configuration_adds() -> None:
    config = Config(
        mode=Mode.LIVE,
        hostname=Domain.parse("mx.empath.example"),
        delivery=DeliverySettings(own_hosts=("mail.example.org", "198.51.100.9")),
    )
    listeners = tuple(
        ListenerSettings(listen_addr=TcpEndpoint(host, port))
        for host, port in (("198.51.100.1", 25), ("198.51.100.2", 587))
    )
    config = evolve(config, smtp=evolve(config.smtp, listeners=listeners))
    own = own_host(config)
    assert {"mx.empath.example", "mail.example.org"} <= own.names
    assert {"198.51.100.9", "198.51.100.1"} <= own.addresses
    assert "198.51.100.2" not in own.addresses
