"""The wall clock is set forward or back by an hour or a day while mail waits.

Nothing is given up early, nothing is tried again and again, and nothing waits much longer than it would have.
"""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import pytest
import trio

from empath.config.schema import DeliverySettings
from empath.mail import Phase
from empath.mail.delivery import Status
from empath.sim.remote import Rule
from empath.sim.vfs import SimulatedVfs
from empath.smtp import Reply
from tests.sim.stage import DAY_S, Stage, config_with, simulated, store_on

HOUR_S = 3600.0
MESSAGES = 20
LATER = Rule(phase=Phase.RCPT, reaction=Reply(451, "later", "4.2.0"))
DELIVERY = DeliverySettings(max_connections_per_host=3)


@asynccontextmanager
async def playing(stage: Stage, backend: str) -> AsyncIterator[None]:
    """Play with a queue of some backend."""
    await stage.simulation.world.disk.make_directory(stage.config.queue_path)
    with closing(SimulatedVfs(stage.simulation.files)) as vfs:
        if backend != "memory":
            stage.open_store = store_on(vfs, backend)
        async with stage.play():
            yield


@pytest.mark.parametrize(
    ("step_s", "backend"),
    [
        (HOUR_S, "memory"),
        (DAY_S, "memory"),
        (-HOUR_S, "memory"),
        (-DAY_S, "memory"),
        (DAY_S, "sqlite"),
        (-DAY_S, "files"),
    ],
)
@simulated
async def test_mail_that_waits_is_tried_as_before_and_delivered_when_its_host_takes_it(
    step_s: float, backend: str
) -> None:
    stage = Stage(1, config_with(DELIVERY))
    site = stage.site("example.org", LATER)
    async with playing(stage, backend):
        messages = MESSAGES if backend == "memory" else MESSAGES // 5
        for number in range(messages):
            await stage.send(f"m{number}", "bob@example.org")
        await trio.sleep(6 * HOUR_S)
        before = len(stage.facts)
        stage.simulation.clock.step(step_s)
        await trio.sleep(HOUR_S)
        attempts = Counter(fact.delivery for fact in stage.facts[before:] if fact in stage.attempts("example.org"))
        assert max(attempts.values(), default=0) <= 2
        site.rules.clear()
        # The longest pause of the schedule, a fifth for chance; and an hour for a clock that was set back by one.
        await trio.sleep(1.2 * DELIVERY.retry_max_delay_s + HOUR_S)
    # Warnings about the delay are mail too, and arrive.
    assert {fact.status for fact in stage.ended} == {Status.COMPLETED}
    assert len(site.taken) == messages


@pytest.mark.parametrize("step_s", [HOUR_S, DAY_S, -HOUR_S, -DAY_S])
@simulated
async def test_mail_that_comes_after_it_goes_out_at_once(step_s: float) -> None:
    stage = Stage(1, config_with(DELIVERY))
    stage.site("example.org")
    async with stage.play():
        await stage.send("before", "bob@example.org")
        await trio.sleep(60)
        stage.simulation.clock.step(step_s)
        await stage.send("after", "bob@example.org")
        await trio.sleep(60)
        assert len(stage.taken) == 2


@pytest.mark.parametrize("step_s", [DAY_S, -DAY_S])
@simulated
async def test_a_clock_that_is_set_right_again_has_cost_nothing(step_s: float) -> None:
    stage = Stage(1, config_with(DELIVERY))
    site = stage.site("example.org", LATER)
    async with stage.play():
        await stage.send("m1", "bob@example.org")
        await trio.sleep(HOUR_S)
        for by_s in (step_s, -step_s):
            stage.simulation.clock.step(by_s)
            await trio.sleep(HOUR_S)
        assert len(stage.attempts("example.org")) < 25
        site.rules.clear()
        await trio.sleep(1.2 * DELIVERY.retry_max_delay_s + HOUR_S)
    assert [fact.status for fact in stage.ended] == [Status.COMPLETED]
