"""On to the next host when the fault is the site's, and no further once the message or recipient was judged."""

import pytest
import trio
from attrs import define, evolve, field
from trio.testing import MockClock

from empath.config.schema import DeliverySettings, DomainSettings
from empath.mail import DeliveryAttempted, Phase
from empath.mail.outcome import Bounced, Deferred
from empath.policy.approach import IpPreference
from empath.sim import Conditions, SimulatedWorld
from empath.sim.network import Reach
from empath.sim.remote import Fault, RemoteServer, Rule
from empath.smtp import Domain, Extensions, Reply
from empath.world import ConnectFailed, Connection, Endpoint, Listener, TcpEndpoint
from tests.delivery.stage import Stage, stage

BUSY = Reply(421, "closing", "4.3.2")
PLAIN = Extensions.of("8BITMIME")
PIPELINING = Extensions.of("PIPELINING", "8BITMIME")


async def pair(place: Stage, *rules: Rule, offers: Extensions = PIPELINING) -> tuple[RemoteServer, RemoteServer]:
    """Two hosts of ``example.org``, of which the first one has the rules."""
    first = await place.server("one.example", *rules, offers=offers)
    second = await place.server("two.example", offers=offers)
    place.world.zones.add_mx("example.org", "mx.one.example", "mx.two.example")
    return first, second


SITE_FAULTS = [
    *[Rule(phase=Phase.GREETING, reaction=reaction) for reaction in (Reply(554, "no"), Reply(450, "no"), *Fault)],
    *[
        Rule(phase=phase, reaction=reaction)
        for phase in (Phase.HELLO, Phase.MAIL, Phase.RCPT, Phase.DATA)
        for reaction in (BUSY, *Fault)
    ],
    Rule(phase=Phase.HELLO, reaction=Reply(550, "no")),
    Rule(phase=Phase.END, reaction=BUSY),
]


@pytest.mark.parametrize("offers", [PIPELINING, PLAIN], ids=["pipelining", "one by one"])
@pytest.mark.parametrize("rule", SITE_FAULTS, ids=lambda rule: f"{rule.phase.value} {rule.reaction}")
async def test_a_fault_of_the_first_host_costs_no_attempt(
    autojump_clock: MockClock, rule: Rule, offers: Extensions
) -> None:
    async with stage() as place:
        _, second = await pair(place, rule, offers=offers)
        await place.put("b@example.org", sender=None)
        await trio.sleep(700)
        assert len(second.taken) == 1
        assert place.outcomes() == ["Delivered"]


@pytest.mark.parametrize("reach", [reach for reach in Reach if reach is not Reach.OPEN])
async def test_a_host_that_cannot_be_reached_costs_no_attempt(autojump_clock: MockClock, reach: Reach) -> None:
    async with stage() as place:
        _, second = await pair(place)
        place.world.network.conditions["198.51.100.1"] = Conditions(reach=reach)
        await place.put("b@example.org", sender=None)
        await trio.sleep(60)
        assert len(second.taken) == 1
        assert place.outcomes() == ["Delivered"]


JUDGEMENTS = [
    Rule(phase=phase, reaction=reply)
    for phase in (Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.END)
    for reply in (Reply(550, "no", "5.7.1"), Reply(451, "not now", "4.7.1"))
]


@pytest.mark.parametrize("offers", [PIPELINING, PLAIN], ids=["pipelining", "one by one"])
@pytest.mark.parametrize("rule", JUDGEMENTS, ids=lambda rule: f"{rule.phase.value} {rule.reaction}")
async def test_a_judgement_of_the_first_host_is_not_appealed(
    autojump_clock: MockClock, rule: Rule, offers: Extensions
) -> None:
    async with stage() as place:
        _, second = await pair(place, rule, offers=offers)
        await place.put("b@example.org", sender=None)
        await trio.sleep(30)
        assert second.connections == 0
        assert isinstance(rule.reaction, Reply)
        assert place.outcomes() == ["Bounced" if rule.reaction.code == 550 else "Deferred"]


@pytest.mark.parametrize("fault", Fault)
async def test_a_message_that_may_have_been_taken_goes_to_no_other_host_at_once(
    autojump_clock: MockClock, fault: Fault
) -> None:
    """RFC 1047: what is lost with the reply to the dot is only the reply."""
    async with stage() as place:
        _, second = await pair(place, Rule(phase=Phase.END, reaction=fault))
        await place.put("b@example.org", sender=None)
        await trio.sleep(605)
        assert second.connections == 0
        assert place.outcomes() == ["Deferred"]


@pytest.mark.parametrize("offers", [PIPELINING, PLAIN], ids=["pipelining", "one by one"])
async def test_only_those_go_on_whom_nobody_has_judged(autojump_clock: MockClock, offers: Extensions) -> None:
    rules = (
        Rule(phase=Phase.RCPT, address="no@*", reaction=Reply(550, "no such user", "5.1.1")),
        Rule(phase=Phase.RCPT, address="last@*", reaction=BUSY),
    )
    async with stage() as place:
        _, second = await pair(place, *rules, offers=offers)
        await place.put("no@example.org", "yes@example.org", "last@example.org", sender=None)
        await trio.sleep(30)
        assert place.outcomes() == ["Bounced", "Delivered", "Delivered"]
        assert [[str(one) for one in taken.recipients] for taken in second.taken] == [
            ["yes@example.org", "last@example.org"]
        ]


