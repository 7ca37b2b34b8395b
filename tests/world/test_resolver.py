"""What the real resolver promises beyond the port: transports, servers, whom it believes, and how often it asks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from empath.sim.zones import Zones
from empath.world import DnsTemporary, MxRecord, Security, TcpEndpoint
from empath.world.name_servers import system_servers
from empath.world.resolver import DnsResolver, DnsSettings
from tests.dns_server import DnsServer, serving

NOBODY = TcpEndpoint("127.0.0.1", 9)


@pytest.fixture
def zones() -> Zones:
    table = Zones()
    table.add_mx("example.com", "mx.example.com")
    table.signed.add("example.com")
    return table


@pytest.fixture
async def server(zones: Zones) -> AsyncIterator[DnsServer]:
    async with serving(zones) as made:
        yield made


@asynccontextmanager
async def resolving(
    *servers: TcpEndpoint, timeout_s: float = 2, trust_ad: bool = False, max_entries: int = 100, max_queries: int = 100
) -> AsyncIterator[DnsResolver]:
    settings = DnsSettings(
        servers=servers, timeout_s=timeout_s, trust_ad=trust_ad, max_entries=max_entries, max_queries=max_queries
    )
    async with trio.open_nursery() as nursery:
        yield DnsResolver(settings, nursery)
        nursery.cancel_scope.cancel()


async def test_a_name_is_asked_for_once_however_many_want_it(server: DnsServer) -> None:
    async with resolving(server.endpoint) as resolver, trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(resolver.mx, "Example.com.")
    assert server.asked == {("example.com", "MX"): 1}


async def test_no_more_answers_are_kept_than_there_may_be(server: DnsServer, zones: Zones) -> None:
    zones.add_mx("example.org", "mx.example.org")
    async with resolving(server.endpoint, max_entries=1) as resolver:
        for name in ("example.com", "example.org", "example.org", "example.com"):
            await resolver.mx(name)
    assert server.asked == {("example.com", "MX"): 2, ("example.org", "MX"): 1}


async def test_no_more_questions_are_under_way_than_there_may_be(server: DnsServer, zones: Zones) -> None:
    zones.add_mx("example.org", "mx.example.org")
    server.answering = trio.Event()
    async with resolving(server.endpoint, max_queries=1) as resolver, trio.open_nursery() as nursery:
        for name in ("example.com", "example.org"):
            nursery.start_soon(resolver.mx, name)
        await trio.sleep(0.1)
        assert server.asked.total() == 1
        server.answering.set()
    assert server.asked.total() == 2


async def test_a_server_that_refuses_is_named_and_the_next_one_asked(server: DnsServer, zones: Zones) -> None:
    server.refused.add("example.com")
    async with resolving(server.endpoint) as resolver:
        with pytest.raises(DnsTemporary, match=r"127\.0\.0\.1@\d+: REFUSED"):
            await resolver.mx("example.com")
    async with serving(zones) as second, resolving(server.endpoint, second.endpoint) as resolver:
        assert (await resolver.mx("example.com")).records == (MxRecord(10, "mx.example.com"),)


async def test_the_time_limit_holds_for_all_servers_together() -> None:
    async with resolving(NOBODY, TcpEndpoint("127.0.0.1", 10), timeout_s=0.2) as resolver:
        started = trio.current_time()
        with pytest.raises(DnsTemporary, match=r"no answer within 0\.2 s"):
            await resolver.mx("example.com")
        assert trio.current_time() - started < 1


@pytest.mark.parametrize(
    ("others", "trust_ad", "security"),
    [
        ((), False, Security.SECURE),
        ((TcpEndpoint("192.0.2.53", 53),), False, Security.INDETERMINATE),
        ((TcpEndpoint("192.0.2.53", 53),), True, Security.SECURE),
    ],
    ids=["loopback only", "one is not", "the operator says so"],
)
async def test_the_ad_flag_counts_only_from_servers_that_are_trusted(
    server: DnsServer, others: tuple[TcpEndpoint, ...], trust_ad: bool, security: Security
) -> None:
    async with resolving(server.endpoint, *others, trust_ad=trust_ad) as resolver:
        assert (await resolver.mx("example.com")).security is security


async def test_giving_up_does_not_stop_the_lookup_of_others(server: DnsServer) -> None:
    server.answering = trio.Event()
    async with resolving(server.endpoint) as resolver:
        with trio.move_on_after(0.05) as impatient:
            await resolver.mx("example.com")
        assert impatient.cancelled_caught
        server.answering.set()
        assert (await resolver.mx("example.com")).records == (MxRecord(10, "mx.example.com"),)
    assert server.asked == {("example.com", "MX"): 1}


def test_there_is_always_a_server_to_ask() -> None:
    assert system_servers()
