"""The census: it says of all deliveries together what is told of each of them."""

from collections import Counter

import trio
from attrs import define, field
from trio.testing import MockClock

from empath.config.schema import BreakerSettings, DeliverySettings, Period, Rate, RateLimitSettings
from empath.delivery.explain import Census
from empath.mail import Phase
from empath.mail.waiting import WaitReason
from empath.policy.steering import Scope
from empath.sim.remote import Fault, Rule
from empath.smtp import Reply
from empath.spool.contract import EVERYTHING, DeliveryKey, Selector, SpoolError
from empath.spool.memory import MemoryStore
from empath.spool.store import Look
from tests.delivery.steered import Bridge, Who, bridge

ANN: Who = {"by": "ann", "why": "as they ask"}
LATER = Rule(phase=Phase.RCPT, reaction=Reply(451, "not now", "4.2.0"), times=1000)
DOWN = Rule(phase=Phase.GREETING, reaction=Fault.CLOSE, times=1000)


@define(eq=False)
class Moody(MemoryStore):
    """A store that sometimes cannot be read."""

    fails: bool = field(init=False, default=False)

    def find(self, selector: Selector, *, now: float, after: DeliveryKey | None, limit: int) -> Look:
        if self.fails:
            raise SpoolError("the disk does not answer")
        return super().find(selector, now=now, after=after, limit=limit)


async def told_of_each(place: Bridge) -> Counter[WaitReason]:
    """What is said of every delivery, one by one."""
    explainer, found = place.sending.explainer, Counter[WaitReason]()
    page = await place.spool.find(EVERYTHING, now=place.world.clock.now(), limit=1000)
    for row in page.rows:
        wait = explainer.wait_of(row)
        assert wait is not None
        found[wait.reason] += 1
    return found


async def test_it_counts_what_is_told_of_each_delivery(autojump_clock: MockClock) -> None:
    settings = DeliverySettings(
        circuit_breaker=BreakerSettings(failure_threshold=2, timeout_s=3600),
        rate_limits=RateLimitSettings(default=Rate(1, Period.HOUR)),
    )
    async with bridge(settings) as place, trio.open_nursery() as nursery:
        census = Census(place.sending.explainer)
        nursery.start_soon(census.run)
        await place.server("grey.example", LATER)
        await place.server("down.example", DOWN)
        await place.server("slow.example")
        await place.sending.control.suspend(Scope(sender="b@client.example"), **ANN)
        await place.put("x@grey.example", messages=3)
        await place.put("x@down.example", messages=30)
        await place.put("x@slow.example", messages=10)
        await place.put("x@slow.example", sender="b@client.example", messages=4)
        held = await place.put("x@slow.example")
        await place.sending.control.hold(Selector(ids=frozenset({held})), **ANN)
        await trio.sleep(60)
        await census.ask()
        await trio.sleep(12)
        found = census.waits(await place.spool.statistics())
        assert found is not None
        assert set(found) == set(WaitReason)
        assert {reason: count for reason, count in found.items() if count} == await told_of_each(place)
        assert census.oldest is not None
        assert 70 < place.world.clock.now() - census.oldest < 80
        nursery.cancel_scope.cancel()


async def test_nobody_looks_while_nobody_asks_and_after_a_question_for_a_while(autojump_clock: MockClock) -> None:
    async with bridge() as place, trio.open_nursery() as nursery:
        census, looks = Census(place.sending.explainer), list[float]()
        place.spool.watch.took = lambda _operation, _took_s: looks.append(trio.current_time())
        nursery.start_soon(census.run)
        await trio.sleep(1000)
        assert (census.count, [moment for moment in looks if moment > 0]) == (None, [])
        await census.ask()
        assert census.count is not None
        await trio.sleep(10_000)
        assert 1000 <= max(looks) < 1400
        nursery.cancel_scope.cancel()


async def test_a_spool_that_cannot_be_read_has_no_figures_until_it_can(autojump_clock: MockClock) -> None:
    store = Moody()
    async with bridge(open_store=lambda: store) as place, trio.open_nursery() as nursery:
        census = Census(place.sending.explainer)
        nursery.start_soon(census.run)
        for fails in (False, True, False):
            store.fails = fails
            await census.ask()
            await trio.sleep(20)
            assert (census.waits(await place.spool.statistics()) is None) is fails
        nursery.cancel_scope.cancel()
