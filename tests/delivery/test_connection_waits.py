"""A job that waits for leave to connect waits in its lane: it holds no place, and begins nothing anew."""

import trio
from trio.testing import MockClock

from empath.config.schema import (
    ConnectionRateSettings,
    DeliverySettings,
    Period,
    PoolSettings,
    Rate,
    RateLimitSettings,
)
from empath.mail import DeliveryAttempted, Phase
from empath.mail.outcome import Delivered
from empath.mail.waiting import WaitReason
from empath.mail.way_facts import HostDialled
from empath.sim import Conditions, Reach
from empath.sim.remote import Fault, RemoteServer, Rule
from tests.delivery.steered import Bridge, bridge

A_MINUTE = Rate(1, Period.MINUTE)
AT_ONCE = PoolSettings(idle_timeout_s=0.0)


def settings(connections: ConnectionRateSettings) -> DeliverySettings:
    limits = RateLimitSettings(connections=connections)
    return DeliverySettings(rate_limits=limits, connection_pool=AT_ONCE, max_parallel_deliveries=1)


def holds_nothing(place: Bridge) -> bool:
    return (place.sending.explainer.capacity.used, len(place.sending.hosts)) == (0, 0)


async def two_hosts(place: Bridge, *rules: Rule) -> tuple[RemoteServer, RemoteServer]:
    """The better one and the other one of ``a.example``."""
    first, second = await place.server("a.example", *rules), await place.server("b.example")
    place.world.zones.add_mx("a.example", "mx.a.example", "mx.b.example")
    return first, second


async def test_who_waits_for_a_source_address_holds_no_place(autojump_clock: MockClock) -> None:
    async with bridge(settings(ConnectionRateSettings(per_source=A_MINUTE))) as place:
        server = await place.server("a.example")
        await place.put("x@a.example")
        await trio.sleep(1)
        await place.put("y@a.example")
        await trio.sleep(1)
        lane = place.sending.dispatcher.lanes["a.example"]
        assert (len(server.taken), lane.senders, holds_nothing(place)) == (1, 0, True)
        assert lane.cause is not None
        assert (lane.cause.reason, lane.cause.until) == (WaitReason.RATE_SOURCE, 60)
        await trio.sleep(60)
        assert [one.at for one in server.taken] == [0, 60]


async def test_the_second_host_of_a_search_is_waited_for_without_a_place(autojump_clock: MockClock) -> None:
    async with bridge(settings(ConnectionRateSettings(per_site=A_MINUTE))) as place:
        first, second = await two_hosts(place)
        place.world.network.conditions[first.host.addresses[0]] = Conditions(reach=Reach.REFUSED)
        await place.put("x@a.example")
        await trio.sleep(30)
        assert holds_nothing(place)
        await trio.sleep(40)
        assert [one.at for one in second.taken] == [60]
        assert [fact.result for fact in place.said(HostDialled)] == ["connect", "ok"]
        assert [fact.attempt for fact in place.said(DeliveryAttempted)] == [1]


async def test_a_host_that_breaks_off_is_not_begun_with_again(autojump_clock: MockClock) -> None:
    async with bridge(settings(ConnectionRateSettings(per_site=A_MINUTE))) as place:
        first, second = await two_hosts(place, Rule(phase=Phase.MAIL, reaction=Fault.RESET))
        await place.put("x@a.example")
        await trio.sleep(30)
        assert holds_nothing(place)
        await trio.sleep(40)
        assert (first.connections, [one.at for one in second.taken]) == (1, [60])
        assert [fact.attempt for fact in place.said(DeliveryAttempted)] == [1]


async def test_when_no_host_is_left_the_message_fails_for_what_the_last_one_said(autojump_clock: MockClock) -> None:
    async with bridge(settings(ConnectionRateSettings(per_site=A_MINUTE))) as place:
        for host in await two_hosts(place):
            place.world.network.conditions[host.host.addresses[0]] = Conditions(reach=Reach.REFUSED)
        await place.put("x@a.example")
        await trio.sleep(30)
        assert place.attempts == 0
        await trio.sleep(40)
        (fact,) = place.said(DeliveryAttempted)
        assert not isinstance(fact.outcome, Delivered)


async def test_lanes_that_wait_for_one_source_address_come_one_after_the_other(autojump_clock: MockClock) -> None:
    async with bridge(settings(ConnectionRateSettings(per_source=Rate(1, Period.SECOND)))) as place:
        domains = [f"d{number}.example" for number in range(20)]
        servers = [await place.server(domain) for domain in domains]
        for domain in domains:
            await place.put(f"x@{domain}")
        await trio.sleep(25)
        moments = sorted(one.at for server in servers for one in server.taken)
        assert moments == [float(second) for second in range(20)]
        connections = place.sending.terms.connections
        assert connections is not None
        assert connections.refused[WaitReason.RATE_SOURCE] <= 2 * len(domains)
