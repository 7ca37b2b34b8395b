"""What is configured for sites and lanes, as remote hosts see it."""

from collections import Counter
from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock

from empath.config.schema import (
    ConnectionRateSettings,
    DeliverySettings,
    DomainSettings,
    HostPort,
    PrioritySettings,
    Rate,
    RateLimitSettings,
    SiteSettings,
    WeightSettings,
)
from empath.config.units import Period
from empath.mail import DeliveryAttempted, Phase
from empath.mail.priority import Priority
from empath.sim.remote import Fault, RemoteServer, Rule
from empath.smtp import Domain, Reply
from tests.delivery.stage import Stage, stage

NAMES = ("a.example", "b.example", "c.example")
BIG = Domain.parse("big")
DOMAINS = tuple(map(Domain.parse, NAMES))


def in_one_site(**keys: object) -> DeliverySettings:
    return DeliverySettings(sites={BIG: SiteSettings(domains=DOMAINS, **keys)})  # type: ignore[arg-type]  # keys of a site


async def shared_host(place: Stage, *domains: str, pause_s: float = 0.0) -> RemoteServer:
    """One host for the mail of several domains, which is in no hurry."""
    server = await place.server(domains[0])
    server.pause_s = pause_s
    for domain in domains[1:]:
        place.world.zones.add_mx(domain, f"mx.{domains[0]}")
    return server


def open_at(place: Stage, server: RemoteServer) -> int:
    """How many connections we have there."""
    links = place.world.network.links
    return sum(not link.client.closed and server.host.addresses[0] in str(link.server.local) for link in links)


def times(server: RemoteServer) -> list[float]:
    return sorted(one.at for one in server.taken)


async def test_the_domains_of_a_site_have_one_lane(autojump_clock: MockClock) -> None:
    async with stage(in_one_site()) as place:
        for name in NAMES:
            await place.server(name)
            await place.put(f"x@{name}")
        await trio.sleep(10)
        assert {fact.site for fact in place.said(DeliveryAttempted)} == {"big"}
        assert place.outcomes() == ["Delivered"] * 3


async def test_a_connection_carries_mail_of_another_domain_of_the_site_if_it_leads_there(
    autojump_clock: MockClock,
) -> None:
    async with stage(in_one_site(max_connections=1)) as place:
        shared, own = await shared_host(place, *NAMES[:2]), await place.server(NAMES[2])
        for name in NAMES:
            await place.put(f"x@{name}")
            await trio.sleep(1)
        await trio.sleep(10)
        assert ([len(server.taken) for server in (shared, own)], shared.connections) == ([2, 1], 1)
        assert [str(recipient) for one in own.taken for recipient in one.recipients] == ["x@c.example"]


async def test_the_domains_of_a_site_share_its_rate_to_the_decimal(autojump_clock: MockClock) -> None:
    async with stage(in_one_site(rate_limit=Rate(2, Period.SECOND))) as place:
        servers = [await place.server(name) for name in NAMES]
        for _ in range(5):
            for name in NAMES:
                await place.put(f"x@{name}")
        await trio.sleep(60)
        moments = sorted(moment for server in servers for moment in times(server))
        assert len(moments) == 15
        assert moments[-1] - moments[0] == pytest.approx(7, abs=0.2)
        assert all(late - early >= 0.4 for early, late in pairwise(moments))


async def test_a_domain_that_has_used_up_its_rate_holds_up_no_other_of_its_site(autojump_clock: MockClock) -> None:
    settings = DeliverySettings(
        sites={BIG: SiteSettings(domains=DOMAINS)},
        domains={DOMAINS[0]: DomainSettings(rate_limit=Rate(1, Period.MINUTE))},
    )
    async with stage(settings) as place:
        servers = [await place.server(name) for name in NAMES[:2]]
        for name in (NAMES[0],) * 5 + (NAMES[1],) * 5:
            await place.put(f"x@{name}")
        await trio.sleep(30)
        assert [len(server.taken) for server in servers] == [1, 5]
        await trio.sleep(230)
        assert [len(server.taken) for server in servers] == [5, 5]
        spans = [late - early for early, late in pairwise(times(servers[0]))]
        assert spans == pytest.approx([60] * 4, abs=0.2)


async def test_a_user_who_has_used_up_his_rate_holds_up_nobody(autojump_clock: MockClock) -> None:
    limits = RateLimitSettings(per_sender=Rate(1, Period.MINUTE))
    async with stage(DeliverySettings(rate_limits=limits)) as place:
        server = await place.server("a.example")
        for user in ("bulk",) * 20 + ("ann",):
            await place.put("x@a.example", user=user)
        await trio.sleep(10)
        assert len(server.taken) == 2
        await trio.sleep(600)
        assert len(server.taken) == 12


