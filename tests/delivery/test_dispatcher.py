import trio
from trio.testing import MockClock

from empath.config.schema import BreakerSettings, DeliverySettings, PoolSettings
from empath.delivery import Dispatcher
from empath.mail import DeliveryAttempted, DeliveryEnded, Phase
from empath.mail.delivery import Status
from empath.sim.remote import Fault, Rule
from empath.smtp import Reply
from tests.delivery.stage import Stage, stage


def small(dispatcher: Dispatcher) -> None:
    dispatcher.stock.max_deliveries = 10


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


async def hold_up(place: Stage, messages: int, *, body: bytes = b"x") -> None:
    """Put messages for a host that lets everybody wait, and give it time to take what it is given."""
    await place.server("slow.example", Rule(phase=Phase.GREETING, reaction=Fault.STALL))
    for _ in range(messages):
        await place.put("b@slow.example", body=body)
    await trio.sleep(1)


async def hold_up_many(place: Stage, sites: int) -> None:
    """A message for each of several hosts that let everybody wait."""
    for number in range(sites):
        await place.server(f"slow{number}.example", Rule(phase=Phase.GREETING, reaction=Fault.STALL))
        await place.put(f"b@slow{number}.example", body=bytes(4000))
    await trio.sleep(1)


async def test_no_more_deliveries_are_in_memory_than_there_may_be(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(max_deliveries_in_memory=7)) as place:
        await hold_up_many(place, 20)
        assert (await place.spool.statistics()).claimed == 7


async def test_no_more_octets_are_in_memory_than_there_may_be_but_for_one_message(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(max_memory_bytes=10_000)) as place:
        await hold_up_many(place, 20)
        assert (await place.spool.statistics()).claimed == 3


async def test_many_recipients_at_one_site_do_not_take_all_room(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(max_deliveries_in_memory=1000)) as place:
        await place.server("slow.example", Rule(phase=Phase.GREETING, reaction=Fault.STALL))
        for _ in range(50):
            await place.put(*(f"u{number}@slow.example" for number in range(100)))
        await trio.sleep(1)
        assert (await place.spool.statistics()).claimed <= 600
        other = await place.server("example.org")
        await place.put("b@example.org")
        await trio.sleep(1)
        assert len(other.taken) == 1


async def test_large_messages_for_one_site_do_not_take_all_memory(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(max_memory_bytes=80_000)) as place:
        await hold_up(place, 100, body=bytes(4000))
        assert (await place.spool.statistics()).claimed < 10
        other = await place.server("example.org")
        await place.put("b@example.org", body=b"text\r\n" * 7000)
        await trio.sleep(1)
        assert len(other.taken) == 1


async def test_no_more_messages_are_in_memory_for_one_site_than_there_may_be(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(max_backlog_per_site=10)) as place:
        await hold_up(place, 50)
        lane = place.dispatcher.lanes["slow.example"]
        assert len(lane.backlog) <= 10
        other = await place.server("example.org")
        await place.put("b@example.org")
        await trio.sleep(1)
        assert len(other.taken) == 1


async def test_no_more_sites_are_remembered_than_there_may_be(autojump_clock: MockClock) -> None:
    settings = DeliverySettings(
        max_lanes=2,
        circuit_breaker=BreakerSettings(failure_threshold=1),
        connection_pool=PoolSettings(idle_timeout_s=0),
    )
    async with stage(settings) as place:
        for number in range(5):
            await place.server(f"dead{number}.example", Rule(phase=Phase.GREETING, reaction=Reply(421, "busy")))
            await place.put(f"b@dead{number}.example")
            await trio.sleep(1)
            assert len(place.dispatcher.lanes) == min(number + 1, 2)


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
