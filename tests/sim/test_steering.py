"""Lanes and hosts that bear less than they say, break down, and come back: over many seeds each time.

The ordinary run tells a few stories; ``just sim-lanes SEEDS`` tells as many as one likes.
"""

import os
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import pairwise
from math import log2
from random import Random

import pytest
import trio

from empath.config.schema import AdaptationSettings, BreakerSettings, DeliverySettings
from empath.mail import BreakerMoved, DeliveryAttempted
from empath.policy.steering import Scope
from empath.policy.steering.pace import SETTLE_S
from empath.policy.window import MAX_PATIENCE
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


async def keep_full(place: Bridge, server: HiddenLimits, *, random: Random, until: Callable[[], bool]) -> None:
    """Have mail wait at all times."""
    lanes, (_, _, domain) = place.sending.dispatcher.lanes, server.name.partition(".")
    while not until():
        if domain not in lanes or len(lanes[domain].backlog) < 2 * server.most_connections:
            await place.put(f"x@{domain}", messages=random.randint(1, 20) * server.most_connections)
        await trio.sleep(random.uniform(0, 5))


async def limit_of_connections(seed: int, greetings_s: tuple[float, ...]) -> None:
    """Send to a host with a limit of connections, and see how often we hit upon it."""
    random = Random(seed)
    limit, greeting_s = random.randint(2, 6), random.choice(greetings_s)
    async with bridge(DeliverySettings(max_connections_per_host=20), world=SimulatedWorld(seed)) as place:
        server = await hidden(place, "a.example", connections=limit)
        server.pause_s, server.greeting_s = random.choice([0.3, 2]), greeting_s
        place.world.network.usual = Conditions(latency_s=random.choice([0.01, 0.1, 0.5]))
        await keep_full(place, server, random=random, until=lambda: bool(server.turned_away))
        # Those that were begun together with the first one are turned away with it.
        found = server.turned_away[0] + greeting_s + 10
        at_first = sum(one.at <= found for one in server.taken)
        await keep_full(place, server, random=random, until=lambda: len(server.taken) >= at_first + 200 * limit)
        window = place.sending.dispatcher.lanes["a.example"].window
        settled = server.taken[at_first + 130 * limit].at
        assert limit <= window.size <= limit + 1
        assert max(live for moment, live in server.at_once if moment > found) == limit + 1
        # Each trial waits for twice as many cohorts as the one before, up to the bound, and costs one greeting.
        assert sum(moment > found for moment in server.turned_away) <= log2(MAX_PATIENCE) + 200 / MAX_PATIENCE
        assert sum(moment > settled for moment in server.turned_away) <= 1 + 70 / MAX_PATIENCE
        assert place.said(BreakerMoved) == [], "one connection too many is no outage"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_hidden_limit_of_connections_is_found_and_kept(seed: int) -> None:
    lived(partial(limit_of_connections, greetings_s=(0, 0, 1, 3, 10, 30)), seed)


@pytest.mark.parametrize("seed", [3, 14])
def test_a_host_that_is_slow_to_greet_makes_the_window_swing_no_more_than_another(seed: int) -> None:
    lived(partial(limit_of_connections, greetings_s=(10, 30)), seed)


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
            # Each trial waits twice as long as the one before: three of 4, 8 and 16 minutes are in half an hour.
            trials = [moment for before, moment in pairwise([0.0, *late]) if moment - before > SETTLE_S]
            assert len(trials) <= 3
            assert len(late) <= len(taken) / 20
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
