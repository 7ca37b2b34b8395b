import trio
from attrs import define, field
from trio.testing import MockClock

from empath.delivery import Call, Capacity, Job, Lane
from empath.delivery.lanes.helm import Helm
from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.envelope import Envelope, Recipient
from empath.mail.ids import MessageId
from empath.mail.outcome import Deferred, Delivered, Outcome
from empath.policy.breaker import Breaker, BreakerState
from empath.policy.window import Window
from empath.smtp import Address, Reply
from empath.spool.contract import Claim, ClaimedDelivery, DeliveryKey

WELL = Delivered(Reply(250, "OK"), "mx.example.org")
DOWN = Deferred(Diagnosis(kind=Kind.CONNECT, phase=Phase.CONNECT))


def job(number: int) -> Job:
    delivery = ClaimedDelivery(key=DeliveryKey(number, 0), domain="example.org", attempts=0)
    claim = Claim(mid=MessageId(1, number), received=0, envelope=b"", body=b"", deliveries=(delivery,))
    envelope = Envelope(reverse_path=None, recipients=(Recipient(Address.parse("b@example.org")),), received=0)
    return Job(claim=claim, envelope=envelope, site="example.org", deliveries=(delivery,))


@define(eq=False)
class Depot:
    """A lane whose senders need a second for a job, and do with it what ``outcome`` says."""

    capacity: Capacity = field(factory=lambda: Capacity(10))
    idle_s: float = 0.0
    outcome: Outcome | None = WELL
    lane: Lane = field(init=False)
    done: list[int] = field(init=False, factory=list)
    begun: int = field(init=False, default=0)
    most: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        window = Window(4)
        self.lane = Lane(
            site="example.org",
            breaker=Breaker(failure_threshold=3, timeout_s=60, half_open_max_calls=2),
            window=window,
            helm=Helm(site="example.org", window=window, observe=lambda fact: None, wall=trio.current_time),
            capacity=self.capacity,
            new_sender=lambda lane: ScriptedSender(self),
            observe=lambda fact: None,
            wall=trio.current_time,
        )

    def feed(self, *numbers: int) -> None:
        for number in numbers:
            self.lane.feed(job(number))


@define(eq=False)
class ScriptedSender:
    depot: Depot

    async def run(self) -> None:
        depot = self.depot
        depot.begun += 1
        while (call := await depot.lane.next_call(idle_s=depot.idle_s)) is not None:
            depot.most = max(depot.most, depot.lane.senders)
            await self._work(call)

    async def _work(self, call: Call) -> None:
        outcomes = None if self.depot.outcome is None else [self.depot.outcome]
        try:
            await trio.sleep(1)
            self.depot.done.append(call.job.claim.mid.number)
        finally:
            self.depot.lane.settle(call, outcomes)


async def test_it_ends_when_its_work_is_done_and_gives_back_all_places(autojump_clock: MockClock) -> None:
    depot = Depot()
    depot.feed(*range(20))
    await depot.lane.run()
    assert sorted(depot.done) == list(range(20))
    assert (depot.capacity.used, depot.lane.senders, depot.lane.is_fresh) == (0, 0, True)


async def test_it_never_has_more_senders_than_its_window(autojump_clock: MockClock) -> None:
    depot = Depot()
    depot.feed(*range(50))
    await depot.lane.run()
    assert depot.most == 4


async def test_work_that_comes_while_it_ends_is_done(autojump_clock: MockClock) -> None:
    depot = Depot()
    depot.feed(0)
    fed: list[int] = []

    async def feed_at_the_end() -> None:
        await trio.sleep(1)
        for _ in range(50):
            if depot.lane.running and not depot.lane.senders and not fed:
                fed.append(1)
                depot.feed(1)
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(feed_at_the_end)
        await depot.lane.run()
    assert depot.done == [0, *fed]


async def test_an_open_breaker_lets_nothing_through_until_its_time(autojump_clock: MockClock) -> None:
    depot = Depot(outcome=DOWN)
    depot.feed(*range(10))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(depot.lane.run)
        await trio.sleep(30)
        before = len(depot.done)
        assert depot.lane.breaker.until is not None
        assert before <= 4
        depot.outcome = WELL
        await trio.sleep(60)
        assert depot.lane.breaker.state is BreakerState.CLOSED
        assert len(depot.done) == 10


async def test_while_probes_are_out_no_sender_is_started_in_vain(autojump_clock: MockClock) -> None:
    depot = Depot(outcome=DOWN)
    depot.feed(*range(50))
    with trio.move_on_after(600):
        await depot.lane.run()
    assert depot.begun <= len(depot.done) + 2


async def test_what_says_nothing_about_the_site_gives_the_probe_back(autojump_clock: MockClock) -> None:
    depot = Depot(outcome=DOWN)
    depot.feed(*range(20))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(depot.lane.run)
        await trio.sleep(30)
        depot.outcome = None
        await trio.sleep(60)
        assert len(depot.done) == 20
        assert depot.lane.breaker.state is BreakerState.HALF_OPEN


async def test_cancellation_hands_back_places_and_tickets(autojump_clock: MockClock) -> None:
    depot = Depot(idle_s=100)
    depot.feed(*range(10))
    with trio.move_on_after(1.5):
        await depot.lane.run()
    assert depot.capacity.used == 0
    assert depot.lane.calls == 0


async def test_an_open_breaker_sheds_all_but_its_probes(autojump_clock: MockClock) -> None:
    depot = Depot(outcome=DOWN)
    assert depot.lane.shed() == []
    depot.feed(*range(20))
    with trio.move_on_after(10):
        await depot.lane.run()
    shed = depot.lane.shed()
    assert len(depot.lane.backlog) == 2
    assert len(shed) + len(depot.done) + 2 == 20
    assert depot.lane.room == 0


async def test_two_lanes_share_one_place(autojump_clock: MockClock) -> None:
    capacity = Capacity(1)
    one, two = Depot(capacity=capacity, idle_s=1000), Depot(capacity=capacity, idle_s=1000)
    async with trio.open_nursery() as nursery:
        one.feed(1, 2)
        nursery.start_soon(one.lane.run)
        await trio.sleep(0.5)
        two.feed(3)
        nursery.start_soon(two.lane.run)
        await trio.sleep(10)
        assert (one.done, two.done) == ([1, 2], [3])
        nursery.cancel_scope.cancel()


async def test_a_drained_lane_hands_nothing_out(autojump_clock: MockClock) -> None:
    depot = Depot(idle_s=1000)
    depot.feed(*range(10))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(depot.lane.run)
        await trio.sleep(0.5)
        left = depot.lane.drain()
    assert len(left) + len(depot.done) == 10
    assert trio.current_time() == 1