async def test_while_it_waits_for_its_moment_a_lane_has_no_connection(autojump_clock: MockClock) -> None:
    own = DomainSettings(rate_limit=Rate(1, Period.HOUR))
    settings = DeliverySettings(domains={DOMAINS[0]: own}, max_parallel_deliveries=1)
    async with stage(settings) as place:
        servers = [await place.server(name) for name in NAMES[:2]]
        for _ in range(5):
            await place.put("x@a.example")
        await trio.sleep(1000)
        await place.put("x@b.example")
        await trio.sleep(1)
        assert [len(server.taken) for server in servers] == [1, 1]


async def test_a_host_has_no_more_connections_than_it_may_have_whatever_the_lanes(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(max_connections_per_host=3)) as place:
        names = [f"d{number}.example" for number in range(30)]
        server = await shared_host(place, *names, pause_s=0.5)
        most = 0

        def look() -> None:
            nonlocal most
            most = max(most, open_at(place, server))

        server.on_accept = look
        for _ in range(3):
            for name in names:
                await place.put(f"x@{name}")
        await trio.sleep(600)
        assert len(server.taken) == 90
        assert most == 3


async def test_lanes_that_wait_for_a_full_host_leave_connections_for_others(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(max_connections_per_host=2, max_parallel_deliveries=5)) as place:
        names = [f"d{number}.example" for number in range(30)]
        await shared_host(place, *names, pause_s=60)
        other = await place.server("other.example")
        for name in names:
            await place.put(f"x@{name}")
        await trio.sleep(10)
        await place.put("x@other.example")
        await trio.sleep(5)
        assert len(other.taken) == 1


async def test_a_connection_without_work_makes_room_at_its_host(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(max_connections_per_host=1)) as place:
        server = await shared_host(place, "a.example", "b.example")
        await place.put("x@a.example")
        await trio.sleep(5)
        await place.put("x@b.example")
        await trio.sleep(5)
        assert len(server.taken) == 2


async def test_where_the_best_host_is_full_the_next_one_is_taken(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(max_connections_per_host=1)) as place:
        best = await shared_host(place, "a.example", "b.example", pause_s=60)
        second = await place.server("second.example")
        place.world.zones.add_mx("b.example", "mx.second.example", preference=20)
        await place.put("x@a.example")
        await trio.sleep(1)
        await place.put("x@b.example")
        await trio.sleep(5)
        assert len(second.taken) == 1
        await trio.sleep(600)
        assert len(best.taken) == 1


async def test_connections_per_time_are_counted_apart_from_messages(autojump_clock: MockClock) -> None:
    rates = ConnectionRateSettings(per_site=Rate(6, Period.MINUTE))
    settings = DeliverySettings(rate_limits=RateLimitSettings(connections=rates), max_messages_per_connection=1)
    async with stage(settings) as place:
        server = await place.server("a.example")
        for _ in range(5):
            await place.put("x@a.example")
        await trio.sleep(120)
        spans = [late - early for early, late in pairwise(times(server))]
        assert spans == pytest.approx([10] * 4, abs=0.2)


@pytest.mark.parametrize(
    "rates",
    [
        ConnectionRateSettings(global_per_second=Rate(6, Period.MINUTE)),
        ConnectionRateSettings(per_source=Rate(6, Period.MINUTE)),
    ],
)
async def test_connections_of_all_sites_are_counted_together(
    autojump_clock: MockClock, rates: ConnectionRateSettings
) -> None:
    async with stage(DeliverySettings(rate_limits=RateLimitSettings(connections=rates))) as place:
        servers = [await place.server(name) for name in NAMES]
        for name in NAMES:
            await place.put(f"x@{name}")
        await trio.sleep(60)
        moments = sorted(moment for server in servers for moment in times(server))
        spans = [late - early for early, late in pairwise(moments)]
        assert spans == pytest.approx([10, 10], abs=0.2)


async def test_a_try_that_fails_counts_as_a_connection(autojump_clock: MockClock) -> None:
    own = DomainSettings(connection_rate=Rate(1, Period.MINUTE))
    async with stage(DeliverySettings(domains={DOMAINS[0]: own}, retry_base_delay_s=1)) as place:
        server = await place.server("a.example", Rule(phase=Phase.GREETING, reaction=Fault.RESET, times=1))
        await place.put("x@a.example")
        await trio.sleep(50)
        assert server.taken == []
        await trio.sleep(30)
        assert len(server.taken) == 1


async def test_the_limits_of_connections_of_a_site_outrank_those_of_its_domains(autojump_clock: MockClock) -> None:
    settings = DeliverySettings(
        sites={BIG: SiteSettings(domains=DOMAINS, max_connections=1)},
        domains={DOMAINS[0]: DomainSettings(max_connections=5)},
    )
    async with stage(settings) as place:
        servers = [await place.server(name) for name in NAMES]
        for server in servers:
            server.pause_s = 1
        for name in NAMES * 3:
            await place.put(f"x@{name}")
        most = 0
        for _ in range(1200):
            await trio.sleep(0.1)
            most = max(most, sum(open_at(place, server) for server in servers))
        assert most == 1
        assert sum(len(server.taken) for server in servers) == 9


