"""A rate for one domain of a lane that has several: it holds for that one, and for no other."""

from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock

from empath.config.schema import DeliverySettings, Period, Rate, RateLimitSettings, SiteSettings
from empath.config.units import HostPort
from empath.mail.waiting import WaitReason
from empath.policy.steering import Scope
from empath.sim.remote import RemoteServer
from empath.smtp import Domain
from tests.delivery.steered import Bridge, Who, bridge

ANN: Who = {"by": "ann", "why": "as they ask"}
RELAY = HostPort(Domain.parse("mx.relay.example"), 25)
SITES = {Domain.parse("big"): SiteSettings(domains=(Domain.parse("a.example"), Domain.parse("b.example")))}


def gaps(server: RemoteServer) -> list[float]:
    return [later.at - one.at for one, later in pairwise(server.taken)]


async def both(place: Bridge) -> tuple[RemoteServer, RemoteServer]:
    return await place.server("a.example"), await place.server("b.example")


@pytest.mark.parametrize("limits", [RateLimitSettings(), RateLimitSettings(default=Rate(600, Period.MINUTE))])
async def test_only_the_domain_that_is_named_is_slowed_down(
    limits: RateLimitSettings, autojump_clock: MockClock
) -> None:
    async with bridge(DeliverySettings(sites=SITES, rate_limits=limits)) as place:
        slow, other = await both(place)
        rule = await place.sending.control.set_limit(Scope(domain="a.example"), rate_per_s=0.1, **ANN)
        await place.put("x@a.example", messages=5)
        await place.put("x@b.example", messages=20)
        await trio.sleep(5)
        assert (len(slow.taken), len(other.taken)) == (1, 20)
        await trio.sleep(40)
        assert gaps(slow) == pytest.approx([10.0] * 4)
        await place.put("x@a.example", messages=5)
        await place.sending.control.end(rule.id, by="ann")
        await trio.sleep(1)
        assert len(slow.taken) == 10


async def test_it_stands_in_place_of_the_rate_of_the_configuration(autojump_clock: MockClock) -> None:
    limits = RateLimitSettings(default=Rate(1, Period.HOUR))
    async with bridge(DeliverySettings(sites=SITES, rate_limits=limits)) as place:
        faster, other = await both(place)
        await place.sending.control.set_limit(Scope(domain="a.example"), rate_per_s=1.0, **ANN)
        await place.put("x@a.example", messages=5)
        await place.put("x@b.example", messages=5)
        await trio.sleep(10)
        assert (len(faster.taken), len(other.taken)) == (5, 1)


async def test_what_waits_for_it_says_so(autojump_clock: MockClock) -> None:
    async with bridge(DeliverySettings(sites=SITES)) as place:
        await both(place)
        await place.sending.control.set_limit(Scope(domain="a.example"), rate_per_s=0.1, **ANN)
        mid = await place.put("x@a.example", messages=2)
        await trio.sleep(1)
        (found,) = await place.sending.explainer.message(mid)
        assert found.wait is not None
        assert found.wait.reason is WaitReason.RATE_DOMAIN


async def test_a_message_to_several_domains_behind_a_smart_host_is_divided(autojump_clock: MockClock) -> None:
    async with bridge(DeliverySettings(smart_host=RELAY)) as place:
        relay = await place.server("relay.example")
        await place.sending.control.set_limit(Scope(domain="b.example"), rate_per_s=0.1, **ANN)
        for _ in range(3):
            await place.put("x@a.example", also=("x@b.example",))
        await trio.sleep(1)
        assert sorted(len(one.recipients) for one in relay.taken) == [1, 1, 1, 1]
        await trio.sleep(20)
        assert len(relay.taken) == 6


async def test_a_suspended_domain_behind_a_smart_host_gets_nothing_with_others(autojump_clock: MockClock) -> None:
    async with bridge(DeliverySettings(smart_host=RELAY)) as place:
        relay = await place.server("relay.example")
        rule = await place.sending.control.suspend(Scope(domain="b.example"), **ANN)
        await place.put("x@a.example", also=("x@b.example",))
        await trio.sleep(10)
        assert [str(address) for one in relay.taken for address in one.recipients] == ["x@a.example"]
        await place.sending.control.end(rule.id, by="ann")
        await trio.sleep(10)
        assert len(relay.taken) == 2


async def test_connections_of_one_domain_among_others_are_refused(autojump_clock: MockClock) -> None:
    async with bridge(DeliverySettings(sites=SITES)) as place:
        with pytest.raises(ValueError, match="for the lane big, or set a rate for the domain"):
            await place.sending.control.set_limit(Scope(domain="a.example"), connections=1, **ANN)
        assert place.sending.control.rules() == []
