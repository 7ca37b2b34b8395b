import trio
from trio.testing import MockClock

from empath.config.schema import DeliverySettings
from empath.delivery import Dispatcher
from empath.mail import DeliveryAttempted, DeliveryEnded, Phase
from empath.mail.delivery import Status
from empath.sim.remote import Fault, Rule
from empath.smtp import Reply
from tests.delivery.stage import stage


def small(dispatcher: Dispatcher) -> None:
    dispatcher.room = 10


async def test_dead_sites_do_not_fill_the_window_for_ever(autojump_clock: MockClock) -> None:
    async with stage(change=small) as place:
        await place.server("dead.example", Rule(phase=Phase.GREETING, reaction=Reply(421, "busy")))
        alive = await place.server("example.org")
        for _ in range(30):
            await place.put("b@dead.example")
        await trio.sleep(5)
        await place.put("b@example.org")
        await trio.sleep(5)
        assert len(alive.taken) == 1


async def test_what_waits_in_lanes_goes_back_at_no_cost_when_the_daemon_stops(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(max_parallel_deliveries=1)) as place:
        await place.server("example.org", Rule(phase=Phase.GREETING, reaction=Fault.STALL))
        for _ in range(5):
            await place.put("b@example.org")
        await trio.sleep(1)
        place.shutdown.ask()
        await trio.sleep(1)
        assert [fate.attempts for fate in place.waiting] == [0] * 4
        await trio.sleep(30)
        assert [fate.attempts for fate in place.waiting] == [0] * 5
        assert (await place.spool.statistics()).claimed == 0


async def test_one_message_to_two_domains_is_two_jobs(autojump_clock: MockClock) -> None:
    async with stage() as place:
        one, two = await place.server("one.example"), await place.server("two.example")
        await place.put("a@one.example", "b@two.example")
        await trio.sleep(1)
        assert (len(one.taken), len(two.taken)) == (1, 1)
        assert (await place.spool.statistics()).messages == 0


async def test_a_delivery_whose_time_is_over_is_returned_and_not_tried(autojump_clock: MockClock) -> None:
    settings = DeliverySettings(max_age_s=100, max_attempts=1000, retry_base_delay_s=60)
    async with stage(settings) as place:
        await place.server("example.org", Rule(phase=Phase.MAIL, reaction=Reply(451, "later")))
        await place.put("b@example.org", sender=None)
        await trio.sleep(1000)
        assert [fact.status for fact in place.said(DeliveryEnded)] == [Status.EXPIRED]
        assert len(place.said(DeliveryAttempted)) <= 2


async def test_lanes_that_have_nothing_to_remember_are_forgotten(autojump_clock: MockClock) -> None:
    async with stage() as place:
        for number in range(3):
            await place.server(f"site{number}.example")
            await place.put(f"b@site{number}.example")
        await trio.sleep(1)
        assert len(place.dispatcher.lanes) == 3
        await trio.sleep(1000)
        assert place.dispatcher.lanes == {}
