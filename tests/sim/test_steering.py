"""Lanes and hosts that bear less than they say, break down, and come back: over many seeds each time.

The ordinary run tells a few stories; ``just sim-lanes SEEDS`` tells as many as one likes.
"""

import os
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random

import pytest
import trio

from empath.config.schema import AdaptationSettings, BreakerSettings, DeliverySettings
from empath.mail import BreakerMoved, DeliveryAttempted
from empath.policy.steering import Scope
from empath.sim import Conditions, Reach, simulate
from empath.sim.sites import breakers
from empath.sim.world import SimulatedWorld
from tests.delivery.steered import Bridge, bridge
from tests.sim.hidden import HiddenLimits

SEEDS = range(int(os.environ.get("EMPATH_SIM_SEEDS", "1")))
HOUR_S = 3600.0
DAY_S = 86_400.0


async def hidden(place: Bridge, domain: str, *, connections: int = 1000, per_s: float = 1e9) -> HiddenLimits:
    """A host with limits that it does not tell."""
    zones, network = place.world.zones, place.world.network
    address = "198.51.100.200"
    zones.add_mx(domain, f"mx.{domain}")
    zones.add_host(f"mx.{domain}", address)
    server = HiddenLimits(
        f"mx.{domain}",
        network.host(address),
        place.world.entropy,
        network=network,
        most_connections=connections,
        most_per_s=per_s,
    )
    await place._nursery.start(server.run)
    return server


def lived(story: Callable[[int], Awaitable[None]], seed: int) -> None:
    simulate(partial(story, seed), seed=seed)


async def keep_busy(place: Bridge, domain: str, *, every_s: float, lasting_s: float, portion: int = 20) -> None:
    """Bring mail steadily."""
    until = trio.current_time() + lasting_s
    while trio.current_time() < until:
        await place.put(f"x@{domain}", messages=portion)
        await trio.sleep(every_s)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_hidden_limit_of_connections_is_found_and_kept(seed: int) -> None:
    async def story(seed: int) -> None:
        limit = Random(seed).randint(2, 9)
        settings = DeliverySettings(max_connections_per_host=20, retry_base_delay_s=30)
        async with bridge(settings, world=SimulatedWorld(seed)) as place:
            server = await hidden(place, "a.example", connections=limit)
            server.pause_s = 2
            await keep_busy(place, "a.example", every_s=20, lasting_s=1500, portion=2 * limit)
            window = place.sending.dispatcher.lanes["a.example"].window
            late = [moment for moment in server.turned_away if moment > 600]
            assert limit - 1 <= window.size <= limit + 1
            assert max(live for moment, live in server.at_once if moment > 600) <= limit + 2
            assert len(late) <= len(server.taken) / 50
            assert place.said(BreakerMoved) == [], "one connection too many is no outage"

    lived(story, seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_hidden_rate_is_found_and_kept(seed: int) -> None:
    async def story(seed: int) -> None:
        per_s = Random(seed).uniform(0.2, 0.6)
        settings = DeliverySettings(retry_base_delay_s=120, retry_multiplier=1.0, max_attempts=1000)
        async with bridge(settings, world=SimulatedWorld(seed)) as place:
            server = await hidden(place, "a.example", per_s=per_s)
            await keep_busy(place, "a.example", every_s=20, lasting_s=1.5 * HOUR_S, portion=int(20 * per_s * 0.9) + 1)
            late = [moment for moment in server.turned_away if moment > HOUR_S]
            taken = [one.at for one in server.taken if one.at > HOUR_S]
            assert len(late) <= len(taken) / 10
            assert len(taken) / (HOUR_S / 2) >= 0.5 * per_s

    lived(story, seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_after_an_outage_mail_flows_within_the_longest_time_of_the_breaker(seed: int) -> None:
    async def story(seed: int) -> None:
        random = Random(seed)
        breaker = BreakerSettings(timeout_s=60, max_timeout_s=600)
        settings = DeliverySettings(circuit_breaker=breaker, retry_base_delay_s=300, retry_multiplier=1.0)
        async with bridge(settings, world=SimulatedWorld(seed)) as place:
            server = await place.server("a.example")
            address, conditions = server.host.addresses[0], place.world.network.conditions
            conditions[address] = Conditions(reach=random.choice([Reach.REFUSED, Reach.UNREACHABLE, Reach.BLACKHOLE]))
            await place.put("x@a.example", messages=200)
            outage_s = random.uniform(600, 6 * HOUR_S)
            await trio.sleep(outage_s)
            attempts = sum(fact.site == "a.example" for fact in place.said(DeliveryAttempted))
            assert attempts <= 5 + 20 + 3 * (outage_s / 600 + 8), "an open breaker sees probes only"
            del conditions[address]
            await trio.sleep(breaker.max_timeout_s + settings.smtp_timeouts.connect_s + 60)
            assert len(server.taken) >= 200 - attempts
            assert breakers(place.facts, probes=3) == []

    lived(story, seed)


@pytest.mark.parametrize("step_s", [-DAY_S, DAY_S])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_clock_that_jumps_a_day_makes_neither_a_storm_nor_a_frost(seed: int, step_s: float) -> None:
    async def story(seed: int) -> None:
        settings = DeliverySettings(circuit_breaker=BreakerSettings(failure_threshold=2, timeout_s=600))
        async with bridge(settings, world=SimulatedWorld(seed)) as place:
            suspended, limited = await place.server("a.example"), await place.server("b.example")
            control = place.sending.control
            await control.suspend(Scope(lane="a.example"), by="ann", why="", for_s=HOUR_S)
            await control.set_limit(Scope(lane="b.example"), rate_per_s=0.1, by="ann", why="", for_s=DAY_S)
            await place.put("x@a.example", messages=20)
            await place.put("x@b.example", messages=20)
            await trio.sleep(50)
            place.world.clock.step(step_s)
            await place.put("y@b.example", messages=20)
            await trio.sleep(100)
            assert suspended.taken == []
            gaps = [later.at - one.at for one, later in zip(limited.taken, limited.taken[1:], strict=False)]
            assert min(gaps) >= 9.99
            await trio.sleep(HOUR_S)
            assert len(suspended.taken) == 20
            assert len(limited.taken) == 40

    lived(story, seed)


def test_the_least_rate_and_the_steps_upwards_are_those_of_the_configuration() -> None:
    async def story(seed: int) -> None:
        own = AdaptationSettings(recovery_interval_s=7.0)
        async with bridge(DeliverySettings(adaptation=own), world=SimulatedWorld(seed)) as place:
            await hidden(place, "a.example", per_s=0.0)
            await place.put("x@a.example", messages=3)
            await trio.sleep(1)
            steering = place.sending.dispatcher.lanes["a.example"].helm.steering
            assert steering is not None
            assert steering.pace is not None
            assert (steering.interval_s, steering.least_per_s) == (7.0, 1 / 60)
            assert steering.pace.rate_per_s >= 1 / 60

    lived(story, 1)
