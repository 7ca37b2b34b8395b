"""Who goes when not all can: classes, senders, retries and new mail in one lane, over many seeds.

A host takes one message after the other, and the order in which it gets them is what is looked at. Of each share no
more than a tenth may be missing, and none may be above it by more, while all that share have something waiting.
"""

import os
from collections import Counter
from collections.abc import Sequence
from functools import partial
from random import Random

import pytest
import trio

from empath.config.schema import DeliverySettings, PrioritySettings, WeightSettings
from empath.mail import Phase
from empath.mail.priority import Priority
from empath.policy.steering import Scope
from empath.sim import SimulatedWorld, simulate
from empath.sim.remote import RemoteServer, Rule
from empath.smtp import Reply
from tests.delivery.steered import Bridge, bridge

SEEDS = range(int(os.environ.get("EMPATH_SIM_SEEDS", "1")))
CLASSES = ("critical", "high", "normal", "low")
USERS = ("ann", "ben", "cem")
HOUR_S = 3600.0
LATER = Rule(phase=Phase.RCPT, reaction=Reply(451, "later", "4.2.0"), address="again*")


def names(server: RemoteServer) -> list[str]:
    """The first word of each recipient, in the order in which they came."""
    return [one.recipients[0].local.decode().partition("-")[0] for one in server.taken]


def shares(order: Sequence[str], supply: Counter[str], weights: dict[str, float]) -> dict[str, float]:
    """What each got, by what it should have got, as long as all had something left. 1: exactly that."""
    left = Counter(supply)
    for place, name in enumerate(order):
        left[name] -= 1
        if not left[name]:
            order = order[:place]
            break
    found, total = Counter(order), sum(weights.values())
    return {name: found[name] / (len(order) * weight / total) for name, weight in weights.items()}


async def fill(place: Bridge, supply: Counter[str], random: Random) -> None:
    """Put so much of each into the queue, in any order: of a class, or of a user of the class normal."""
    for number, name in enumerate(random.sample([*supply.elements()], supply.total())):
        is_class = name in CLASSES
        await place.put(
            f"{name}-{number}@a.example",
            priority=Priority(name) if is_class else None,
            user=random.choice(USERS) if is_class else name,
        )


async def share(seed: int, supply: Counter[str], weights: dict[str, float]) -> None:
    """Have them share a lane with one connection."""
    random = Random(seed)
    of_classes = WeightSettings(**{name: weight for name, weight in weights.items() if name in CLASSES})
    settings = DeliverySettings(
        max_connections_per_host=1,
        max_backlog_per_site=10_000,
        max_deliveries_in_memory=100_000,
        priorities=PrioritySettings(weights=of_classes),
    )
    async with bridge(settings, world=SimulatedWorld(seed)) as place:
        server = await place.server("a.example")
        await place.sending.control.suspend(Scope(lane="a.example"), by="ann", why="", for_s=60)
        await fill(place, supply, random)
        await trio.sleep(60)
        server.pause_s = random.uniform(0.01, 0.5)
        await trio.sleep(HOUR_S)
        assert len(server.taken) == supply.total()
        found = shares(names(server), supply, weights)
        assert max(abs(got - 1) for got in found.values()) <= 0.1, str(found)


@pytest.mark.parametrize("seed", SEEDS)
def test_classes_share_by_their_weights(seed: int) -> None:
    random = Random(seed)
    weights = {name: float(random.randint(1, 8)) for name in CLASSES}
    supply = Counter({name: int(20 * weight) + random.randint(20, 60) for name, weight in weights.items()})
    simulate(partial(share, seed, supply, weights), seed=seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_senders_of_a_class_share_evenly_however_much_each_has(seed: int) -> None:
    random = Random(seed)
    supply = Counter({name: random.randint(40, 200) for name in USERS})
    simulate(partial(share, seed, supply, dict.fromkeys(USERS, 1.0)), seed=seed)


async def flood(seed: int) -> None:
    """More of the highest class comes than the host takes, for hours; and something else waits."""
    random = Random(seed)
    settings = DeliverySettings(
        max_connections_per_host=1,
        max_backlog_per_site=random.choice([20, 1000]),
        retry_base_delay_s=120,
    )
    async with bridge(settings, world=SimulatedWorld(seed)) as place:
        server = await place.server("a.example", LATER)
        server.pause_s = 1.0
        await place.put("again-0@a.example", messages=3)
        await trio.sleep(60)
        server.rules.clear()
        for number in range(40):
            await place.put(f"flood-{number}@a.example", priority=Priority.CRITICAL, messages=20, user="ann")
            if number == 10:
                for name in ("high", "normal", "low"):
                    await place.put(f"{name}-0@a.example", priority=Priority(name), user="ben")
            await trio.sleep(15)
        order = names(server)
        assert order.count("flood") < 40 * 20 - 200, "it is a flood to the end"
        assert {"again", "high", "normal", "low"} <= {*order}, str(Counter(order))
        assert order.count("again") == 3


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_starves_beside_a_flood(seed: int) -> None:
    simulate(partial(flood, seed), seed=seed)
