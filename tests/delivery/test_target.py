import pytest
from trio.testing import MockClock

from empath.delivery import Finder
from empath.mail.diagnosis import Kind
from empath.mail.failure import Failure, PermanentFailure, TemporaryFailure
from empath.policy.route import NextHop, Routes
from empath.sim import SimulatedWorld


def finder(world: SimulatedWorld, routes: Routes | None = None, *, allow_private: bool = False) -> Finder:
    return Finder(
        routes=routes or Routes(),
        resolver=world.resolver,
        entropy=world.entropy,
        own_name="mx.empath.example",
        port=25,
        allow_private=allow_private,
    )


async def found(finder: Finder, domain: str) -> list[tuple[str, str, int]]:
    return [(one.host, one.address, one.port) for one in await finder.find(domain)]


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


async def test_an_address_literal_asks_nobody(autojump_clock: MockClock) -> None:
    world = SimulatedWorld(1)
    assert await found(finder(world), "[198.51.100.7]") == [("[198.51.100.7]", "198.51.100.7", 25)]


async def test_configuration_goes_before_dns_and_may_name_a_private_host(autojump_clock: MockClock) -> None:
    world = SimulatedWorld(1)
    routes = Routes(smart_host=NextHop("10.0.0.1", 2525))
    assert await found(finder(world, routes), "example.org") == [("10.0.0.1", "10.0.0.1", 2525)]


async def test_dns_cannot_send_us_to_a_private_host(autojump_clock: MockClock) -> None:
    world = SimulatedWorld(1)
    world.zones.add_host("example.org", "127.0.0.1")
    with pytest.raises(Failure):
        await finder(world).find("example.org")
    assert await found(finder(world, allow_private=True), "example.org") == [("example.org", "127.0.0.1", 25)]


async def test_what_dns_says_decides_whether_it_is_for_ever(autojump_clock: MockClock) -> None:
    world = SimulatedWorld(1)
    world.zones.failing.add("broken.example")
    world.zones.add_mx("null.example", ".", preference=0)
    with pytest.raises(PermanentFailure) as missing:
        await finder(world).find("missing.example")
    assert missing.value.diagnosis.kind is Kind.NO_SUCH_DOMAIN
    with pytest.raises(PermanentFailure) as null:
        await finder(world).find("null.example")
    assert null.value.diagnosis.kind is Kind.NULL_MX
    with pytest.raises(TemporaryFailure) as broken:
        await finder(world).find("broken.example")
    assert broken.value.diagnosis.kind is Kind.DNS
