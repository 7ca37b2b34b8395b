"""Days of trouble: a thousand messages to fifty sites, most of which have faults, and every invariant afterwards.

Each seed is another story. The ordinary run tells a few; ``just sim SEEDS`` tells as many as one likes.
"""

import os
from collections.abc import Callable
from functools import partial
from random import Random

import pytest
import trio

from empath.config.schema import BreakerSettings, DeliverySettings
from empath.mail import Fact, Phase
from empath.sim import Conditions, Reach, simulate
from empath.sim.invariants import EMPTY, queue_of
from empath.sim.remote import Fault, RemoteServer, Rule
from empath.sim.vfs import SimulatedVfs
from empath.smtp import Reply
from tests.sim.stage import BACKENDS, DAY_S, SENDER, Stage, config_with, store_on

SEEDS = range(int(os.environ.get("EMPATH_SIM_SEEDS", "1")))
SITES = 50
MESSAGES = 1000
SENDING_S = DAY_S
SETTLED_S = 2 * DAY_S
DELIVERY = DeliverySettings(
    max_age_s=DAY_S,
    retry_base_delay_s=3600.0,
    max_connections_per_host=3,
    max_parallel_deliveries=25,
    circuit_breaker=BreakerSettings(timeout_s=7200.0),
)

LATER = Reply(451, "later", "4.2.0")
NEVER = Reply(550, "never", "5.1.1")
BUSY = Reply(421, "busy", "4.3.2")
FULL = Reply(452, "too many", "4.5.3")
PHASES = (Phase.GREETING, Phase.HELLO, Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.END)


def rules_of(random: Random) -> list[Rule]:
    """Think of what a site may do to us."""
    phase, fault = random.choice(PHASES), random.choice([*Fault])
    since_s = random.uniform(0, SENDING_S)
    ways: list[Callable[[], list[Rule]]] = [
        list,
        lambda: [Rule(phase=phase, reaction=fault, chance=0.3)],
        lambda: [Rule(phase=phase, reaction=fault, since_s=since_s, until_s=since_s + random.uniform(60, DAY_S))],
        lambda: [Rule(phase=phase, reaction=LATER, chance=0.4)],
        lambda: [Rule(phase=phase, reaction=BUSY, chance=0.3)],
        lambda: [Rule(phase=Phase.RCPT, reaction=LATER, times=30)],
        lambda: [Rule(phase=Phase.RCPT, reaction=FULL, chance=0.4)],
        lambda: [Rule(phase=Phase.END, reaction=NEVER, chance=0.3)],
        lambda: [Rule(phase=Phase.MAIL, reaction=NEVER, address="")],
        lambda: [Rule(phase=phase, reaction=fault)],
    ]
    return [Rule(phase=Phase.RCPT, reaction=NEVER, address="nobody*"), *random.choice(ways)()]


def build(stage: Stage, random: Random) -> list[str]:
    """Make the sites, some of them out of reach or slow for a while; return their domains."""
    domains = [f"site{number}.example" for number in range(SITES)]
    for domain in domains:
        hosts = random.choice([1, 1, 2, 3])
        first = stage.site(domain, *rules_of(random), hosts=hosts)
        first.pause_s = random.choice([0, 0, 0, 0.1, 5])
        for number in range(2, hosts + 1):
            other = stage.servers[f"mx{number}.{domain}"]
            other.rules = [Rule(phase=Phase.RCPT, reaction=NEVER, address="nobody*")]
    stage.simulation.network.usual = Conditions(latency_s=0.02)
    return domains


async def outage(stage: Stage, server: RemoteServer, random: Random) -> None:
    """Make one host impossible to reach for some time."""
    await trio.sleep(random.uniform(0, SENDING_S))
    reach = random.choice([Reach.REFUSED, Reach.UNREACHABLE, Reach.BLACKHOLE])
    stage.simulation.network.conditions[server.host.addresses[0]] = Conditions(latency_s=0.02, reach=reach)
    await trio.sleep(random.uniform(60, DAY_S))
    del stage.simulation.network.conditions[server.host.addresses[0]]


async def bring(stage: Stage, number: int, domains: list[str], random: Random) -> None:
    """Bring one message at some moment."""
    crowd = random.choice([3600.0, 50_000.0])
    await trio.sleep(random.choice([random.uniform(0, SENDING_S), crowd + random.uniform(0, 60)]))
    names = [random.choice(["bob", "carol", "dave", "nobody"]) for _ in range(random.randint(1, 4))]
    recipients = tuple({f"{name}{number}@{random.choice(domains)}": None for name in names})
    sender = SENDER if random.random() < 0.9 else ""
    await stage.send(f"m{number}", *recipients, sender=sender, body=random.randbytes(20).hex().encode() + b"\r\n")


async def days(seed: int, backend: str) -> list[str]:
    """Live through it, and return the breaches."""
    stage, random = Stage(seed, config_with(DELIVERY)), Random(seed)
    domains = build(stage, random)
    await stage.simulation.world.disk.make_directory(stage.config.queue_path)
    vfs = SimulatedVfs(stage.simulation.files)
    stage.open_store = store_on(vfs, backend)
    async with stage.play(), trio.open_nursery() as nursery:
        for number in range(MESSAGES):
            nursery.start_soon(bring, stage, number, domains, random)
        for server in random.sample([*stage.servers.values()], 15):
            if not server.name.endswith(".senders.example"):
                nursery.start_soon(outage, stage, server, random)
        await trio.sleep(SENDING_S + SETTLED_S)
    store = stage.open_store()
    queue = queue_of(store)
    store.close()
    vfs.close()
    assert len(stage.client.ledger) == MESSAGES
    assert queue == EMPTY, "all should have come to an end after so many days"
    return stage.breaches(queue)


@pytest.mark.parametrize(
    ("backend", "seed"),
    [(backend, seed) for backend in BACKENDS for seed in SEEDS if backend == "sqlite" or seed % 5 == 0],
)
def test_every_promise_is_kept(seed: int, backend: str) -> None:
    assert simulate(partial(days, seed, backend), seed=seed) == []


def test_the_same_seed_tells_the_same_story() -> None:
    """The canary: not one fact may differ, nor its place."""

    async def story() -> list[Fact]:
        stage, random = Stage(5, config_with(DELIVERY)), Random(5)
        domains = build(stage, random)
        async with stage.play(), trio.open_nursery() as nursery:
            for number in range(50):
                nursery.start_soon(bring, stage, number, domains, random)
            await trio.sleep(SENDING_S + SETTLED_S)
        return stage.facts

    first = simulate(story, seed=5)
    assert len(first) > 200
    assert simulate(story, seed=5) == first
