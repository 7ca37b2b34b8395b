"""Lanes beside each other over many seeds: who is delayed by whom, and what the clock may do."""

import os
from collections import Counter
from itertools import pairwise
from math import ceil
from time import process_time

import pytest
import trio

from empath.config.schema import (
    BreakerSettings,
    DeliverySettings,
    DomainSettings,
    Period,
    Rate,
    RateLimitSettings,
    SiteSettings,
)
from empath.mail import Phase
from empath.mail.envelope import Envelope, Recipient
from empath.mail.ids import MessageId
from empath.mail.record import encode_envelope
from empath.sim import Conditions, Reach, SimulatedWorld, simulate
from empath.sim.remote import RemoteServer, Rule
from empath.smtp import Address, Domain, Reply
from empath.spool.contract import Acceptance
from tests.delivery.stage import Stage, stage
from tests.delivery.test_dead_site import machine

BUSY = Rule(phase=Phase.GREETING, reaction=Reply(421, "busy"))
SEEDS = range(1, 9)
PORTION = 1000


def p99(sorted_s: list[float]) -> float:
    """What ninety-nine of a hundred do not exceed."""
    return sorted_s[ceil(0.99 * len(sorted_s)) - 1]


async def dead_queue(place: Stage, messages: int) -> None:
    """Fill the queue for a dead site without a session for each message, many in one transaction."""
    now = place.world.clock.now()
    envelope = encode_envelope(
        Envelope(
            reverse_path=Address.parse("a@client.example"),
            recipients=(Recipient(Address.parse("b@dead.example")),),
            received=now,
        )
    )
    for first in range(0, messages, PORTION):
        async with trio.open_nursery() as nursery:
            for number in range(first, min(first + PORTION, messages)):
                acceptance = Acceptance(
                    mid=MessageId.make(now, 10_000_000 + number),
                    received=now,
                    envelope=envelope,
                    body=b"Subject: x\r\n\r\n",
                    domains=("dead.example",),
                    next_attempt=now,
                )
                nursery.start_soon(place.spool.accept, acceptance)


async def waits(place: Stage, server: RemoteServer, messages: int) -> list[float]:
    """How long each message takes from the queue to the host, one after the other; the longest last."""
    found = []
    for _ in range(messages):
        began, before = trio.current_time(), len(server.taken)
        await place.put("x@alive.example")
        await trio.sleep(5)
        assert len(server.taken) == before + 1
        found.append(server.taken[-1].at - began)
    return sorted(found)


@pytest.mark.parametrize("way", [None, Reach.REFUSED, Reach.BLACKHOLE], ids=["busy", "refused", "silent"])
def test_a_dead_site_does_not_move_the_waits_of_another(way: Reach | None) -> None:
    messages = int(os.environ.get("EMPATH_SIM_QUEUE", "2000"))

    async def play(queue: int) -> list[float]:
        async with machine() as place:
            dead = await place.server("dead.example", BUSY)
            if way is not None:
                place.world.network.conditions[dead.host.addresses[0]] = Conditions(reach=way)
            alive = await place.server("alive.example")
            alive.pause_s = 0.2
            await dead_queue(place, queue)
            began = process_time()
            found = await waits(place, alive, 200)
            statistics = await place.spool.statistics()
            assert statistics.messages == queue
            assert statistics.claimed <= BreakerSettings().half_open_max_calls
            print(f"beside {queue}: p99 {p99(found):.3f} s, {process_time() - began:.2f} s of CPU for {len(found)}")
            return found

    found: list[list[float]] = []

    async def both() -> None:
        found.extend([await play(0), await play(messages)])

    simulate(both, seed=1)
    alone, beside = found
    assert p99(beside) <= 1.2 * p99(alone)
    assert beside[-1] <= 1.2 * alone[-1]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_limit_is_ever_exceeded_in_any_stretch(seed: int) -> None:
    async def play() -> None:
        domains = tuple(Domain.parse(f"d{number}.example") for number in range(4))
        settings = DeliverySettings(
            sites={Domain.parse("big"): SiteSettings(domains=domains[:2], rate_limit=Rate(2, Period.SECOND, burst=3))},
            domains={domains[2]: DomainSettings(rate_limit=Rate(30, Period.MINUTE))},
            rate_limits=RateLimitSettings(global_per_second=Rate(4, Period.SECOND)),
        )
        async with stage(settings, world=SimulatedWorld(seed)) as place:
            servers = [await place.server(domain.ascii) for domain in domains]
            rng = place.world.entropy.rng
            for server in servers:
                server.pause_s = rng.random() / 20
            for _ in range(120):
                await place.put(f"x@{rng.choice(domains).ascii}")
                if rng.random() < 0.1:
                    await trio.sleep(rng.random() * 3)
            await trio.sleep(300)
            starts = [sorted(one.at for one in server.taken) for server in servers]
            assert sum(map(len, starts)) == 120
            slack = 1.0  # a message that was let go takes a moment, and not each the same
            for moments, rate, burst in (
                (sorted(starts[0] + starts[1]), 2, 3),
                (starts[2], 0.5, 1),
                (sorted(moment for each in starts for moment in each), 4, 1),
            ):
                for first, one in enumerate(moments):
                    for count, other in enumerate(moments[first:], 1):
                        assert count <= burst + rate * (other - one + slack)

    simulate(play, seed=seed)


def test_a_lane_that_waits_for_its_moment_does_not_wake_before() -> None:
    async def play() -> None:
        settings = DeliverySettings(
            domains={Domain.parse("a.example"): DomainSettings(rate_limit=Rate(1, Period.HOUR))}
        )
        async with stage(settings) as place:
            server = await place.server("a.example")
            for _ in range(24):
                await place.put("x@a.example")
            await trio.sleep(24 * 3600)
            moments = [one.at for one in server.taken]
            assert len(moments) == 24
            assert all(late - early == pytest.approx(3600, abs=0.5) for early, late in pairwise(moments))

    simulate(play, seed=1)


@pytest.mark.parametrize("step_s", [-86_400.0, 86_400.0])
def test_a_jump_of_the_wall_clock_by_a_day_makes_neither_storm_nor_freeze(step_s: float) -> None:
    async def play() -> None:
        settings = DeliverySettings(
            domains={Domain.parse("a.example"): DomainSettings(rate_limit=Rate(1, Period.SECOND))}
        )
        async with stage(settings) as place:
            server = await place.server("a.example")
            for _ in range(60):
                await place.put("x@a.example")
            await trio.sleep(20)
            place.world.clock.step(step_s)
            await trio.sleep(60)
            per_second = Counter(int(one.at) for one in server.taken)
            assert len(server.taken) == 60
            assert max(per_second.values()) <= 2

    simulate(play, seed=1)
