"""The power fails in the middle of work, more than once, and what was answered 250 is still there."""

import os
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import partial
from random import Random

import pytest
import trio

from empath.config.schema import DeliverySettings
from empath.mail import Phase
from empath.sim import Conditions, simulate
from empath.sim.invariants import EMPTY, queue_of
from empath.sim.remote import Fault, Rule
from empath.sim.vfs import SimulatedVfs
from empath.smtp import Reply
from empath.world import NetworkError
from tests.sim.stage import BACKENDS, DAY_S, SENDER, Stage, config_with, store_on

SEEDS = range(int(os.environ.get("EMPATH_SIM_SEEDS", "2")))
CRASHES = 4
MESSAGES = 150
SITES = 12


async def bring(stage: Stage, number: int, random: Random) -> None:
    """Bring one message at some moment; whether it is answered depends on whether there is power."""
    await trio.sleep(random.uniform(0, 10 * CRASHES))
    names = ["nobody", *(f"u{count}" for count in range(random.randint(1, 3)))]
    recipients = tuple(f"{random.choice(names)}@site{random.randrange(SITES)}.example" for _ in names)
    body = random.randbytes(random.choice([10, 100, 300_000])).hex().encode()
    lines = b"\r\n".join(body[at : at + 70] for at in range(0, len(body), 70)) + b"\r\n"
    with suppress(NetworkError):
        await stage.client.submit(f"m{number}", sender=SENDER, recipients=tuple({*recipients}), body=lines)


def trouble(random: Random) -> Iterator[Rule]:
    """Think of what a site may do to us."""
    yield Rule(phase=Phase.RCPT, reaction=Reply(550, "never", "5.1.1"), address="nobody*")
    if random.random() < 0.5:
        yield Rule(phase=Phase.RCPT, reaction=Reply(451, "later", "4.2.0"), chance=0.3)
    if random.random() < 0.3:
        yield Rule(phase=Phase.END, reaction=random.choice([*Fault]), chance=0.2)


async def blackouts(seed: int, backend: str) -> None:
    """Run, cut the power, run again; then let all come to its end."""
    stage, random = Stage(seed, config_with(DeliverySettings(max_age_s=DAY_S))), Random(seed)
    for number in range(SITES):
        stage.site(f"site{number}.example", *trouble(random)).pause_s = random.choice([0, 0.05, 1.0])
    stage.simulation.network.usual = Conditions(latency_s=0.01)
    disk = stage.simulation.world.disk
    await disk.make_directory(stage.config.queue_path)
    with closing(SimulatedVfs(stage.simulation.files)) as vfs:
        stage.open_store = store_on(vfs, backend)
        async with stage.internet() as internet, trio.open_nursery() as nursery:
            for number in range(MESSAGES):
                nursery.start_soon(bring, stage, number, random)
            for _ in range(CRASHES):
                await run_into_the_dark(stage, random)
            run = await stage.start(internet)
            await trio.sleep(2 * DAY_S)
            run.stop()
            await run.over.wait()
        store = stage.open_store()
        queue = queue_of(store)
        store.close()
    assert queue == EMPTY
    assert len(stage.client.ledger) > MESSAGES / 3
    assert stage.breaches(queue) == []


async def run_into_the_dark(stage: Stage, random: Random) -> None:
    """Start a worker and pull the plug some time later."""
    async with trio.open_nursery() as nursery:
        await stage.start(nursery)
        await trio.sleep(random.uniform(0.5, 10))
        stage.simulation.crash(survivors=random.random() < 0.5)
        stage.cuts.append(trio.current_time())
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("backend", "seed"),
    [(backend, seed) for backend in BACKENDS for seed in SEEDS if backend == "sqlite" or seed % 5 < 2],
)
def test_what_was_answered_250_survives(seed: int, backend: str) -> None:
    simulate(partial(blackouts, seed, backend), seed=seed)