async def test_behind_an_mx_override_the_next_hop_is_the_site_and_the_rate_of_the_domain_holds(
    autojump_clock: MockClock,
) -> None:
    hop = HostPort(Domain.parse("mx.relay.example"), 25)
    settings = DeliverySettings(smart_host=hop, domains={DOMAINS[0]: DomainSettings(rate_limit=Rate(1, Period.MINUTE))})
    async with stage(settings) as place:
        server = await place.server("relay.example")
        for name in NAMES[:2] * 3:
            await place.put(f"x@{name}")
        await trio.sleep(10)
        assert {fact.site for fact in place.said(DeliveryAttempted)} == {"mx.relay.example:25"}
        found = Counter(str(recipient) for one in server.taken for recipient in one.recipients)
        assert found == {"x@a.example": 1, "x@b.example": 3}


def one_at_a_time(priorities: PrioritySettings | None = None) -> DeliverySettings:
    return DeliverySettings(max_connections_per_host=1, priorities=priorities or PrioritySettings())


async def order(place: Stage, server: RemoteServer) -> list[str]:
    await trio.sleep(3600)
    return [str(recipient).partition("@")[0] for one in server.taken for recipient in one.recipients]


async def test_what_is_critical_goes_before_what_came_earlier(autojump_clock: MockClock) -> None:
    async with stage(one_at_a_time()) as place:
        server = await place.server("a.example")
        server.pause_s = 1
        for _ in range(20):
            await place.put("normal@a.example")
        await place.put("critical@a.example", priority=Priority.CRITICAL)
        assert (await order(place, server)).index("critical") <= 2


async def test_classes_get_their_weights_and_none_starves(autojump_clock: MockClock) -> None:
    weights = WeightSettings(critical=3, high=3, normal=3, low=1)
    async with stage(one_at_a_time(PrioritySettings(weights=weights))) as place:
        server = await place.server("a.example")
        server.pause_s = 1
        for priority in (Priority.LOW, Priority.NORMAL):
            for _ in range(40):
                await place.put(f"{priority.value}@a.example", priority=priority)
        assert Counter((await order(place, server))[:40])["low"] == pytest.approx(10, abs=2)


async def test_a_route_gives_mail_its_class(autojump_clock: MockClock) -> None:
    settings = DeliverySettings(
        sites={BIG: SiteSettings(domains=DOMAINS, max_connections=1)},
        domains={DOMAINS[1]: DomainSettings(priority=Priority.CRITICAL)},
    )
    async with stage(settings) as place:
        server = await shared_host(place, *NAMES, pause_s=1)
        for _ in range(10):
            await place.put("plain@a.example")
        await place.put("urgent@b.example")
        assert (await order(place, server)).index("urgent") <= 2


async def test_senders_take_turns(autojump_clock: MockClock) -> None:
    async with stage(one_at_a_time()) as place:
        server = await place.server("a.example")
        server.pause_s = 1
        for _ in range(30):
            await place.put("bulk@a.example", sender="bulk@client.example")
        for _ in range(3):
            await place.put("ann@a.example", sender="ann@client.example")
        found = await order(place, server)
        assert max(place for place, name in enumerate(found) if name == "ann") <= 8


async def test_new_mail_does_not_wait_behind_retries(autojump_clock: MockClock) -> None:
    settings = DeliverySettings(
        max_connections_per_host=1,
        retry_jitter_factor=0,
        priorities=PrioritySettings(retry_share=0.1),
    )
    async with stage(settings) as place:
        busy = Rule(phase=Phase.RCPT, reaction=Reply(450, "not now"), until_s=30)
        server = await place.server("a.example", busy)
        server.pause_s = 0.1
        for _ in range(30):
            await place.put("old@a.example")
        await trio.sleep(58)
        server.pause_s = 2
        await trio.sleep(10)
        for _ in range(10):
            await place.put("new@a.example")
        found = await order(place, server)
        first = found.index("new")
        assert found[first : first + 10].count("old") <= 3


@pytest.mark.parametrize(
    "priorities", [PrioritySettings(reserved_connections=1), PrioritySettings(reserved_per_site=1)]
)
async def test_connections_can_be_kept_free_for_what_is_critical(
    autojump_clock: MockClock, priorities: PrioritySettings
) -> None:
    settings = DeliverySettings(max_parallel_deliveries=3, max_connections_per_host=3, priorities=priorities)
    async with stage(settings) as place:
        server = await place.server("a.example")
        for _ in range(30):
            await place.put("normal@a.example")
        await trio.sleep(5)
        server.pause_s = 100
        for _ in range(60):
            await place.put("normal@a.example")
        await trio.sleep(50)
        assert open_at(place, server) == 2
        server.pause_s = 0.1
        before = len(server.taken)
        await place.put("critical@a.example", priority=Priority.CRITICAL)
        await trio.sleep(5)
        assert [str(one) for one in server.taken[before].recipients] == ["critical@a.example"]