async def test_what_one_host_has_judged_stands_when_no_other_can_be_reached(autojump_clock: MockClock) -> None:
    rules = (
        Rule(phase=Phase.RCPT, address="no@*", reaction=Reply(550, "no such user", "5.1.1")),
        Rule(phase=Phase.RCPT, address="last@*", reaction=BUSY),
    )
    async with stage() as place:
        await pair(place, *rules)
        place.world.network.conditions["198.51.100.2"] = Conditions(reach=Reach.REFUSED)
        await place.put("no@example.org", "last@example.org", sender=None)
        await trio.sleep(30)
        (first, second) = [fact.outcome for fact in place.said(DeliveryAttempted)]
        assert isinstance(first, Bounced)
        assert isinstance(second, Deferred)
        assert second.diagnosis.reply == BUSY


async def test_a_message_with_many_recipients_does_not_try_dead_hosts_again_for_each_transaction(
    autojump_clock: MockClock,
) -> None:
    async with stage(DeliverySettings(max_recipients_per_transaction=1)) as place:
        first, second = await pair(place, Rule(phase=Phase.MAIL, reaction=BUSY))
        second.rules.append(Rule(phase=Phase.MAIL, reaction=BUSY))
        await place.put(*[f"b{number}@example.org" for number in range(10)], sender=None)
        await trio.sleep(30)
        assert place.outcomes() == ["Deferred"] * 10
        assert (first.connections, second.connections) == (1, 1)


async def test_no_further_host_is_tried_when_the_search_has_taken_its_time(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(max_search_time_s=299)) as place:
        _, second = await pair(place, Rule(phase=Phase.GREETING, reaction=Fault.STALL))
        await place.put("b@example.org", sender=None)
        await trio.sleep(310)
        assert second.connections == 0
        assert place.outcomes() == ["Deferred"]


async def test_no_more_addresses_are_tried_than_configured(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(max_addresses_per_attempt=2)) as place:
        _, second = await pair(place)
        place.world.network.conditions["198.51.100.1"] = Conditions(reach=Reach.REFUSED)
        place.world.zones.add_host("mx.zero.example", "198.51.100.201", "198.51.100.202", "198.51.100.203")
        place.world.zones.add_mx("example.org", "mx.zero.example", "mx.one.example", "mx.two.example")
        await place.put("b@example.org", sender=None)
        await trio.sleep(60)
        assert second.connections == 0
        assert place.outcomes() == ["Deferred"]


async def test_a_hundred_dead_hosts_cost_a_few_connections_and_a_few_minutes(autojump_clock: MockClock) -> None:
    world = SimulatedWorld(1)
    world.network.usual = Conditions(reach=Reach.BLACKHOLE)
    world.zones.add_mx("example.org", *[f"mx{number}.example.org" for number in range(100)])
    for number in range(100):
        world.zones.add_host(f"mx{number}.example.org", f"198.51.100.{number}", f"198.18.0.{number}")
    async with stage(world=world) as place:
        await place.put("b@example.org", sender=None)
        await trio.sleep(200)
        (fact,) = place.said(DeliveryAttempted)
        assert isinstance(fact.outcome, Deferred)
        assert fact.took_s == 6 * 30


async def test_no_more_hosts_are_looked_up_than_configured(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(max_hosts_per_attempt=1)) as place:
        _, second = await pair(place)
        place.world.network.conditions["198.51.100.1"] = Conditions(reach=Reach.REFUSED)
        await place.put("b@example.org", sender=None)
        await trio.sleep(50)
        assert second.connections == 0
        assert place.outcomes() == ["Deferred"]


@define
class Recorder:
    """A network in which nobody can be reached."""

    dialled: set[tuple[str, str | None]] = field(factory=set)

    async def connect(self, endpoint: Endpoint, *, source: str | None = None) -> Connection:
        assert isinstance(endpoint, TcpEndpoint)
        self.dialled.add((endpoint.host, source))
        raise ConnectFailed(endpoint, "nobody there")

    async def listen(self, endpoint: Endpoint) -> Listener:
        raise NotImplementedError


async def test_each_domain_is_reached_from_its_source_and_by_its_ip_version(autojump_clock: MockClock) -> None:
    settings = DeliverySettings(
        domains={
            Domain.parse("four.example"): DomainSettings(source=("192.0.2.7",)),
            Domain.parse("six.example"): DomainSettings(ip=IpPreference.V6, source=("192.0.2.8", "2001:db8::8")),
        },
    )
    world, network = SimulatedWorld(1), Recorder()
    world.world = evolve(world.world, network=network)
    for number, domain in enumerate(("four.example", "six.example", "any.example")):
        world.zones.add_host(domain, f"198.51.100.{number}", f"2001:db8:1::{number}")
    async with stage(settings, world=world) as place:
        for domain in ("four.example", "six.example", "any.example"):
            await place.put(f"b@{domain}", sender=None)
        await trio.sleep(1)
    assert network.dialled == {
        ("198.51.100.0", "192.0.2.7"),
        ("2001:db8:1::1", "2001:db8::8"),
        ("198.51.100.2", None),
        ("2001:db8:1::2", None),
    }


async def test_a_source_address_that_this_machine_does_not_have_is_our_fault_and_costs_no_attempt(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage(DeliverySettings(source=("192.0.2.99",))) as place:
        await pair(place)
        await place.put("b@example.org", sender=None)
        await trio.sleep(30)
        assert [fate.attempts for fate in place.waiting] == [0]
        assert place.outcomes() == []
        assert "cannot connect from 192.0.2.99" in caplog.text


async def test_a_connection_that_was_kept_and_breaks_says_nothing_about_its_host(autojump_clock: MockClock) -> None:
    async with stage() as place:
        first, second = await pair(place)
        await place.put("b@example.org", sender=None)
        await trio.sleep(1)
        first.rules.append(Rule(phase=Phase.MAIL, reaction=Fault.RESET, times=1))
        await place.put("c@example.org", sender=None)
        await trio.sleep(1)
        assert place.outcomes() == ["Delivered"] * 2
        assert (first.connections, second.connections) == (2, 0)
