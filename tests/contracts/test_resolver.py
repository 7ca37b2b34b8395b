"""The Resolver port: dnspython and a server on loopback, and the simulated one that reads the same table."""

from collections.abc import AsyncIterator

import pytest
import trio

from empath.sim.resolver import SimulatedResolver
from empath.sim.zones import Zones
from empath.world import DnsTemporary, MxRecord, NoData, NoSuchDomain, Resolver, Security, TlsaRecord
from empath.world.dns_watch import Lookup
from empath.world.resolver import DnsResolver, DnsSettings
from tests.dns_server import serving

TIMEOUT_S = 0.3


@pytest.fixture
def zones() -> Zones:
    table = Zones(negative_ttl_s=45)
    table.add("example.com", "MX", MxRecord(20, "mx2.example.com"), MxRecord(10, "mx1.example.com"), ttl_s=120)
    table.add_host("mx1.example.com", "192.0.2.10", "2001:db8::10")
    table.add_host("v6.example.com", "2001:db8::6")
    table.add("example.com", "TXT", b"v=spf1 -all", b"a" * 300, b"\x00\xff")
    return table


@pytest.fixture(params=["real", "simulated"])
async def resolver(request: pytest.FixtureRequest, zones: Zones) -> AsyncIterator[Resolver]:
    if request.param == "simulated":
        yield SimulatedResolver(zones, timeout_s=TIMEOUT_S)
        return
    async with serving(zones) as server, trio.open_nursery() as nursery:
        yield DnsResolver(DnsSettings(servers=(server.endpoint,), timeout_s=TIMEOUT_S), nursery)
        nursery.cancel_scope.cancel()


async def test_mail_exchangers_come_with_their_time_to_live(resolver: Resolver) -> None:
    answer = await resolver.mx("example.com")
    assert set(answer.records) == {MxRecord(10, "mx1.example.com"), MxRecord(20, "mx2.example.com")}
    assert answer.ttl_s == pytest.approx(120, abs=1)
    assert answer.canonical_name == "example.com"


@pytest.mark.parametrize("spelling", ["EXAMPLE.com", "example.com.", "Example.COM."])
async def test_case_and_final_dot_make_no_difference(resolver: Resolver, spelling: str) -> None:
    assert (await resolver.mx(spelling)).canonical_name == "example.com"


async def test_a_null_mx_is_an_answer_that_says_so(resolver: Resolver, zones: Zones) -> None:
    zones.add("nomail.example", "MX", MxRecord(0, "."))
    (record,) = (await resolver.mx("nomail.example")).records
    assert record.host == "."


async def test_addresses_of_both_families_are_one_answer_with_ipv4_first(resolver: Resolver) -> None:
    assert (await resolver.addresses("mx1.example.com")).records == ("192.0.2.10", "2001:db8::10")


async def test_a_host_with_one_family_lives_no_longer_than_the_absence_of_the_other(resolver: Resolver) -> None:
    answer = await resolver.addresses("v6.example.com")
    assert answer.records == ("2001:db8::6",)
    assert answer.ttl_s == pytest.approx(45, abs=1)


async def test_strings_of_a_text_record_are_joined(resolver: Resolver) -> None:
    assert set((await resolver.txt("example.com")).records) == {b"v=spf1 -all", b"a" * 300, b"\x00\xff"}


async def test_tlsa_records_are_found_by_host_and_port(resolver: Resolver, zones: Zones) -> None:
    record = TlsaRecord(3, 1, 1, bytes(range(32)))
    zones.add("_25._tcp.mx1.example.com", "TLSA", record)
    assert (await resolver.tlsa("mx1.example.com", port=25)).records == (record,)


async def test_aliases_are_followed_and_the_shortest_life_counts(resolver: Resolver, zones: Zones) -> None:
    zones.add("alias.example", "CNAME", "other.example", ttl_s=30)
    zones.add("other.example", "CNAME", "example.com", ttl_s=90)
    answer = await resolver.mx("alias.example")
    assert answer.canonical_name == "example.com"
    assert answer.ttl_s == pytest.approx(30, abs=1)


