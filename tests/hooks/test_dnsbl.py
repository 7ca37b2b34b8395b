import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from empath.hooks import Refuse, SessionFacts
from empath.hooks.dnsbl import Dnsbl, DnsblSettings, Stage
from empath.policy.reception.dnsbl import Zone
from empath.sim import SimulatedWorld, Zones
from empath.sim.resolver import SimulatedResolver
from empath.smtp import Address, Rcpt, Reply
from empath.world.errors import DnsTemporary
from empath.world.resolver import DnsResolver, DnsSettings
from tests.dns_server import serving
from tests.hooks.stage import FACTS

STRANGER = evolve(FACTS, login=None)
STRANGER_V6 = evolve(STRANGER, client_ip="2001:db8::7")
RCPT = Rcpt(Address.parse("b@ours.example"))
NAME = "7.100.51.198"
NIBBLES = "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"


@pytest.fixture
def zones() -> Zones:
    zones = Zones()
    zones.add("bl.example", "TXT", b"a list")
    zones.add("other.example", "TXT", b"another")
    return zones


def hook(zones: Zones, *lists: str, stage: Stage = Stage.RCPT, latency_s: float = 0.0) -> Dnsbl:
    settings = DnsblSettings(zones=tuple(map(Zone.parse, lists or ("bl.example",))), stage=stage)
    resolver = SimulatedResolver(zones, latency_s=latency_s)
    return Dnsbl(settings=settings, world=evolve(SimulatedWorld(1).world, resolver=resolver))


async def test_a_client_that_is_listed_is_refused_for_each_recipient(zones: Zones) -> None:
    zones.add(f"{NAME}.bl.example", "A", "127.0.0.2")
    dnsbl = hook(zones)
    expected = Refuse(Reply(550, "198.51.100.7 is listed by bl.example", "5.7.1"))
    assert await dnsbl.on_rcpt(STRANGER, RCPT) == expected
    assert await dnsbl.on_connect(STRANGER) is None


async def test_a_client_is_refused_at_once_where_that_is_wanted(zones: Zones) -> None:
    zones.add(f"{NAME}.bl.example", "A", "127.0.0.2")
    dnsbl = hook(zones, stage=Stage.CONNECT)
    assert await dnsbl.on_connect(STRANGER) == Refuse(Reply(554, "198.51.100.7 is listed by bl.example", "5.7.1"))
    assert await dnsbl.on_rcpt(STRANGER, RCPT) is None


async def test_clients_of_ipv6_are_looked_up_by_nibbles(zones: Zones) -> None:
    zones.add(f"{NIBBLES}.bl.example", "A", "127.0.0.2")
    assert isinstance(await hook(zones).on_rcpt(STRANGER_V6, RCPT), Refuse)


async def test_a_client_that_no_list_knows_passes(zones: Zones) -> None:
    assert await hook(zones, "bl.example", "other.example").on_rcpt(STRANGER, RCPT) is None


@pytest.mark.parametrize(
    ("answer", "wanted", "refused"),
    [
        ("127.0.0.4", "bl.example=127.0.0.2", False),
        ("127.0.0.2", "bl.example=127.0.0.2", True),
        ("192.0.2.80", "bl.example", False),
    ],
)
async def test_answers_that_mean_something_else_do_not_count(
    zones: Zones, answer: str, wanted: str, refused: bool
) -> None:
    zones.add(f"{NAME}.bl.example", "A", answer)
    assert (await hook(zones, wanted).on_rcpt(STRANGER, RCPT) is not None) is refused


async def test_mail_to_postmaster_comes_in_from_everywhere(zones: Zones) -> None:
    zones.add(f"{NAME}.bl.example", "A", "127.0.0.2")
    assert await hook(zones).on_rcpt(STRANGER, Rcpt(Address.parse("PostMaster@ours.example"))) is None


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.168.0.9", "::1", "fe80::1", "::ffff:10.0.0.1", ""])
async def test_nobody_asks_about_addresses_that_no_list_can_know(zones: Zones, address: str) -> None:
    zones.add("1.0.0.127.bl.example", "A", "127.0.0.2")
    zones.failing |= {"3.2.1.10.bl.example", "9.0.168.192.bl.example", "1.0.0.10.bl.example"}
    assert await hook(zones).on_rcpt(evolve(STRANGER, client_ip=address), RCPT) is None


async def test_who_has_logged_in_is_not_looked_up(zones: Zones) -> None:
    zones.add(f"{NAME}.bl.example", "A", "127.0.0.2")
    assert await hook(zones).on_rcpt(FACTS, RCPT) is None


async def test_all_lists_are_asked_at_once(zones: Zones, autojump_clock: MockClock) -> None:
    dnsbl = hook(zones, "bl.example", "other.example", "third.example", latency_s=1)
    began = trio.current_time()
    await dnsbl.on_rcpt(STRANGER, RCPT)
    assert trio.current_time() - began == 1


async def test_a_list_that_fails_does_not_hide_what_another_says(zones: Zones) -> None:
    zones.failing.add(f"{NAME}.bl.example")
    zones.add(f"{NAME}.other.example", "A", "127.0.0.2")
    refusal = await hook(zones, "bl.example", "other.example").on_rcpt(STRANGER, RCPT)
    assert refusal == Refuse(Reply(550, "198.51.100.7 is listed by other.example", "5.7.1"))


async def test_a_list_that_fails_where_no_other_decides_is_a_failure_of_the_hook(zones: Zones) -> None:
    zones.failing.add(f"{NAME}.bl.example")
    with pytest.raises(DnsTemporary):
        await hook(zones, "bl.example", "other.example").on_rcpt(STRANGER, RCPT)


async def test_a_list_that_does_not_answer_us_is_a_failure_and_no_listing(zones: Zones) -> None:
    zones.add(f"{NAME}.bl.example", "A", "127.255.255.254")
    with pytest.raises(DnsTemporary, match="does not answer our resolver"):
        await hook(zones).on_rcpt(STRANGER, RCPT)


@pytest.mark.parametrize(("client", "name"), [(STRANGER, NAME), (STRANGER_V6, NIBBLES)])
async def test_over_real_sockets_an_answer_is_remembered(zones: Zones, client: SessionFacts, name: str) -> None:
    zones.add(f"{name}.bl.example", "A", "127.0.0.2")
    settings = DnsblSettings(zones=(Zone.parse("bl.example"),))
    async with serving(zones) as server, trio.open_nursery() as nursery:
        resolver = DnsResolver(DnsSettings(servers=(server.endpoint,)), nursery)
        dnsbl = Dnsbl(settings=settings, world=evolve(SimulatedWorld(1).world, resolver=resolver))
        for _ in range(3):
            assert isinstance(await dnsbl.on_rcpt(client, RCPT), Refuse)
        assert server.asked[f"{name}.bl.example", "A"] == 1
        nursery.cancel_scope.cancel()
