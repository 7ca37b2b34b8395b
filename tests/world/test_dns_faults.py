"""What goes wrong between us and a DNS server: each is ignored or is a temporary failure, and never an absence."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import dns.rrset
import pytest
import trio

from empath.sim.zones import MAX_CHAIN, Zones
from empath.world import DnsTemporary, MxRecord, NoData, NoSuchDomain
from empath.world.resolver import DnsResolver, DnsSettings
from tests.dns_server import POINTER_LOOP, DnsServer, Forgery, serving

ANSWER = (MxRecord(10, "mx.example.com"),)


@pytest.fixture
def zones() -> Zones:
    table = Zones()
    table.add_mx("example.com", "mx.example.com")
    return table


@pytest.fixture
async def server(zones: Zones) -> AsyncIterator[DnsServer]:
    async with serving(zones) as made:
        yield made


@asynccontextmanager
async def asking(server: DnsServer, timeout_s: float = 0.3) -> AsyncIterator[DnsResolver]:
    async with trio.open_nursery() as nursery:
        yield DnsResolver(DnsSettings(servers=(server.endpoint,), timeout_s=timeout_s), nursery)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("forgery", Forgery, ids=lambda forgery: forgery.name.lower())
async def test_an_answer_that_does_not_belong_to_the_question_is_ignored_and_the_true_one_awaited(
    server: DnsServer, forgery: Forgery
) -> None:
    """RFC 5452 9.1: id, question, address and port must all be those of the question."""
    server.forged_first["example.com"] = forgery
    async with asking(server) as resolver:
        assert (await resolver.mx("example.com")).records == ANSWER
    assert server.asked.total() == 1


async def test_records_of_names_that_were_not_asked_for_count_for_nothing(server: DnsServer) -> None:
    server.strays.append(dns.rrset.from_text("victim.example.", 300, "IN", "MX", "1 evil.example."))
    async with asking(server) as resolver:
        assert (await resolver.mx("example.com")).records == ANSWER
        server.strays.clear()
        with pytest.raises(NoSuchDomain):
            await resolver.mx("victim.example")


async def test_an_answer_that_was_cut_short_is_fetched_over_tcp(server: DnsServer, zones: Zones) -> None:
    """RFC 7766 5: what fits into no datagram has to come whole, since the records that are missing matter."""
    hosts = [f"mx{number}.a-rather-long-name.example" for number in range(60)]
    zones.add("big.example", "MX", *(MxRecord(10, host) for host in hosts))
    async with asking(server) as resolver:
        assert len((await resolver.mx("big.example")).records) == 60
    assert server.transports == {"udp": 1, "tcp": 1}


async def test_an_answer_that_is_cut_short_even_over_tcp_is_a_temporary_failure(server: DnsServer) -> None:
    server.cut_short.add("example.com")
    async with asking(server) as resolver:
        with pytest.raises(DnsTemporary):
            await resolver.mx("example.com")
    assert server.transports["tcp"] >= 1


@pytest.mark.parametrize("octets", [b"\xff" * 20, POINTER_LOOP, b""], ids=["no message", "pointer loop", "id alone"])
async def test_a_malformed_datagram_is_a_temporary_failure(server: DnsServer, octets: bytes) -> None:
    server.garbled["example.com"] = octets
    async with asking(server) as resolver:
        with pytest.raises(DnsTemporary, match="no answer within"):
            await resolver.mx("example.com")


@pytest.mark.parametrize("octets", [b"\xff" * 20, POINTER_LOOP], ids=["no message", "pointer loop"])
async def test_a_malformed_answer_over_tcp_is_a_temporary_failure(server: DnsServer, octets: bytes) -> None:
    """Truncated first, so that the answer is fetched over TCP."""
    truncated = b"\x83\x80\0\1\0\0\0\0\0\0" + b"\7example\3com\0" + b"\0\x0f\0\1"
    server.garbled["example.com"] = truncated
    async with asking(server) as resolver:
        server.garbled_over_tcp["example.com"] = octets
        with pytest.raises(DnsTemporary):
            await resolver.mx("example.com")
    assert server.transports["tcp"] >= 1


@pytest.mark.parametrize("trouble", ["failing", "refused", "silent"])
async def test_servfail_refused_and_silence_are_no_absence(server: DnsServer, zones: Zones, trouble: str) -> None:
    """Each stands for "nobody can tell": taken for "no MX record", mail would go to the A record of the domain."""
    names = {"failing": zones.failing, "refused": server.refused, "silent": zones.silent}[trouble]
    names.add("example.com")
    async with asking(server) as resolver:
        with pytest.raises(DnsTemporary):
            await resolver.mx("example.com")
    names.clear()
    async with asking(server) as resolver:
        assert (await resolver.mx("example.com")).records == ANSWER


async def test_a_referral_is_no_absence(server: DnsServer) -> None:
    """A server that knows its own zones only was given for a resolver."""
    server.referred.add("example.com")
    async with asking(server) as resolver:
        with pytest.raises(DnsTemporary, match="does not look names up for us"):
            await resolver.mx("example.com")


async def test_a_chain_of_aliases_is_followed_up_to_its_limit(server: DnsServer, zones: Zones) -> None:
    for number in range(MAX_CHAIN + 1):
        zones.add(f"a{number}.example", "CNAME", f"a{number + 1}.example")
    zones.add_mx(f"a{MAX_CHAIN + 1}.example", "mx.example.com")
    async with asking(server) as resolver:
        assert (await resolver.mx("a8.example")).canonical_name == f"a{MAX_CHAIN + 1}.example"
        with pytest.raises(DnsTemporary):
            await resolver.mx("a0.example")


async def test_a_circle_of_aliases_is_not_asked_for_again_and_again(server: DnsServer, zones: Zones) -> None:
    zones.add("a.example", "CNAME", "b.example")
    zones.add("b.example", "CNAME", "a.example")
    async with asking(server) as resolver:
        for _ in range(20):
            with pytest.raises(DnsTemporary):
                await resolver.mx("a.example")
    assert server.asked.total() == 1


async def test_an_alias_that_leads_to_nothing_says_so(server: DnsServer, zones: Zones) -> None:
    zones.add("gone.example", "CNAME", "nowhere.example")
    zones.add("bare.example", "CNAME", "host.example")
    zones.add_host("host.example", "192.0.2.1")
    async with asking(server) as resolver:
        with pytest.raises(NoSuchDomain):
            await resolver.mx("gone.example")
        with pytest.raises(NoData):
            await resolver.mx("bare.example")
        assert (await resolver.addresses("bare.example")).records == ("192.0.2.1",)


async def test_ids_and_ports_of_questions_are_not_to_be_guessed(server: DnsServer) -> None:
    async with asking(server) as resolver:
        for number in range(40):
            with pytest.raises(NoSuchDomain):
                await resolver.mx(f"n{number}.example")
    ids, ports = {seen.id for seen in server.seen}, {seen.port for seen in server.seen}
    assert len(ids) > 35
    assert len(ports) > 35
    assert max(ids) - min(ids) > 1000