async def test_aliases_in_a_circle_are_a_temporary_failure(resolver: Resolver, zones: Zones) -> None:
    zones.add("a.example", "CNAME", "b.example")
    zones.add("b.example", "CNAME", "a.example")
    with pytest.raises(DnsTemporary):
        await resolver.mx("a.example")


async def test_a_name_that_does_not_exist_is_told_from_one_without_the_record(resolver: Resolver) -> None:
    with pytest.raises(NoSuchDomain) as missing:
        await resolver.mx("nowhere.example")
    assert missing.value.ttl_s == pytest.approx(45, abs=1)
    with pytest.raises(NoData) as empty:
        await resolver.mx("mx1.example.com")
    assert empty.value.ttl_s == pytest.approx(45, abs=1)


async def test_a_name_with_others_below_it_exists(resolver: Resolver, zones: Zones) -> None:
    zones.add_host("a.b.example", "192.0.2.1")
    with pytest.raises(NoData):
        await resolver.addresses("b.example")


async def test_a_host_without_any_address_has_no_data(resolver: Resolver, zones: Zones) -> None:
    zones.add("text.example", "TXT", b"only")
    with pytest.raises(NoData, match="no address"):
        await resolver.addresses("text.example")


@pytest.mark.parametrize("name", ["a" * 64 + ".example", "example..com", ".".join(["a" * 60] * 5)])
async def test_what_cannot_be_a_name_does_not_exist(resolver: Resolver, name: str) -> None:
    with pytest.raises(NoSuchDomain):
        await resolver.mx(name)


async def test_a_server_failure_is_temporary_and_no_absence(resolver: Resolver, zones: Zones) -> None:
    zones.failing.add("broken.example")
    with pytest.raises(DnsTemporary, match="SERVFAIL"):
        await resolver.mx("broken.example")
    with pytest.raises(DnsTemporary):
        await resolver.addresses("broken.example")


async def test_silence_ends_at_the_time_limit(resolver: Resolver, zones: Zones) -> None:
    zones.silent.add("silent.example")
    with trio.fail_after(TIMEOUT_S * 4), pytest.raises(DnsTemporary, match="no answer within"):
        await resolver.mx("silent.example")


async def test_a_signed_zone_is_secure_and_another_is_not(resolver: Resolver, zones: Zones) -> None:
    zones.signed.add("example.com")
    zones.add("plain.example", "MX", MxRecord(10, "mx1.example.com"))
    assert (await resolver.mx("example.com")).security is Security.SECURE
    assert (await resolver.mx("plain.example")).security is Security.INSECURE


async def test_one_insecure_step_makes_the_whole_chain_insecure(resolver: Resolver, zones: Zones) -> None:
    zones.signed.add("example.com")
    zones.add("plain.example", "CNAME", "example.com")
    assert (await resolver.mx("plain.example")).security is Security.INSECURE


async def test_absence_is_secure_too(resolver: Resolver, zones: Zones) -> None:
    zones.signed.add("example.com")
    with pytest.raises(NoSuchDomain) as missing:
        await resolver.tlsa("mx1.example.com", port=25)
    assert missing.value.security is Security.SECURE
    with pytest.raises(NoSuchDomain) as other:
        await resolver.tlsa("mx.plain.example", port=25)
    assert other.value.security is Security.INSECURE


async def test_a_caller_can_give_up(resolver: Resolver, zones: Zones) -> None:
    zones.silent.add("silent.example")
    with trio.move_on_after(0.01) as scope:
        await resolver.mx("silent.example")
    assert scope.cancelled_caught


async def test_who_watches_hears_of_each_question_that_was_asked(resolver: Resolver) -> None:
    heard = list[Lookup]()
    resolver.watch.tell = heard.append
    await resolver.mx("example.com")
    with pytest.raises(NoData):
        await resolver.txt("mx1.example.com")
    with pytest.raises(NoSuchDomain):
        await resolver.a("nobody.example")
    assert [(one.kind, one.result) for one in heard] == [("MX", "ok"), ("TXT", "nodata"), ("A", "nxdomain")]
    assert all(0 <= one.took_s < TIMEOUT_S for one in heard)
    assert resolver.watch.misses == 3
