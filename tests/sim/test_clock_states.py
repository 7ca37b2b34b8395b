"""The wall clock jumps or stands while mail waits for everything that mail can wait for, over many seeds.

No storm: nothing is attempted more often than limit, breaker and retries allow. No frost: all of it goes out, as soon
as if nothing had been, or as much later as the clock was set back.
"""

import os
from collections import Counter
from functools import partial
from random import Random

import pytest
import trio

from empath.config.schema import BreakerSettings, DeliverySettings, DomainSettings, Period, Rate
from empath.mail import DeliveryAttempted, Phase
from empath.mail.outcome import Delivered
from empath.sim import Conditions, Reach, SimulatedWorld, simulate
from empath.sim.remote import RemoteServer, Rule
from empath.smtp import Domain, MailParams, Reply
from tests.delivery.stage import Stage, stage

HOUR_S, DAY_S = 3600.0, 86_400.0
MESSAGES = 12
DELAY_S, OPEN_S, HELD_S = 1800.0, 300.0, 8 * HOUR_S
SETTINGS = DeliverySettings(
    retry_base_delay_s=DELAY_S,
    retry_max_delay_s=DELAY_S,
    max_attempts=1000,
    circuit_breaker=BreakerSettings(failure_threshold=3, timeout_s=OPEN_S, max_timeout_s=OPEN_S),
    domains={Domain.parse("limited.example"): DomainSettings(rate_limit=Rate(6, Period.HOUR))},
)
LATER = Rule(phase=Phase.RCPT, reaction=Reply(451, "later", "4.2.0"))
STEPS_S = {"hour ahead": HOUR_S, "hour back": -HOUR_S, "day ahead": DAY_S, "day back": -DAY_S}
STOPS = {"stands and is set right": False, "stands and is behind from then on": True}
EVENTS = (*STEPS_S, *STOPS)
SEEDS = range(max(len(EVENTS), int(os.environ.get("EMPATH_SIM_SEEDS", "1"))))


async def disturb(place: Stage, event: str, lasting_s: float) -> float:
    """Let it happen; by how much the clock shows less, in the end, than it would."""
    clock = place.world.clock
    if event in STEPS_S:
        clock.step(STEPS_S[event])
        await trio.sleep(lasting_s)
        return -STEPS_S[event]
    clock.stop()
    await trio.sleep(lasting_s)
    behind_s = lasting_s if STOPS[event] else 0.0
    clock.go_on(behind_s=behind_s)
    return behind_s


async def count(place: Stage, peaks: Counter[str]) -> None:
    """Note how many attempts there are at each site in any minute, at most."""
    seen = len(place.facts)
    while True:
        await trio.sleep(60)
        new = [fact for fact in place.facts[seen:] if isinstance(fact, DeliveryAttempted)]
        seen = len(place.facts)
        peaks |= Counter(fact.site for fact in new)


async def live(seed: int, event: str) -> None:
    """Have mail wait for a retry, a limit, a breaker and a date; disturb the clock; see what goes, and when."""
    random = Random(seed)
    lasting_s = random.uniform(0.5, 3) * HOUR_S
    async with stage(SETTINGS, world=SimulatedWorld(seed)) as place, trio.open_nursery() as nursery:
        limited, dated = await place.server("limited.example"), await place.server("dated.example")
        deferring, dead = await place.server("deferring.example", LATER), await place.server("dead.example")
        place.world.network.conditions[dead.host.addresses[0]] = Conditions(reach=Reach.REFUSED)
        for _ in range(MESSAGES):
            for name in ("limited", "deferring", "dead"):
                await place.put(f"x@{name}.example", sender=None)
            await place.put("x@dated.example", params=MailParams(hold_for_s=int(HELD_S)))
        await trio.sleep(random.uniform(60, DELAY_S))
        peaks, before = Counter[str](), len(place.facts)
        nursery.start_soon(count, place, peaks)
        behind_s = await disturb(place, event, lasting_s)
        await place.put("new@dated.example")
        await trio.sleep(1)
        assert len(dated.taken) >= 1, "what comes after it goes at once"
        assert len(limited.taken) >= lasting_s / 600 or len(limited.taken) == MESSAGES
        tries = Counter(fact.delivery for fact in place.facts[before:] if isinstance(fact, DeliveryAttempted))
        assert max(tries.values()) <= lasting_s / (0.8 * DELAY_S) + 2
        assert len(tries) >= MESSAGES or event in STEPS_S, "retries go on while it stands"
        assert peaks["dead.example"] <= SETTINGS.circuit_breaker.half_open_max_calls, "probes only"
        assert peaks["deferring.example"] <= MESSAGES
        recover(place, deferring, dead)
        late_s = 0.0 if event in STEPS_S and behind_s in (-DAY_S, DAY_S) else max(0.0, behind_s)
        await trio.sleep(1.2 * DELAY_S + OPEN_S + late_s)
        assert (len(deferring.taken), len(dead.taken)) == (MESSAGES, MESSAGES)
        await trio.sleep(max(HELD_S + behind_s, 0.0) + MESSAGES * 600)
        assert (len(limited.taken), len(dated.taken)) == (MESSAGES, MESSAGES + 1)
        assert peaks["limited.example"] == 1
        nursery.cancel_scope.cancel()
    assert sum(isinstance(fact.outcome, Delivered) for fact in place.said(DeliveryAttempted)) == 4 * MESSAGES + 1


def recover(place: Stage, deferring: RemoteServer, dead: RemoteServer) -> None:
    """Have all hosts take their mail."""
    deferring.rules.clear()
    del place.world.network.conditions[dead.host.addresses[0]]


@pytest.mark.parametrize(("seed", "event"), [(seed, EVENTS[seed % len(EVENTS)]) for seed in SEEDS])
def test_what_the_clock_does_makes_neither_a_storm_nor_a_frost(seed: int, event: str) -> None:
    simulate(partial(live, seed, event), seed=seed)
